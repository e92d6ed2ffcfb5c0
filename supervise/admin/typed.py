r"""Commands as somebody may type them: what a verb advises, and it has to work as it stands.

A name is whatever a file may be called. It is quoted for a shell, and what could steer a terminal,
or is no UTF-8, is written as ``$'\x1b'``, which bash, ksh, zsh and busybox read.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

where: list[str] = []
"""The words that say which scan directory is meant, as they were given. Set once, at the start."""


def word(text: str) -> str:
    """Return a word for a shell."""
    if text.isprintable():
        import shlex

        return shlex.quote(text)
    kept = [
        one if one.isprintable() and one not in "'\\" else "".join(rf"\x{b:02x}" for b in raw)
        for one in text
        for raw in (os.fsencode(one),)
    ]
    return f"$'{''.join(kept)}'"


def command(verb: str, name: str, *more: str) -> str:
    """Return the command that has a verb done to a service."""
    words: Sequence[str] = [name, *more]
    dashes = ["--"] if any(one.startswith("-") for one in words) else []
    return " ".join(["slashservice", verb, *map(word, [*where, *dashes, *words])])
