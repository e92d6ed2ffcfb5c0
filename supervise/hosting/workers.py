"""Threads that do what may block, as few as it takes.

A log host hands out the work of its loggers here: reading a block, writing it, rotating.
Most of it takes microseconds, and one thread does it all. But a call that hangs on a slow
disk must not delay another log: whenever work has waited for a while and none was finished
meanwhile, every worker is stuck, and one more is started. Those too many end by themselves.
"""

from __future__ import annotations

import os
import threading
from _queue import Empty, SimpleQueue

from slashservice.supervise.platform import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Work = Callable[[], None]

SECONDS_UNTIL_STUCK = 0.05
"""How long work waits, with none being finished, before another thread is started."""

SECONDS_OF_IDLENESS = 10.0
"""How long a thread waits for work before it ends, unless it is the last."""


class Workers:
    """Does work in threads; what it calls back with is done in the thread of the loop.

    ``fd`` becomes readable when there is something for :meth:`settle`.
    """

    def __init__(self) -> None:
        self.fd, self._wake = posix.pipe()
        self._waiting: SimpleQueue[tuple[Work, Work]] = SimpleQueue()
        self._done: SimpleQueue[Work] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0
        self._finished = 0
        self._seen = 0

    def submit(self, work: Work, then: Work) -> None:
        """Do ``work`` in some thread, and ``then`` in the loop's."""
        self._unfinished += 1
        self._waiting.put((work, then))
        if self._threads == 0:
            self._start()

    def settle(self) -> None:
        """Call back for what was done."""
        try:
            os.read(self.fd, 4096)
        except BlockingIOError:
            pass
        while True:
            try:
                then = self._done.get_nowait()
            except Empty:
                return
            self._unfinished -= 1
            self._finished += 1
            then()

    @property
    def is_behind(self) -> bool:
        """Whether work waits, so that :meth:`grow` should be called in a while."""
        return not self._waiting.empty()

    def grow(self) -> None:
        """Start another thread if all are stuck: none finished anything since the last call."""
        if self.is_behind and self._seen == self._finished:
            self._start()
        self._seen = self._finished

    def _start(self) -> None:
        with self._lock:
            self._threads += 1
        try:
            threading.Thread(target=self._run, daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._threads -= 1  # no more to be had: those there are have to do

    def _run(self) -> None:
        while True:
            try:
                work, then = self._waiting.get(timeout=SECONDS_OF_IDLENESS)
            except Empty:
                with self._lock:
                    if self._threads > 1:
                        self._threads -= 1
                        return
                work, then = self._waiting.get()
            work()
            self._done.put(then)
            try:
                os.write(self._wake, b"\0")
            except BlockingIOError:
                pass  # it is awake
