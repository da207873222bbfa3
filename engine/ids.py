"""Identifiers of Ochre's own records.

Ids are made by `web.clock` (a prefix, then a time-sortable random part) and handed in as arguments, so that
pure code never makes one. The types keep a conversation's id from being passed where an end user's belongs.
"""

from typing import NewType

WorkspaceId = NewType("WorkspaceId", str)
MemberId = NewType("MemberId", str)
TeamId = NewType("TeamId", str)
QueueId = NewType("QueueId", str)
EndUserId = NewType("EndUserId", str)
ConversationId = NewType("ConversationId", str)
MessageId = NewType("MessageId", str)
DecisionId = NewType("DecisionId", str)
ConnectionId = NewType("ConnectionId", str)
