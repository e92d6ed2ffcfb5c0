"""Why a service does not do what it should: what can be seen of it that is wrong, or odd.

Each check yields sentences, each with the command to type, if there is one. They are about one
service, but for a few at the end that are about its svscan. Nothing is changed.
"""

from __future__ import annotations

import os
import shlex
import shutil

from slashservice.supervise.admin import health, output, words
from slashservice.supervise.admin.run_script import RunScript
from slashservice.supervise.admin.said import last_words
from slashservice.supervise.messages import error_words
from slashservice.supervise.platform import ports, processes
from slashservice.supervise.protocol import scan_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slashservice.supervise.admin.seen import Seen

    Check = Callable[["Case"], Iterator["Cause"]]

LINES = 5
"""Of its log, in which a reason is looked for."""

IN_USE = ("address already in use", "eaddrinuse", "address in use", "in use")


class Cause:
    """What is wrong, in a sentence, and what to type. A ``note`` is nothing wrong."""

    __slots__ = ("is_note", "remedy", "what")

    def __init__(self, what: str, remedy: str = "", *, is_note: bool = False) -> None:
        self.what = what
        self.remedy = remedy
        self.is_note = is_note


class Case:
    """A service, as it was seen at the Unix time ``now``; ``svscan`` is the pid of its svscan."""

    def __init__(self, seen: Seen, directory: str, svscan: int, now: float) -> None:
        self.seen = seen
        self.directory = directory
        self.svscan = svscan
        self.now = now
        self.state = health.state(seen, now)
        self.run = RunScript(os.path.join(seen.path, "run"))
        self.lines = last_words(seen, LINES)

    @property
    def path(self) -> str:
        """The path of the service, as a shell takes it."""
        return shlex.quote(self.seen.path)

    @property
    def name(self) -> str:
        """Its name, as a shell takes it."""
        return shlex.quote(self.seen.name)

    def search_path(self) -> str:
        """Return the PATH on which its programs are looked for."""
        own = processes.variable(self.svscan, "PATH") if self.svscan else ""
        return own or os.fsdecode(scan_directory.PATH)


def causes(case: Case) -> list[Cause]:
    """Return all that is found, what matters most first."""
    return [cause for check in CHECKS for cause in check(case)]


def supervision(case: Case) -> Iterator[Cause]:
    """Is it supervised, and by an svscan that starts it?"""
    seen, link = case.seen, case.path
    if case.state == health.MISSING:
        leads = os.path.islink(seen.path)
        where = f" leads nowhere: {os.readlink(seen.path)}" if leads else " is not there"
        yield Cause(f"{output.clean(seen.path + where)}", f"rm {link}" if leads else "")
        return
    if case.state == health.CLOSED and seen.error:
        why = os.fsdecode(error_words(seen.error))
        yield Cause(f"how it is can't be told: {why}", f"sudo slashservice why {case.name}")
        return
    if not case.svscan:
        yield Cause(
            f"no svscan runs on {case.directory}, so nothing is started again",
            "slashservice status tells what should start it; slashservice install does",
        )
    elif case.state == health.NOT_SUPERVISED:
        yield Cause(
            "svscan runs, and has not taken it up; why not stands among its messages",
            "slashservice doctor",
        )
    elif scan_directory.is_drained(os.fsencode(case.directory), case.svscan):
        yield Cause(
            "its svscan is drained, and starts nothing any more",
            "slashservice install has another one take its place",
        )
    if case.state == health.UNLINKED:
        yield Cause(
            f"it is supervised, but no longer in {case.directory}: it does not come back at boot",
            f"to end it: svc -dx {link}{f' {link}/log' if seen.log else ''}; "
            f"to keep it: ln -s {link} {shlex.quote(case.directory)}/",
        )


