"""Fifty services that number their lines, in a machine that boots; and every line counted.

Each run of a service writes ``start PID``, then 1, 2, 3 and so on, many lines a second, and when it
is told to end ``last N``. So its log tells whether it was started again, whether it was killed,
and whether a line is missing or there twice.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from helpers.boots.namespaces import Guest
from helpers.boots.story import do, eventually
from helpers.boots.trees import Files
from helpers.services import contents
from testinfra.host import Host

HOW_MANY = 50
WRITER = "/usr/local/bin/busy"
PLACE = "/srv/busy"
LOGS = "/var/log/busy"
BURST = 10
"""How many lines a service writes ten times a second."""

LEAST = 3 * BURST
"""How many lines further every log must come before it is believed to be written."""

PERL = f"""\
#!/usr/bin/perl
use strict;
my ($name) = @ARGV;
my ($told, $number) = (0, 0);
$SIG{{TERM}} = sub {{ $told = 1 }};
sub say_all {{
    my ($text) = @_;
    while (length $text) {{
        my $written = syswrite STDOUT, $text;
        substr($text, 0, $written) = '' if $written;
        die "$!" unless $written || $!{{EINTR}};
    }}
}}
say_all("start $$\\n");
until ($told) {{
    say_all(join '', map {{ ++$number . " is a line of $name\\n" }} 1..{BURST});
    select undef, undef, undef, 0.1;
}}
say_all("last $number\\n");
"""

RUN = f"#!/bin/sh\nexec 2>&1\nexec {WRITER} NAME\n"
OURS = f"#!/bin/sh\nexec multilog t s1000000 n1000 {LOGS}/NAME\n"
ALONE = f"#!/bin/sh\nexec env multilog t s1000000 n1000 {LOGS}/NAME\n"
"""For a log that no process hosts for others: every fifth."""

STAMP = len("@400000000000000000000000 ")
"""How many characters a log has in front of each line."""

RUNIT = f"#!/bin/sh\nexec svlogd -t {LOGS}/NAME\n"
RUNIT_CONFIG = "s1000000\nn1000\n"


@dataclass(frozen=True)
class Service:
    """What two looks at a service compare: its process, and what it died of so far."""

    pid: int
    deaths: bytes


def names(how_many: int = HOW_MANY) -> list[str]:
    """Return the names of the services."""
    return [f"busy{number:02}" for number in range(how_many)]


def files(how_many: int = HOW_MANY, log: str = "") -> Files:
    """Return the services' files; ``log`` is what all logs run, where that is not multilog."""
    found = {WRITER: (PERL, 0o755)}
    for number, name in enumerate(names(how_many)):
        text = log or (ALONE if number % 5 == 0 else OURS)
        found[f"{PLACE}/{name}/run"] = (RUN.replace("NAME", name), 0o755)
        found[f"{PLACE}/{name}/log/run"] = (text.replace("NAME", name), 0o755)
        found[f"{LOGS}/{name}/config"] = (RUNIT_CONFIG, 0o644)
    return found


def enable(host: Host, scan: str, how_many: int = HOW_MANY) -> None:
    """Link the services into a scan directory; wait until all of them write into their logs."""
    do(
        host,
        f"cd {scan}/ && for name in {' '.join(names(how_many))}; do ln -s {PLACE}/$name .; done",
    )


def all_up(machine: Guest, how_many: int = HOW_MANY) -> dict[str, Service]:
    """Wait until every service is up; return how they are."""
    return eventually(lambda: up(machine, how_many), "all services are up")


def up(machine: Guest, how_many: int = HOW_MANY) -> dict[str, Service]:
    """Return how the services are; nothing if one of them is not up."""
    found = {name: look(machine, name) for name in names(how_many)}
    return found if all(one.pid for one in found.values()) else {}


def look(machine: Guest, name: str) -> Service:
    """Return how a service is, from its files in a machine's tree, and the machine's processes."""
    folder = machine.root / PLACE.lstrip("/") / name / "supervise"
    status = contents(folder / "status")
    pid = struct.unpack("<I", status[12:16])[0] if len(status) >= 16 else 0
    command = contents(Path(f"/proc/{machine.pid}/root/proc/{pid}/cmdline"))
    alive = command.split(b"\0")[1:3] == [WRITER.encode(), name.encode()]
    return Service(pid if alive else 0, contents(folder / "deaths"))


def written(machine: Guest, name: str) -> int:
    """Return how many bytes a log has."""
    folder = machine.root / LOGS.lstrip("/") / name
    total = 0
    for file in folder.iterdir():
        try:
            total += file.stat().st_size
        except FileNotFoundError:  # it has just been given its name
            continue
    return total


def write_on(machine: Guest, how_many: int = HOW_MANY) -> None:
    """Wait until every log has more lines than now."""
    least = LEAST * len("1 is a line of busy00\n")
    now = {name: written(machine, name) for name in names(how_many)}
    for name, size in now.items():
        eventually(
            lambda name=name, size=size: written(machine, name) > size + least,  # type: ignore[misc]
            f"the log of {name} is written",
        )


def runs(machine: Guest, name: str) -> list[list[str]]:
    """Return what each run of a service has written, of services that are down.

    The time in front of each line is left out.
    """
    folder = machine.root / LOGS.lstrip("/") / name
    found: list[list[str]] = []
    for file in [*sorted(folder.glob("@*")), folder / "current"]:
        text = contents(file).decode()
        assert not text or text.endswith("\n"), f"{file} ends in the middle of a line"
        for line in text.splitlines():
            said = line[STAMP:]
            if said.startswith("start "):
                found.append([])
            assert found, f"{name} wrote before it started: {line}"
            found[-1].append(said)
    return found


def faults(name: str, found: list[list[str]], starts: int, whole: bool) -> list[str]:
    """Say what is wrong with the runs of a service that was started ``starts`` times.

    ``whole`` is whether each run must have ended by itself, as it was told to.
    """
    wrong = [] if len(found) == starts else [f"{name}: started {len(found)} times, not {starts}"]
    for place, lines in enumerate(found):
        ended = lines[-1].startswith("last ")
        if whole and not ended:
            wrong.append(f"{name}, run {place}: ended by {lines[-1]!r}")
        counted = lines[1:-1] if ended else lines[1:]
        due = [f"{number} is a line of {name}" for number in range(1, len(counted) + 1)]
        if counted != due:
            at = [one == other for one, other in zip(counted, due, strict=True)].index(False)
            wrong.append(f"{name}, run {place}: {counted[at - 1 : at + 2]}, {due[at]!r} is due")
        if ended and lines[-1] != f"last {len(counted)}":
            wrong.append(f"{name}, run {place}: {lines[-1]!r} after {len(counted)} lines")
    return wrong


def nothing_lost(
    machine: Guest, starts: int = 1, how_many: int = HOW_MANY, *, whole: bool = True
) -> int:
    """Check the logs of all services, which are down; return how many lines there are."""
    total, wrong = 0, []
    for name in names(how_many):
        found = runs(machine, name)
        total += sum(map(len, found))
        wrong += faults(name, found, starts, whole)
    assert not wrong, "\n".join(wrong[:20])
    return total
