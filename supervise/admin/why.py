"""``slashservice why``: why a service is as it is, and what to type."""

from __future__ import annotations

import time

from slashservice.supervise.admin import health, output, words
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.case import Case
from slashservice.supervise.admin.causes import causes
from slashservice.supervise.admin.everything import Everything

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = """\
slashservice why [--service-dir DIR] NAME...

Say why services are as they are: what can be seen that is wrong, and what to type.

  --service-dir DIR  the scan directory; --user: your own

Exit status: 0 nothing is wrong, 1 something is, 100 wrong usage, 111 trouble.
Manual: man slashservice"""


def main(verb: str, argv: Sequence[str], directory: str) -> int:
    """Say it."""
    given = Arguments(argv, HELP, {}, {}, directory)
    if not given.words:
        raise given.wrong("which service?")
    now = time.time()
    everything = Everything(given.directory, given.words)
    if everything.unknown:
        raise output.unknown(everything.unknown, given.directory)
    bad = closed = False
    for seen in everything.services:
        case = Case(seen, given.directory, everything.svscan, now)
        found = causes(case)
        age = "" if seen.since is None else f" for {words.duration(now - seen.since)}"
        pid = f" (pid {seen.pid})" if seen.pid else ""
        lines = [f"{seen.name}: {case.state}{pid}{age}"]
        for cause in found:
            lines.append(f"  {cause.what}")
            lines += [f"      {cause.remedy}"] if cause.remedy else []
        if case.state in (health.FAILING, health.FAILED):
            lines += (
                ["  it logged last:", *(f"      {line}" for line in case.lines)]
                if case.lines
                else []
            )
        if not found:
            lines.append("  nothing is wrong with it that can be seen")
        output.say(*lines)
        bad = bad or any(not cause.is_note for cause in found)
        closed = closed or case.state == health.CLOSED
    return 1 if bad else 111 if closed else 0