def script(case: Case) -> Iterator[Cause]:
    """Can its run script be started at all?"""
    run = case.run
    path = shlex.quote(run.path)
    if case.state in (health.MISSING, health.CLOSED):
        return
    if isinstance(run.error, FileNotFoundError):
        yield Cause(f"there is no {output.clean(run.path)}", f"slashservice edit {case.name}")
        return
    if run.error or not os.path.isfile(run.path):
        return
    if not os.stat(run.path).st_mode & 0o111:
        yield Cause(f"{output.clean(run.path)} is not executable", f"chmod +x {path}")
    if run.first_line.endswith(b"\r"):
        yield Cause(
            f"the lines of {output.clean(run.path)} end in CR LF, as on Windows: the kernel looks "
            "for an interpreter of that name",
            f"sed -i 's/\\r$//' {path}",
        )
    elif not run.interpreter and not run.text.startswith(b"\x7fELF"):
        yield Cause(
            f"{output.clean(run.path)} does not begin with #!, so the kernel can't run it",
            f"sed -i '1i #!/bin/sh' {path}",
        )
    else:
        yield from _interpreter(case)


def _interpreter(case: Case) -> Iterator[Cause]:
    script, *more = case.run.interpreter or [""]
    path = case.search_path()
    first = output.clean(case.run.path)
    edit = f"slashservice edit {case.name}"
    if script and not os.access(script, os.X_OK):
        yield Cause(f"{first} is for {output.clean(script)}, which is not there", edit)
    elif (
        os.path.basename(script) == "env"
        and len(more) == 1
        and not shutil.which(more[0], path=path)
    ):
        name = output.clean(more[0])
        yield Cause(f"{first} is for {name}, which is not on the PATH of services: {path}", edit)


def programs(case: Case) -> Iterator[Cause]:
    """Are the accounts, directories and the program there that its run script names?"""
    import pwd

    for account in case.run.accounts:
        try:
            if not account.lstrip(":").isdigit():
                pwd.getpwnam(account)
        except KeyError:
            yield Cause(
                f"there is no account {account}", f"useradd --system {shlex.quote(account)}"
            )
    for folder in case.run.folders:
        path = os.path.join(case.seen.path, folder)
        if not os.path.isdir(path):
            yield Cause(
                f"there is no directory {output.clean(path)}, which envdir reads",
                f"mkdir {shlex.quote(path)}",
            )
    program = case.run.program
    if "/" in program:
        path = os.path.join(case.seen.path, program)
        if not os.path.exists(path):
            yield Cause(
                f"there is no program {output.clean(path)}", f"slashservice edit {case.name}"
            )
        elif not os.access(path, os.X_OK):
            yield Cause(f"{output.clean(path)} is not executable", f"chmod +x {shlex.quote(path)}")
    elif program and not shutil.which(program, path=case.search_path()):
        yield Cause(
            f"there is no program {output.clean(program)} on the PATH of services: "
            f"{case.search_path()}",
            f"slashservice edit {case.name}",
        )


def ends(case: Case) -> Iterator[Cause]:
    """How does it end, again and again?"""
    seen = case.seen
    if not seen.last:
        return
    last = seen.last[-1]
    how = words.ending(last)
    if case.state == health.FAILED:
        yield Cause(
            f"it has said that it can't work ({how}), and is not started again",
            f"slashservice start {case.name}, once its cause is gone",
        )
    elif case.state == health.FAILING:
        took = "" if last.seconds is None else f", the last time after {words.spell(last.seconds)}"
        log = f"slashservice logs {case.name}"
        none = "it has no log: what it says stands among the messages of svscan"
        yield Cause(f"it ends soon after each start: {how}{took}", log if seen.log else none)
        left = [one for death in seen.last for one in processes.of_session(death.pid)]
        if not last.status and left:
            pid, name = left[0]
            yield Cause(
                f"it puts itself into the background: {output.clean(name)} (pid {pid}) is left of "
                "it, which nobody supervises",
                "have it stay in the foreground: most daemons have an option for that",
            )
    same = {death.signal for death in seen.last}
    if len(seen.last) > 1 and len(same) == 1 and last.signal in (9, 15) and seen.deaths > 2:
        who = list(named_by(case))
        reason = f"; {', '.join(who)} may do that" if who else ""
        if last.signal == 9 and not who:
            reason = "; the kernel does so where memory is short: dmesg tells"
        yield Cause(f"somebody sends it {how} again and again{reason}")


