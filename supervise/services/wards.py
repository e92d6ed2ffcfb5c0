"""Noticing what somebody has removed in a ``supervise`` directory, or changed beside it.

What clients need is made again. What a service directory says of how its service ends is looked at
again, where that is not done at any time (``manners.Remembered``).

The kernel tells of it where it can tell of entries by name. The directories are watched a while
after their services began, some at a time, so that this delays no start. Elsewhere, and where no
more can be watched, it is noticed at the next scan.
"""

from __future__ import annotations

from slashservice.supervise.platform import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.platform.loop import Loop
    from slashservice.supervise.services.pair import Pair


SECONDS_UNTIL_WATCHED = 1.5
SECONDS_BETWEEN_PORTIONS = 0.02
PORTION = 50

SECONDS_UNTIL_MENDED = 1.0
"""Whoever removes a whole service directory is done with it by then, and nothing is made in it."""

CHANGED = watch.ENTRIES | watch.CONTENT

REMOVED = watch.DELETE | watch.DELETE_SELF | watch.MOVE_SELF


class Wards:
    """Calls ``mend`` of each pair some time after something of its state was removed."""

    def __init__(self, loop: Loop, watcher: watch.Watcher) -> None:
        self._loop = loop
        self._watcher = watcher
        self._expected: dict[Pair, None] = {}
        self._watched: dict[int, Pair] = {}
        self._numbers: dict[Pair, set[int]] = {}
        """By which numbers the watcher knows the directories of each pair."""
        self._hurt: set[Pair] = set()

    def expect(self, pair: Pair) -> None:
        """Watch over ``pair``, in a while."""
        if not self._expected:
            self._loop.after(SECONDS_UNTIL_WATCHED, self._watch_some)
        self._expected[pair] = None

    def forget(self, pair: Pair) -> None:
        """The pair has ended."""
        self._expected.pop(pair, None)
        self._hurt.discard(pair)
        for number in self._numbers.pop(pair, ()):
            if self._watched.get(number) is pair:  # and not one that has its place now
                del self._watched[number]
                self._watcher.remove(number)

    def saw(self, number: int, mask: int) -> bool:
        """Something was removed in the directory ``number``; False if it is none of ours."""
        pair = self._watched.get(number)
        if pair is None:
            return False
        if mask & watch.IGNORED:
            del self._watched[number]
            self._numbers[pair].discard(number)
        if pair not in self._hurt:
            self._hurt.add(pair)
            self._loop.after(SECONDS_UNTIL_MENDED, lambda: self._mend(pair))
        return True

    def _mend(self, pair: Pair) -> None:
        if pair not in self._hurt:
            return  # it has ended
        self._hurt.discard(pair)
        pair.mend()
        if not self._numbers.get(pair):
            self.expect(pair)
        else:
            self._watch(pair)

    def _watch_some(self) -> None:
        for pair in list(self._expected)[:PORTION]:
            del self._expected[pair]
            self._watch(pair)
            pair.mend()  # what was removed before that
            self._watch(pair)  # in case that was all of the directory
        if self._expected:
            self._loop.after(SECONDS_BETWEEN_PORTIONS, self._watch_some)

    def _watch(self, pair: Pair) -> None:
        masks = dict.fromkeys(pair.states(), REMOVED)
        masks.update(dict.fromkeys(pair.manners(), CHANGED))
        for path, mask in masks.items():
            try:
                number = self._watcher.add(path + b"/.", mask)
            except OSError:
                continue  # too many are watched, or it is not there
            self._watched[number] = pair
            self._numbers.setdefault(pair, set()).add(number)
