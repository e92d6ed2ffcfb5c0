"""How a service ends: what its directory says about that, and what is kept of it.

A death is noted first, then the finish script is run, whose process is on record as such. So the
next supervisor knows for each death whether it was noted and whether the script was run: the
record has the pid of a dead run script, and the last death noted is of that pid or not.
"""

from __future__ import annotations

from slashservice.supervise import signal_numbers, tai
from slashservice.supervise.messages import complain, message
from slashservice.supervise.protocol.deaths import UNKNOWN, Death
from slashservice.supervise.services.manners import Manners, Remembered
from slashservice.supervise.services.starters import FINISH, Script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.services.adoption import Left
    from slashservice.supervise.services.context import Process
    from slashservice.supervise.services.directory import ServiceDirectory
    from slashservice.supervise.services.notes import Notes
    from slashservice.supervise.services.service import Service


FAILED = 100
FINISH_FAILED = 125
"""The exit codes of a run script (encore's) and of a finish script (s6's) that have the service
stay down. The run script of a log does not: the service would hang with its pipe full.
"""


class Ending:
    """The end of the service in ``directory``, whose deaths go into ``notes``.

    ``is_log`` tells that it is a log service. With ``shared`` its file system may not keep us
    waiting.
    """

    __slots__ = ("_death", "_directory", "_is_log", "_manners", "_notes")

    def __init__(
        self, directory: ServiceDirectory, notes: Notes, is_log: bool, shared: bool
    ) -> None:
        self._directory = directory
        self._notes = notes
        self._is_log = is_log
        self._death: Death | None = None
        """The last one."""
        manners = Manners(directory)
        self._manners = Remembered(manners) if directory.is_split and shared else manners

    def look(self, service: Service, ends: bool = False) -> None:
        """Tell ``service`` what the directory says; with ``ends``, also of the process's end."""
        if not self._is_log:
            service.controls = self._manners.controls()
        if ends:
            service.down_signal = self._manners.down_signal()
            service.timeout_kill = self._manners.seconds_to_kill()

    def look_again(self) -> None:
        """Look at the directory, if that is not done at any time."""
        if isinstance(self._manners, Remembered):
            self._manners.look()

    def seconds_to_finish(self) -> float:
        """Return how long the finish script may run; 0 is for ever."""
        return self._manners.seconds_to_finish()

    def left(self, left: Left) -> tuple[bool, bool]:
        """Tell of what a supervisor left whether there is a finish script to be run.

        And whether the service has failed for good.
        """
        said = left.status
        failed = said.want == b"d" and self._notes.has_failed()
        death = self._notes.last_death()
        if death and death.pid == said.pid and death.stamp >= said.stamp:
            # The supervisor was killed before it could say that it died.
            self._death = death
            failed = failed or self._has_failed()
        if not left.dead or left.hosted or left.finish:
            return False, failed
        if death is None and not said.pid:
            return False, failed  # an earlier version saw it die
        if death is None or death.pid != left.dead or death.stamp < said.stamp:
            return self._note(Death(tai.now(), left.dead, UNKNOWN, None))
        self._death = death
        return self._manners.has_finish(), failed

    def died(self, pid: int, status: int, since: bytes) -> tuple[bool, bool]:
        """Note the death of a process that ran ``since`` a TAI64N stamp; return as ``left``."""
        now = tai.now()
        ran = (tai.unpack(now) - tai.unpack(since)) / 1e9 if pid else None
        finish, failed = self._note(Death(now, pid, status, ran))
        self._say_if(failed, b"run", FAILED)
        return finish, failed

    def _note(self, death: Death) -> tuple[bool, bool]:
        self._death = death
        self._notes.died(death, self._manners.deaths_kept())
        return self._manners.has_finish(), self._has_failed()

    def _has_failed(self) -> bool:
        return not self._is_log and self._death is not None and self._death.code == FAILED

    def finished(self, status: int) -> bool:
        """Tell of the wait status of the finish script whether the service has failed for good."""
        failed = status == FINISH_FAILED << 8
        self._say_if(failed, b"finish", FINISH_FAILED)
        return failed

    def _say_if(self, failed: bool, script: bytes, code: int) -> None:
        if failed:
            what = self._directory.name + b"/%b has exited %d: it stays down until told to start"
            complain(message("supervise", b"warning", what % (script, code)))

    def finish_script(self) -> Script:
        """Return the finish script for the last death.

        Its arguments are runit's two, the exit code (or -1) and the low byte of the wait status,
        and s6's two that follow: the name of the service, and the process group that has died.
        """
        death = self._death or Death(bytes(tai.STAMP_LENGTH), 0, UNKNOWN, None)
        numbers = [b"%d" % number for number in (death.code, death.low_byte, death.pid)]
        return Script([FINISH, *numbers[:2], self._directory.name, numbers[2]])

    def kill(self, process: Process, is_finish: bool) -> None:
        """The process has had its time to end: kill it."""
        which = self._directory.name + (b"/finish" if is_finish else b"")
        complain(message("supervise", b"warning", which + b" takes too long: killed"))
        if self._manners.kills_group() and not is_finish:
            process.kill_group()
        else:
            process.signal(signal_numbers.SIGKILL)
