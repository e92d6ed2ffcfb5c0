"""Why a service does not do what it should: what can be seen of it that is wrong, or odd.

Each check yields sentences, each with the command to type, if there is one. They are about one
service, but for a few at the end that are about its svscan. Nothing is changed.
"""

from __future__ import annotations

import os
import shutil

from slashservice.supervise.admin import health, outdated, output, typed, words
from slashservice.supervise.admin.run_script import RunScript
from slashservice.supervise.admin.said import last_words
from slashservice.supervise.messages import error_words
from slashservice.supervise.platform import ports, processes
from slashservice.supervise.protocol import names, scan_directory
from slashservice.supervise.signal_numbers import SIGKILL, SIGTERM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slashservice.supervise.admin.seen import Seen

    Check = Callable[["Case"], Iterator["Cause"]]

RECENTLY = 600.0
"""Seconds: what ended longer ago says nothing about how it is now."""

LINES = 5
"""Of its log, in which a reason is looked for."""

IN_USE = ("address already in use", "eaddrinuse", "address in use", "in use")


class Cause:
    """What is wrong, in a sentence, and what to type. A ``note`` is nothing wrong."""

    __slots__ = ("is_note", "remedy", "what")

    def __init__(self, what: str, remedy: str = "", *, is_note: bool = False) -> None:
        self.what = output.clean(what)
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
        return typed.word(self.seen.path)

    def command(self, verb: str, *more: str) -> str:
        """Return the command that has a verb done to it."""
        return typed.command(verb, self.seen.name, *more)

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
        if os.path.lexists(seen.path) and not leads:
            where = " is a file, and no service directory"
        yield Cause(seen.path + where, f"rm {link}" if leads else "")
        return
    if case.state == health.CLOSED and seen.error:
        why = os.fsdecode(error_words(seen.error))
        as_root = os.geteuid() != 0 and isinstance(seen.error, PermissionError)
        yield Cause(
            f"how it is can't be told: {why}", f"sudo {case.command('why')}" if as_root else ""
        )
        return
    if not case.svscan and seen.is_supervised:
        yield Cause(
            f"it is supervised, and no svscan of ours runs on {case.directory}: another program "
            "does that",
            is_note=True,
        )
    elif not case.svscan:
        own = f"svscan {typed.word(case.directory)} & starts one"
        usual = "slashservice status tells what should start it; slashservice install does"
        yield Cause(
            f"no svscan runs on {case.directory}, so nothing is started again",
            own if typed.where else usual,
        )
    elif scan_directory.is_drained(os.fsencode(case.directory), case.svscan):
        yield Cause(
            "its svscan is drained, and starts nothing any more",
            "slashservice install has another one take its place",
        )
    elif seen.is_supervised and seen.now is None:
        status = os.fsdecode(names.STATUS)
        yield Cause(f"how it is can't be told: its file {status} has a bad format")
    elif case.state == health.NOT_SUPERVISED:
        yield Cause(
            "svscan runs, and has not taken it up; why not stands among its messages",
            "slashservice doctor",
        )
    if case.state == health.UNLINKED:
        yield Cause(
            f"it is supervised, but no longer in {case.directory}: it does not come back at boot",
            f"to end it: svc -dx {link}{f' {link}/log' if seen.log else ''}; "
            f"to keep it: ln -s {link} {typed.word(case.directory)}/",
        )


