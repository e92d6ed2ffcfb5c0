"""``/etc/inittab``: read, and judged before it is changed and after.

Two programs read it differently. sysvinit's ``id:runlevels:action:process`` wants a unique
id of one to four characters; BusyBox takes the id for the name of a terminal and ignores
runlevels. A broken line can keep a host from booting, so a file that has one is refused.
Formats: inittab(5) of sysvinit; the example inittab of BusyBox.
"""

from __future__ import annotations

from typing import Literal

from slashservice.installer.detection.evidence import InittabLine
from slashservice.installer.errors import Refusal

Dialect = Literal["sysvinit", "busybox"]

SYSVINIT_ACTIONS = frozenset(
    (
        *("respawn", "wait", "once", "boot", "bootwait", "off", "ondemand", "initdefault"),
        *("sysinit", "powerwait", "powerfail", "powerokwait", "powerfailnow", "ctrlaltdel"),
        "kbrequest",
    )
)
BUSYBOX_ACTIONS = frozenset(
    ("sysinit", "respawn", "askfirst", "wait", "once", "restart", "ctrlaltdel", "shutdown")
)
NO_PROCESS = frozenset(["initdefault"])
ID_LIMIT = 4
PROCESS_LIMIT = 127
RUNLEVELS = frozenset("0123456789SsABCabc")


def read(text: bytes) -> tuple[InittabLine, ...]:
    """Return the entries of an inittab; comments, empty and shapeless lines are passed over."""
    entries = []
    for number, line in enumerate(text.decode("latin-1").splitlines(), 1):
        fields = line.strip().split(":", 3)
        if len(fields) == 4 and not line.lstrip().startswith("#"):
            entries.append(InittabLine(number, *fields))
    return tuple(entries)


def check(text: bytes, dialect: Dialect = "sysvinit", name: str = "/etc/inittab") -> None:
    """Refuse an inittab that ``dialect``'s init would misread anywhere."""
    problems = list(_problems(text, dialect))
    if problems:
        raise Refusal(f"{name} is broken: {problems[0]}", *problems[1:])


def _problems(text: bytes, dialect: Dialect) -> list[str]:
    """List what is wrong with an inittab."""
    if b"\0" in text:
        return ["it has NUL bytes"]
    if b"\r" in text:
        return ["its lines end in carriage returns"]
    problems = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.decode("latin-1").split("\n"), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        fields = line.split(":", 3)
        if len(fields) != 4:
            problems.append(f"line {number} has not four fields: {line}")
            continue
        entry = InittabLine(number, *fields)
        wrong = _entry_problem(entry, dialect)
        if wrong:
            problems.append(f"line {number}: {wrong}")
        if dialect == "sysvinit" and entry.id in seen:
            problems.append(f"line {number}: the id {entry.id} is taken by line {seen[entry.id]}")
        seen.setdefault(entry.id, number)
    return problems


def _entry_problem(entry: InittabLine, dialect: Dialect) -> str:
    """Say what is wrong with one entry, nothing if nothing is."""
    actions = SYSVINIT_ACTIONS if dialect == "sysvinit" else BUSYBOX_ACTIONS
    if entry.action not in actions:
        return f"{entry.action!r} is no action"
    if not entry.process and entry.action not in NO_PROCESS:
        return "it has no process"
    if dialect == "busybox":
        return ""
    if not 0 < len(entry.id) <= ID_LIMIT:
        return f"the id {entry.id!r} has not one to four characters"
    if not set(entry.runlevels) <= RUNLEVELS:
        return f"{entry.runlevels!r} are no runlevels"
    if len(entry.process) > PROCESS_LIMIT:
        return f"the process has more than {PROCESS_LIMIT} characters"
    return ""


def free_id(text: bytes, *wanted: str) -> str:
    """Return the first id of ``wanted`` that no entry has yet."""
    taken = {entry.id for entry in read(text)}
    for one in wanted:
        if one not in taken:
            return one
    raise Refusal(f"/etc/inittab has entries with each of the ids {', '.join(wanted)}")
