"""What ``slashservice --help`` says: all verbs, in groups, and what each does."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

CELLS = 80

HEAD = """\
slashservice VERB [OPTION]... [NAME]...

Look at services, steer them, and install what keeps them alive."""

GROUPS = {
    "Look at services": ("list", "top", "why", "logs", "wait", "metrics"),
    "Steer them": ("start", "stop", "restart", "reload", "once", "pause", "cont", "kill"),
    "Make and change them": (
        *("add", "remove", "edit", "env", "enable", "disable"),
        *("import", "export"),
    ),
    "Install what keeps them alive": (
        *("install", "plan", "uninstall"),
        *("status", "doctor", "detect"),
    ),
    "Others": ("running", "drain", "commands", "completion", "demo", "help"),
}
"""The verbs as they are shown. One that is in no group is shown with the last one."""

TAIL = """\
slashservice help VERB has the options of a verb; slashservice --version says
which one this is. Without a verb, it lists the services where there are any.
Manual: man slashservice"""


def lines(verbs: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of the help; ``verbs`` has what each does."""
    yield from HEAD.splitlines()
    width = max(map(len, verbs)) + 4
    named = {verb for group in GROUPS.values() for verb in group}
    for title, group in GROUPS.items():
        left = [verb for verb in verbs if verb not in named] if title == [*GROUPS][-1] else []
        yield ""
        yield f"{title}:"
        for verb in (*group, *left):
            if verb in verbs:
                yield from textwrap.wrap(
                    " ".join(verbs[verb].split()),
                    CELLS,
                    initial_indent=f"  {verb}".ljust(width),
                    subsequent_indent=" " * width,
                )
    yield ""
    yield from TAIL.splitlines()
