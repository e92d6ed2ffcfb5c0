"""Why a service ends, or its log: how it did, who sends it signals, who has its port."""

from __future__ import annotations

import os

from slashservice.supervise.admin import health, typed, words
from slashservice.supervise.admin.case import Cause
from slashservice.supervise.admin.run_script import RunScript
from slashservice.supervise.platform import ports, processes
from slashservice.supervise.protocol import scan_directory
from slashservice.supervise.signal_numbers import SIGKILL, SIGTERM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashservice.supervise.admin.case import Case

MEANINGS = {
    126: "; that is what a shell says of a program that it can't execute",
    127: "; that is what a shell says of a program that it can't find",
}
"""Of exit codes."""

RECENTLY = 600.0
"""Seconds: what ended longer ago says nothing about how it is now."""

IN_USE = ("address already in use", "eaddrinuse", "address in use", "in use")


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
        what = MEANINGS.get(last.code, "")
        yield Cause(
            f"it ends soon after each start: {how}{took}{what}",
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


STOPS = rb"\bsvc\s+-[a-z]*[dox]|\bsv\s+(?:-\S+\s+)*(?:down|stop|once|exit)\b|slashservice\s+stop\b"
"""What a script says that has a service not started again."""


def put_down(case: Case, age: str) -> str:
    """Say who may have put down a service that is down: somebody, or a script of its own."""
    import re

    seen = case.seen
    death = seen.last[-1] if seen.last else None
    for part in ("finish", "run"):
        text = RunScript(os.path.join(seen.path, part)).text
        if death and not death.signal and re.search(STOPS, text):
            how = words.ending(death)
            return (
                f"it ended {age} ago ({how}); its {part} script had it stay down, or somebody did"
            )
    return f"somebody stopped it, {age} ago, or told it to run once"


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


GOES_ON = "once its cause is gone the log goes on by itself, and no line is lost"


def log(case: Case) -> Iterator[Cause]:
    """Can it log?"""
    one = case.seen.log
    if case.seen.trouble:  # it is a log itself
        yield Cause(f"it can't be written, and waits: {case.seen.trouble}", GOES_ON)
    if one is None or one.is_deleted or case.state in (health.MISSING, health.CLOSED):
        return
    state = health.state(one, case.now)
    if case.state == health.DOWN and state in (health.DOWN, health.PAUSED):
        return  # there is nothing to be read
    path = typed.word(one.path)
    if one.trouble:
        yield Cause(
            f"its log can't be written, and it waits as soon as it says more: {one.trouble}",
            GOES_ON,
        )
    elif state == health.FAILING:
        how = words.ending(one.last[-1])
        yield Cause(f"its log dies soon after each start: {how}", case.command("edit", "log/run"))
    elif state == health.MISSING and os.path.isdir(one.path):
        what = f"{one.path}/supervise is no directory, and so nobody supervises its log"
        yield Cause(what, f"rm {path}/supervise")
    elif state in (health.DOWN, health.FAILED, health.NOT_SUPERVISED) and case.svscan:
        yield Cause(f"its log is {state}: what it says is not read", f"svc -u {path}")
    elif state == health.PAUSED:
        yield Cause("its log is paused: what it says is not read", f"svc -c {path}")
    if not os.path.isfile(os.path.join(one.path, "run")):
        yield Cause(f"there is no {one.path}/run", case.command("edit", "log/run"))
