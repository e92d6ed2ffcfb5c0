"""Files ``.env``, as honcho and foreman read them."""

from __future__ import annotations

import re

LINE = re.compile(r"([A-Za-z_0-9]+)=(.*)")


def read(text: str) -> dict[str, str]:
    """Return the variables of a ``.env``: a line each, quotes only around a whole value."""
    found = {}
    for line in text.splitlines():
        matched = LINE.fullmatch(line)
        if not matched:
            continue
        name, value = matched.groups()
        if len(value) > 1 and value[0] == value[-1] == "'":
            value = value[1:-1]
        elif len(value) > 1 and value[0] == value[-1] == '"':
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found[name] = value
    return found
