"""The processor of a log directory of svlogd, which runs beside the logger.

It turns ``@LABEL.u`` into ``@LABEL.t``. Once it has succeeded, that is on disk and then called
``@LABEL.s``, and ``newstate`` becomes ``state``. If it fails it is run again: at once the first
time, then after a pause. So the logger never waits, unless another file is full by then.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise.logs import processor
from slashservice.supervise.logs.folder import COMPLETE
from slashservice.supervise.logs.svlogd_words import SvlogdAttempts, inform
from slashservice.supervise.messages import complain, message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.logs.folder import Folder
    from slashservice.supervise.logs.steps import Steps

SECONDS_BETWEEN_FAILURES = 3.0

FAILED = b"processor failed, restart"


class Background:
    """Runs a command on the file ``label`` + ``.u`` of ``folder``, which it closes at the end.

    ``pid`` is its process, 0 if it does not run; ``again_at`` when it is to be run again, by the
    monotonic clock.
    """

    __slots__ = (
        *("_attempts", "_command", "_failed", "_folder", "_label", "_verbose", "again_at", "pid"),
    )

    def __init__(
        self, attempts: SvlogdAttempts, folder: Folder, label: bytes, verbose: bool
    ) -> None:
        self._attempts = attempts
        self._folder = folder
        self._label = label
        self._command = b""
        self._verbose = verbose
        self._failed = False
        self.pid = 0
        self.again_at = 0.0

    def start(self, command: bytes) -> Steps[None]:
        """Start the command."""
        self._command = command
        trouble = b"unable to fork for processor"
        self.pid = yield from self._attempts.attempt(trouble, self._fork)

    def _fork(self) -> int:
        names = self._label + b".u", self._label + b".t"
        if self._verbose:
            inform(b"processing: %s/%s" % (self._attempts.name, names[0]))
        argv = [processor.SHELL, b"-c", self._command]
        where, entries = self._folder.fd, processor.inherited()
        return processor.fork(where, argv, entries, names, self._complain)

    def _complain(self, error: OSError) -> None:
        what = b"unable to run processor: " + self._attempts.name
        complain(message("svlogd", b"fatal", what, error))

    def ended(self, status: int) -> Steps[bool]:
        """Make of it what its wait status says; return whether all is done."""
        self.pid = 0
        attempt, folder = self._attempts.attempt, self._folder
        raw, result, final = (self._label + code for code in (b".u", b".t", b".s"))
        if status:
            self._attempts.complain(FAILED, FAILED, meanwhile=b"")
            folder.remove_if_possible(result)
            if self._failed:
                self.again_at = time.monotonic() + SECONDS_BETWEEN_FAILURES
            else:
                self._failed = True
                yield from self.start(self._command)
            return False
        self._attempts.succeeded(FAILED)
        try:
            for name in (result, b"newstate"):
                trouble = b"unable to fsync processed"
                yield from attempt(trouble, self._put_on_disk, name)
            yield from attempt(b"unable to rename processed", folder.rename, result, final)
            trouble = b"unable to set mode of processed"
            yield from attempt(trouble, folder.mark_closed, final, COMPLETE)
            try:
                folder.remove(raw)
            except OSError as error:
                what = b"unable to unlink: %s/%s" % (self._attempts.name, raw)
                complain(message("svlogd", b"warning", what, error))
            yield from attempt(b"unable to rename state", folder.rename, b"newstate", b"state")
        except FileNotFoundError as error:
            self._attempts.warn(b"files of the processor were removed, going on", error)
        else:
            if self._verbose:
                inform(b"processed: %s/%s" % (self._attempts.name, final))
        return True

    def _put_on_disk(self, name: bytes) -> None:
        fd = self._folder.read_from(name)
        try:
            self._folder.put_on_disk(fd)
        finally:
            os.close(fd)

    def release(self) -> None:
        """Let go of its directory; it may run on."""
        self._folder.close()