def script(case: Case) -> Iterator[Cause]:
    """Can its run script be started at all?"""
    run = case.run
    path = typed.word(run.path)
    if case.state in (health.MISSING, health.CLOSED):
        return
    if isinstance(run.error, FileNotFoundError):
        yield Cause(f"there is no {run.path}", case.command("edit"))
        return
    if os.path.isdir(run.path):
        yield Cause(f"{run.path} is a directory, and no script")
    if run.error or not os.path.isfile(run.path):
        return
    if not os.stat(run.path).st_mode & 0o111:
        yield Cause(f"{run.path} is not executable", f"chmod +x {path}")
    if run.first_line.endswith(b"\r"):
        yield Cause(
            f"the lines of {run.path} end in CR LF, as on Windows: the kernel looks "
            "for an interpreter of that name",
            f"sed -i 's/\\r$//' {path}",
        )
    elif not run.text.strip():
        yield Cause(f"{run.path} is empty", case.command("edit"))
    elif not run.interpreter and not run.text.startswith(b"\x7fELF"):
        yield Cause(
            f"{run.path} does not begin with #!, so the kernel can't run it",
            f"sed -i '1i #!/bin/sh' {path}",
        )
    else:
        yield from _interpreter(case)


def _interpreter(case: Case) -> Iterator[Cause]:
    script, *more = case.run.interpreter or [""]
    path = case.search_path()
    first = case.run.path
    edit = case.command("edit")
    if script and not os.access(script, os.X_OK):
        yield Cause(f"{first} is for {script}, which is not there", edit)
    elif (
        os.path.basename(script) == "env"
        and len(more) == 1
        and not shutil.which(more[0], path=path)
    ):
        name = more[0]
        yield Cause(f"{first} is for {name}, which is not on the PATH of services: {path}", edit)


def programs(case: Case) -> Iterator[Cause]:
    """Are the accounts, directories and the program there that its run script names?

    That is of interest only where it does not run.
    """
    import pwd

    if case.seen.pid and case.state != health.FAILING:
        return
    for account in case.run.accounts:
        try:
            if not account.lstrip(":").isdigit():
                pwd.getpwnam(account)
        except KeyError:
            yield Cause(f"there is no account {account}", f"useradd --system {typed.word(account)}")
    for folder in case.run.folders:
        path = os.path.join(case.seen.path, folder)
        if not os.path.isdir(path):
            yield Cause(
                f"there is no directory {path}, which envdir reads",
                f"mkdir {typed.word(path)}",
            )
    program = case.run.program
    if "/" in program:
        path = os.path.join(case.seen.path, program)
        if not os.path.exists(path):
            yield Cause(f"there is no program {path}", case.command("edit"))
        elif not os.access(path, os.X_OK):
            yield Cause(f"{path} is not executable", f"chmod +x {typed.word(path)}")
    elif program and not shutil.which(program, path=case.search_path()):
        yield Cause(
            f"there is no program {program} on the PATH of services: {case.search_path()}",
            case.command("edit"),
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
            f"{case.command('start')}, once its cause is gone",
        )
    elif case.state == health.FAILING:
        took = "" if last.seconds is None else f", the last time after {words.spell(last.seconds)}"
        none = "it has no log: what it says stands among the messages of svscan"
        yield Cause(
            f"it ends soon after each start: {how}{took}",
            case.command("logs") if seen.log else none,
        )
        left = [one for death in seen.last for one in processes.of_session(death.pid)]
        if not last.status and left:
            pid, name = left[0]
            yield Cause(
                f"it puts itself into the background: {name} (pid {pid}) is left of "
                "it, which nobody supervises",
                "have it stay in the foreground: most daemons have an option for that",
            )
    recent = [one for one in seen.last if case.now - health.died_at(one) < RECENTLY]
    if len(recent) < health.MANY or {one.signal for one in recent} != {last.signal}:
        return
    # That is what svc, and a restart by hand, send: who does it has to be known.
    who = list(named_by(case)) if last.signal in (SIGKILL, SIGTERM) else []
    if who:
        yield Cause(f"somebody sends it {how} again and again; {', '.join(who)} may do that")
    elif last.signal == SIGKILL:
        reason = "the kernel does so where memory is short: dmesg tells"
        yield Cause(f"somebody sends it {how} again and again; {reason}")


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
                    yield f"{os.path.basename(path)}/{part}"
                    break