def named_by(case: Case) -> Iterator[str]:
    """Yield the scripts of other services that steer this one."""
    name = case.seen.name.encode("utf-8", "surrogateescape")
    for path in map(os.fsdecode, scan_directory.services(os.fsencode(case.directory))):
        if os.path.basename(path) == case.seen.name:
            continue
        for part in ("run", "finish", "check", "log/run"):
            text = RunScript(os.path.join(path, part)).text
            for line in text.splitlines():
                first = line.split()[:1]
                steers = first and os.path.basename(first[0]) in (b"svc", b"sv", b"slashservice")
                if steers and name in line.replace(b"/", b" ").split():
                    yield output.clean(f"{os.path.basename(path)}/{part}")
                    break


def held_ports(case: Case) -> Iterator[Cause]:
    """Does it want a port that somebody else has?

    Where the line that says so does not name the port, the numbers in the run script are tried.
    """
    import re

    for line in case.lines:
        if not any(one in line.lower() for one in IN_USE):
            continue
        named = re.findall(r"(?::|\bport\D{0,3})(\d{1,5})\b", line)
        script = case.run.text.decode("latin-1")
        for text in named or re.findall(r"(?<![\w.])(\d{2,5})(?![\w.])", script):
            port = int(text)
            for pid in ports.holders(port) if 0 < port < 65536 else ():
                if processes.session(pid) != case.seen.pid or not case.seen.pid:
                    name = output.clean(processes.name(pid))
                    yield Cause(f"port {port} is held by {name} (pid {pid})", f"ps -fp {pid}")
            return


def log(case: Case) -> Iterator[Cause]:
    """Can it log?"""
    one = case.seen.log
    if one is None or case.state in (health.MISSING, health.CLOSED):
        return
    state = health.state(one, case.now)
    path = shlex.quote(one.path)
    if one.trouble:
        yield Cause(
            f"its log can't be written, and it waits as soon as it says more: {one.trouble}",
            "once its cause is gone the log goes on by itself, and no line is lost",
        )
    elif state == health.FAILING:
        how = words.ending(one.last[-1])
        yield Cause(f"its log dies soon after each start: {how}", f"sh -x {path}/run tells more")
    elif state in (health.DOWN, health.FAILED, health.NOT_SUPERVISED) and case.svscan:
        yield Cause(f"its log is {state}: what it says is not read", f"svc -u {path}")
    if not os.path.isfile(os.path.join(one.path, "run")):
        yield Cause(
            f"there is no {output.clean(one.path)}/run", f"slashservice edit {case.name} log/run"
        )


def wanted(case: Case) -> Iterator[Cause]:
    """Is it as somebody wanted it?"""
    seen, age = case.seen, words.duration(case.now - (case.seen.since or case.now))
    start = f"slashservice start {case.name}"
    if case.state == health.DOWN and seen.is_normally_down:
        yield Cause(
            "it is normally down: it has a file `down`",
            f"slashservice enable {case.name}; {start}",
            is_note=True,
        )
    elif case.state == health.DOWN:
        yield Cause(f"somebody stopped it, {age} ago, or told it to run once", start, is_note=True)
    elif case.state == health.PAUSED:
        yield Cause("somebody paused it", f"slashservice cont {case.name}", is_note=True)
    elif case.state == health.STOPPING:
        yield Cause("it was told to end, and has not", f"slashservice kill {case.name}")
    elif seen.pid and seen.is_normally_down:
        yield Cause(
            "it is normally down: it does not come back at boot",
            f"slashservice enable {case.name}",
            is_note=True,
        )


CHECKS: tuple[Check, ...] = (supervision, script, programs, ends, held_ports, log, wanted)
