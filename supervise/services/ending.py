"""How a service ends: what its directory says about that, and what is kept of it.

A death is noted in ``deaths`` first, then on record: the pid is blanked, with a word if a finish
script is to be run. The process of that puts itself on record in place of the word. So a pid of a
dead run script on record is news to the next supervisor, the word is work to be done, and the pid
of a dead finish script is neither.
"""

from __future__ import annotations

from slashservice.supervise import signal_numbers, tai
from slashservice.supervise.messages import complain, message
from slashservice.supervise.platform.current import system
from slashservice.supervise.protocol.deaths import UNKNOWN, Death
from slashservice.supervise.services.actions import DOWN
from slashservice.supervise.services.manners import Manners, Remembered
from slashservice.supervise.services.starters import FINISH, Script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.services.adoption import Left
    from slashservice.supervise.services.context import Context, Process
    from slashservice.supervise.services.directory import ServiceDirectory
    from slashservice.supervise.services.notes import Notes
    from slashservice.supervise.services.service import Service


FAILED = 100
FINISH_FAILED = 125
"""The exit codes of a run script (encore's) and of a finish script (s6's) that have the service
stay down. Those of a log do not: the service would hang with its pipe full.
"""

ENDS = b"dtx"
"""Control characters that may send the signal that ends the process."""

AT_ONCE = 0.001
"""Seconds."""


class Ending:
    """The end of the service in ``directory``, whose deaths go into ``notes``.

    ``is_log`` tells that it is a log service.
    """

    __slots__ = ("_context", "_death", "_directory", "_is_log", "_manners", "_notes", "_service")

    def __init__(
        self, context: Context, directory: ServiceDirectory, notes: Notes, is_log: bool
    ) -> None:
        self._context = context
        self._directory = directory
        self._notes = notes
        self._is_log = is_log
        self._death: Death | None = None
        """The last one."""
        self._service: Service | None = None
        """What was told what the directory says."""
        manners = Manners(directory)
        elsewhere = directory.is_split and context.shared
        self._manners = Remembered(manners) if elsewhere else manners

    def look(self, service: Service, ends: bool = False) -> None:
        """Tell ``service`` what the directory says; with ``ends``, also of the process's end.

        To be called before anything is asked: the directory may have been renamed.
        """
        self._directory.locate()
        self._service = service
        if not self._is_log:
            service.controls = self._manners.controls()
        if ends:
            service.down_signal = self._manners.down_signal()
            service.timeout_kill = self._manners.seconds_to_kill()

    def look_again(self) -> None:
        """Look at the directory, if that is not done at any time."""
        if isinstance(self._manners, Remembered):
            self._manners.look()

    def seconds_to_finish(self, start: int = 0) -> float:
        """Return how long the finish script may run; 0 is for ever.

        If it is running since ``start``, in the unit of ``system.started``, less is left.
        """
        seconds = self._manners.seconds_to_finish()
        return max(seconds - system.age(start), AT_ONCE) if seconds and start else seconds

    def left(self, left: Left) -> tuple[bool, bool]:
        """Tell of what a supervisor left whether there is a finish script to be run.

        And whether the service has failed for good.
        """
        said = left.status
        failed = said.want != b"u" and self._notes.has_failed()
        last = self._notes.last_death()
        is_news = bool(left.dead) and left.notes and not (left.hosted or left.finish)
        is_owed = left.finish and not (left.pid or left.dead)
        if last and last.stamp >= said.stamp and (is_owed or last.pid in (said.pid, left.dead)):
            # The supervisor was killed before it could say so.
            self._death = last
            failed = failed or self._has_failed()
        elif is_news:
            return self._note(Death(tai.now(), left.dead, UNKNOWN, None))
        return (self._owe() if is_news else is_owed), failed

    def died(self, pid: int, status: int, since: bytes, hosted: bool = False) -> tuple[bool, bool]:
        """Note the death of a process that ran ``since`` a TAI64N stamp; return as ``left``.

        A ``hosted`` one goes on for others, and no ``pid`` stands for one that could not be run.
        """
        now = tai.now()
        ran = (tai.unpack(now) - tai.unpack(since)) / 1e9 if pid else None
        finish, failed = self._note(Death(now, 0 if hosted else pid, status, ran), hosted)
        self._say_if(failed, b"run", FAILED)
        self._end_all_if_essential()
        return finish, failed

    def goes_last(self) -> bool:
        """Tell whether it is to be brought down when all others are down."""
        return self._manners.goes_last()

    def start_no_more(self) -> None:
        """Have supervision end with what runs."""
        if self._service:
            self._service.leaving = True

    def _end_all_if_essential(self) -> None:
        """Have all services end if this one is essential, and has ended without being told to."""
        ends_all, service = self._context.ends_all, self._service
        if ends_all is None or self._is_log or service is None or self._death is None:
            return
        if service.leaving or service.want == DOWN or service.was_told():
            return
        if self._manners.is_essential():
            self.start_no_more()
            ends_all(self._directory.name, self._death)

    def _note(self, death: Death, hosted: bool = False) -> tuple[bool, bool]:
        self._death = death
        self._notes.died(death, self._manners.deaths_kept())
        return self._owe(hosted), self._has_failed()

    def _owe(self, hosted: bool = False) -> bool:
        """Tell whether there is a finish script, and have the record say so, and of no process.

        But a host stays on record: the next supervisor has its logs go on in another one.
        """
        is_passed_over = self._is_log and self._context.personality.runit  # as runsv does
        finish = not is_passed_over and self._manners.has_finish()
        if finish or not hosted:
            self._directory.record(0, self._context.heritage.life, finish=finish)
        return finish

    @property
    def was_killed(self) -> bool:
        """Whether the last run ended by SIGKILL."""
        return self._death is not None and self._death.signal == signal_numbers.SIGKILL

    def _has_failed(self) -> bool:
        return not self._is_log and self._death is not None and self._death.code == FAILED

    def finished(self, status: int) -> bool:
        """Tell of the wait status of the finish script whether the service has failed for good."""
        failed = status == FINISH_FAILED << 8 and not self._is_log
        self._say_if(failed, b"finish", FINISH_FAILED)
        return failed

    def _say_if(self, failed: bool, script: bytes, code: int) -> None:
        if failed:
            what = self._directory.name + b"/%b has exited %d: it stays down until told to start"
            complain(message("supervise", b"warning", what % (script, code)))

    def finish_script(self) -> Script:
        """Return the finish script for the last death.

        Its arguments are runit's two, the exit code (or -1) and the low byte of the wait status,
        and s6's two that follow: the name of the service, and the process group that has died. That
        is left out where there was none.
        """
        death = self._death or Death(bytes(tai.STAMP_LENGTH), 0, UNKNOWN, None)
        group = [b"%d" % death.pid] if death.pid else []
        numbers = [b"%d" % number for number in (death.code, death.low_byte)]
        return Script([FINISH, *numbers, self._directory.name, *group])

    def kill(self, process: Process, is_finish: bool) -> None:
        """The process has had its time to end: kill it."""
        which = self._directory.name + (b"/finish" if is_finish else b"")
        complain(message("supervise", b"warning", which + b" takes too long: killed"))
        if self._manners.kills_group() and not is_finish:
            process.kill_group()
        else:
            process.signal(signal_numbers.SIGKILL)
