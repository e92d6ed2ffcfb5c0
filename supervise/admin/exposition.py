r"""The text format of Prometheus: families of samples, each with labels and a number.

A label holds the name of a service, which is bytes of somebody's choice. What is not printable
becomes ``\xNN``, byte by byte, and a backslash two. So different names stay different.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Labels = dict[str, str]

GAUGE, COUNTER = "gauge", "counter"


class Family:
    """Samples of one name. ``kind`` is ``GAUGE`` or ``COUNTER``, whose name ends in ``_total``."""

    __slots__ = ("kind", "name", "samples", "what")

    def __init__(self, name: str, what: str, kind: str = GAUGE) -> None:
        self.name = name
        self.what = what
        self.kind = kind
        self.samples: list[tuple[Labels, float]] = []

    def add(self, value: float, **labels: str) -> None:
        """Add a sample."""
        self.samples.append((labels, value))

    def lines(self) -> Iterable[str]:
        """Yield the lines of the family; none if it has no sample."""
        if self.samples:
            yield f"# HELP {self.name} {_escaped(self.what)}"
            yield f"# TYPE {self.name} {self.kind}"
        for labels, value in self.samples:
            inner = ",".join(f'{key}="{label(value)}"' for key, value in labels.items())
            yield f"{self.name}{{{inner}}} {_number(value)}"


def text(families: Iterable[Family]) -> str:
    """Return all of them; each name may be there once."""
    return "".join(f"{line}\n" for family in families for line in family.lines())


def label(name: str) -> str:
    """Return the value of a label, to be put between quotes."""
    return _escaped(told(name)).replace('"', '\\"')


def told(name: str) -> str:
    """Return what a label says of a name: different names are told differently."""
    return "".join(_told(character) for character in name)


def _told(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))


def _escaped(plain: str) -> str:
    return plain.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    """Return a number as it stands: whole ones without a point."""
    return str(int(value)) if value == int(value) else repr(round(value, 3))
