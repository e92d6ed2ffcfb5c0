"""What a unit of systemd says of itself and of the host by ``%i`` and the like: systemd.unit(5)."""

from __future__ import annotations

import re

SPECIFIERS = {
    "t": "/run",
    "S": "/var/lib",
    "C": "/var/cache",
    "L": "/var/log",
    "E": "/etc",
    "h": "/root",
    "T": "/tmp",
    "V": "/var/tmp",
    "u": "root",
    "U": "0",
}
"""What these words of a unit stand for, in one of the system's."""


def specified(text: str, name: str) -> str:
    """Fill in what a unit says of its own name, as ``%i``; ``name`` is that of an instance."""
    stem = name.rpartition(".")[0]
    prefix, _, instance = stem.partition("@")
    values = SPECIFIERS | {"i": instance, "p": prefix, "n": name, "N": stem}
    values |= {"I": unescaped(instance), "P": unescaped(prefix), "%": "%%"}
    values["f"] = "/" + (values["I"] or values["P"]).lstrip("/")
    return re.sub(r"%(.)", lambda found: values.get(found[1], found[0]), text)


def unescaped(name: str) -> str:
    """Return the path that a name of systemd's stands for."""
    path = name.replace("-", "/")
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda found: chr(int(found[1], 16)), path)
