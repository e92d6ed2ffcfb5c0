"""Files ``.env``, as honcho and foreman read them. Where these two differ, that is told."""

from __future__ import annotations

import re

from slashservice.installer.converters.losses import Losses, refused

LINE = re.compile(r"([A-Za-z_0-9]+)(\s*)=(.*)")
BOTH = "honcho and foreman differ in that"


def strictly(text: str, file: str) -> dict[str, str]:
    """Return the variables of a ``.env``; refuse it for a line that is none.

    The line is not quoted: it may be a secret.
    """
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#") and not LINE.fullmatch(line.strip()):
            raise refused(f"{file}:{number}", "this is no line NAME=VALUE")
    return read(text, file, Losses())


def read(text: str, file: str, losses: Losses) -> dict[str, str]:
    """Return the variables of a ``.env``: a line each, quotes only around a whole value."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        matched = LINE.fullmatch(line.strip())
        where = f"{file}:{number}"
        if not matched:
            if line.strip() and not line.lstrip().startswith("#"):
                losses.add(where, "this is no line NAME=VALUE, and is left out")
            continue
        name, blanks, value = matched.groups()
        if line[:1].isspace() or line[-1:].isspace():
            losses.add(where, f"{name}: blanks around it do not count; {BOTH}")
        if blanks or value[:1].isspace():
            losses.add(where, f"{name}: blanks around = do not count; {BOTH}")
            value = value.strip()
        if len(value) > 1 and value[0] == value[-1] == "'":
            value = value[1:-1]
        elif len(value) > 1 and value[0] == value[-1] == '"':
            value = re.sub(r"\\(.)", lambda one: one[1].replace("n", "\n"), value[1:-1])
        elif re.search(r"\s#", value):
            losses.add(where, f"{name}: the # and what is behind it belong to the value; {BOTH}")
        found[name] = value
    return found
