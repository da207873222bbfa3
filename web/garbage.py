"""Looking for garbage without walking over everything that is there to stay.

Python finds cycles of objects nobody needs by walking over all that live. With the application and some rulesets in
memory that takes a fifth of a second, every few hundred requests, in the middle of one. So what has survived a full
look is set aside, and the next one walks over what came since. Now and then everything is looked at again: what was
set aside may have become garbage meanwhile.
"""

import gc
from collections.abc import Mapping

WHOLE_EVERY = 500
"""After how many full looks everything is walked over again."""
_FULL = 2


class SettingAside:
    """Sets aside what survives, from the moment it is installed."""

    def __init__(self, whole_every: int = WHOLE_EVERY) -> None:
        self._whole_every = whole_every
        self._looks = 0

    def install(self) -> None:
        """Set aside what is there now, and from now on what survives."""
        gc.collect()
        gc.freeze()
        gc.callbacks.append(self._looked)

    def uninstall(self) -> None:
        """Set nothing aside anymore."""
        gc.callbacks.remove(self._looked)
        gc.unfreeze()

    def _looked(self, phase: str, about: Mapping[str, int]) -> None:
        if phase != "stop" or about["generation"] != _FULL:
            return
        self._looks += 1
        if self._looks % self._whole_every == 0:
            gc.unfreeze()
        else:
            gc.freeze()