def held_ports(case: Case) -> Iterator[Cause]:
    """Does it want a port that somebody else has?

    Where the line that says so does not name the port, the numbers in the run script are tried.
    """
    if case.seen.pid and case.state != health.FAILING:
        return
    lines = [line for line in case.lines if any(one in line.lower() for one in IN_USE)]
    found = [port for line in lines for port in _ports(line)]
    if lines and not found:
        found = _ports(case.run.text.decode("latin-1"), beside=False)
    told = set()
    for port in found:
        for pid in ports.holders(port):
            if pid not in told and (processes.session(pid) != case.seen.pid or not case.seen.pid):
                told.add(pid)
                what = f"port {port} is held by {processes.name(pid)} (pid {pid})"
                yield Cause(what, f"ps -fp {pid}")


def _ports(text: str, *, beside: bool = True) -> list[int]:
    """Return the numbers in a text that may be ports: ``beside`` an address, or a word for that.

    Times of the day are none.
    """
    import re

    text = re.sub(r"(?<![\w.:])\d{1,2}:\d\d(?::\d\d)?(?![\w:])", " ", text)
    pattern = r"(?:[\w*.\]]:|:::|\bport\D{0,3})(\d{1,5})\b"
    found = re.findall(pattern if beside else r"(?<![\w.])(\d{2,5})(?![\w.])", text)
    return [int(one) for one in dict.fromkeys(found) if 0 < int(one) < 65536]


def log(case: Case) -> Iterator[Cause]:
    """Can it log?"""
    one = case.seen.log
    if one is None or case.state in (health.MISSING, health.CLOSED):
        return
    state = health.state(one, case.now)
    path = typed.word(one.path)
    if one.trouble:
        yield Cause(
            f"its log can't be written, and it waits as soon as it says more: {one.trouble}",
            "once its cause is gone the log goes on by itself, and no line is lost",
        )
    elif state == health.FAILING:
        how = words.ending(one.last[-1])
        yield Cause(f"its log dies soon after each start: {how}", case.command("edit", "log/run"))
    elif state in (health.DOWN, health.FAILED, health.NOT_SUPERVISED) and case.svscan:
        yield Cause(f"its log is {state}: what it says is not read", f"svc -u {path}")
    elif state == health.PAUSED:
        yield Cause("its log is paused: what it says is not read", f"svc -c {path}")
    if not os.path.isfile(os.path.join(one.path, "run")):
        yield Cause(f"there is no {one.path}/run", case.command("edit", "log/run"))


def wanted(case: Case) -> Iterator[Cause]:
    """Is it as somebody wanted it?"""
    seen, age = case.seen, words.duration(case.now - (case.seen.since or case.now))
    start = case.command("start")
    if case.state == health.DOWN and seen.is_normally_down:
        yield Cause(
            "it is normally down: it has a file `down`",
            f"{case.command('enable')}; {start}",
            is_note=True,
        )
    elif case.state == health.DOWN:
        yield Cause(f"somebody stopped it, {age} ago, or told it to run once", start, is_note=True)
    elif case.state == health.PAUSED:
        yield Cause("somebody paused it", case.command("cont"), is_note=True)
    elif case.state == health.STOPPING:
        yield Cause("it was told to end, and has not", case.command("kill"))
    elif seen.pid and seen.is_normally_down:
        yield Cause(
            "it is normally down: it does not come back at boot",
            case.command("enable"),
            is_note=True,
        )


def age(case: Case) -> Iterator[Cause]:
    """Does it run what is on disk by now?"""
    for what in outdated.files(case.seen, case.run):
        yield Cause(what, case.command("restart"), is_note=True)
    what = outdated.svscan(case.directory, case.svscan) if case.svscan else ""
    if what:
        remedy = "slashservice install has another one take its place; services run on"
        yield Cause(what, remedy, is_note=True)


CHECKS: tuple[Check, ...] = (supervision, script, programs, ends, held_ports, log, wanted, age)
