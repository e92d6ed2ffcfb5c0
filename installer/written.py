"""What ``slashservice add`` has written into a service directory: a digest of each file.

It is in a file of that directory, closed to others as variables are. So what a person has edited
since is told from what only the options of an earlier call gave.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from slashservice.installer.host.host import Host
from slashservice.installer.host.state import ABSENT, FileState

FILE = ".added"
HEAD = "# What `slashservice add` wrote here. What was edited since, it does not overwrite.\n"
LINE = re.compile(r"([0-9a-f]{16}) (run|down|log/run|env/[^/\s]+)")

Known = Mapping[str, frozenset[str]]
"""By path in the service directory, the digests of what may be there of ours."""


def of(contents: Mapping[str, FileState]) -> dict[str, frozenset[str]]:
    """Return what is known once a service directory has these files."""
    return {name: frozenset([state.digest()]) for name, state in contents.items() if name != FILE}


def either(one: Known, other: Known) -> dict[str, frozenset[str]]:
    """Return what is known while what one has becomes what the other has."""
    both = sorted({*one, *other})
    return {name: one.get(name, frozenset()) | other.get(name, frozenset()) for name in both}


def state(host: Host, known: Known) -> FileState:
    """Return the file that says so."""
    lines = [f"{digest} {name}\n" for name in sorted(known) for digest in sorted(known[name])]
    data = os.fsencode("".join([HEAD, *lines]))
    return FileState("file", 0o600, *host.owner, data)


def read(host: Host, home: str) -> dict[str, frozenset[str]] | None:
    """Return what is known of a service directory; None if nothing says it."""
    if host.state(f"{home}/{FILE}").kind != "file":
        return None
    found: dict[str, frozenset[str]] = {}
    for line in os.fsdecode(host.read(f"{home}/{FILE}") or b"").split("\n"):
        matched = LINE.fullmatch(line)
        if matched:
            found[matched[2]] = found.get(matched[2], frozenset()) | {matched[1]}
    return found


def is_plain(now: FileState) -> bool:
    """Tell whether there is nothing, or a file: what can be replaced in one step."""
    return now == ABSENT or now.kind == "file"
