"""Conversations, the people who write them, their messages, and the decisions that routed them."""
