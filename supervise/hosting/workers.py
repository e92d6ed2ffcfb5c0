"""A pool of threads for work that may block: normally one thread.

A log host hands out the work of its loggers here: reading a block, writing it, rotating.
Most of it takes microseconds, and one thread does it all. But a call that hangs on a slow
disk must not delay another log. So when work has waited for a while and no other work was
finished meanwhile, all threads hang, and one more is started. A thread that finds no work for
some time ends.
"""

from __future__ import annotations

import os
import threading
import time
from _queue import Empty, SimpleQueue

from slashservice.supervise.platform import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Work = Callable[[], None]

SECONDS_UNTIL_STUCK = 0.05
"""How long work waits, while no other work is finished, before another thread is started."""

SECONDS_OF_IDLENESS = 10.0
"""How long a thread waits for work before it ends, unless it is the last."""


class Workers:
    """Does work in threads, and then calls back in the thread of the loop.

    ``fd`` becomes readable when there is something for :meth:`settle` to do.
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
        """Do ``work`` in some thread, and then ``then`` in the thread of the loop."""
        self._unfinished += 1
        self._waiting.put((work, lambda: self._finish(then)))
        if self._threads == 0:
            self._start()

    def settle(self) -> None:
        """Call back for all work that was done."""
        try:
            os.read(self.fd, 4096)
        except OSError:
            pass  # nothing is there, or no memory: then we are called again
        while True:
            try:
                then = self._done.get_nowait()
            except Empty:
                return
            then()

    def call(self, then: Work) -> None:
        """Call ``then`` in the thread of the loop; to be used by any thread.

        It is called in any case, if late: :meth:`settle` should be called now and then while
        there is work.
        """
        while True:
            try:
                self._done.put(then)
                break
            except MemoryError:
                time.sleep(SECONDS_UNTIL_STUCK)
        try:
            os.write(self._wake, b"\0")
        except OSError:
            pass  # if the pipe is full, the loop will wake up anyway

    @property
    def is_behind(self) -> bool:
        """Whether work waits, so that :meth:`grow` should be called in a while."""
        return not self._waiting.empty()

    @property
    def is_at_work(self) -> bool:
        """Whether some work has yet to be called back for."""
        return self._unfinished > 0

    def grow(self) -> None:
        """Start another thread if no thread has finished anything since the last call."""
        if self.is_behind and (self._seen == self._finished or self._threads == 0):
            self._start()
        self._seen = self._finished

    def _start(self) -> None:
        with self._lock:
            self._threads += 1
        try:
            threading.Thread(target=self._run, daemon=True).start()
        except RuntimeError:
            with self._lock:
                self._threads -= 1  # the system gives us no more

    def _run(self) -> None:
        try:
            while self._work():
                pass
        except BaseException:
            # There was no memory even to begin. Another thread is started in our place.
            with self._lock:
                self._threads -= 1

    def _work(self) -> bool:
        """Do the work that waits next; return False if this thread is not needed."""
        try:
            work, finish = self._waiting.get(timeout=SECONDS_OF_IDLENESS)
        except Empty:
            with self._lock:
                if self._threads > 1:
                    self._threads -= 1
                    return False
            work, finish = self._waiting.get()
        try:
            work()
        except BaseException:
            pass  # those who hand in work see to their errors; what is left is lack of memory
        self.call(finish)
        return True

    def _finish(self, then: Work) -> None:
        self._unfinished -= 1
        self._finished += 1
        then()
