"""Measuring two programs against each other on a machine that has other things to do.

Both are measured in turn (A B A B ...), so that what slows the machine down slows down
both; the first rounds only warm the caches; and of what remains the median counts. A result
is a ratio wherever there is something to compare with.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

RATIO = "ratio"
DIFFERENCE = "difference"
VALUE = "value"


def alternate(
    rounds: int, *measures: Callable[[], float], warm_up: int = 1
) -> tuple[list[float], ...]:
    """Call the measures in turn; return what each said, without the rounds of ``warm_up``."""
    samples: tuple[list[float], ...] = tuple([] for _ in measures)
    for number in range(-warm_up, rounds):
        for measure, kept in zip(measures, samples, strict=True):
            value = measure()
            if number >= 0:
                kept.append(value)
    return samples


@dataclass
class Figure:
    """One line of the table: samples of ours, and of a rival's if there is one.

    ``result`` is by ``kind`` the median ratio of the pairs, the difference of the medians, or
    our own median; ``at_most`` is the promise about it, if one is made.
    """

    name: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float] = ()
    kind: str = RATIO
    at_most: float | None = None
    rival: str = "C"
    result: float = field(init=False)

    def __post_init__(self) -> None:
        if self.kind == RATIO and len(self.ours) == len(self.theirs):
            self.result = median(a / b for a, b in zip(self.ours, self.theirs, strict=True))
        elif self.kind == RATIO:
            self.result = median(self.ours) / median(self.theirs)
        elif self.kind == DIFFERENCE:
            self.result = median(self.ours) - median(self.theirs)
        else:
            self.result = median(self.ours)

    @property
    def is_kept(self) -> bool:
        """Whether the promise is kept; true if none is made."""
        return self.at_most is None or self.result <= self.at_most

    def row(self) -> list[str]:
        """Return the cells of the table, in the order of ``HEADINGS``."""
        theirs = f"{number(median(self.theirs))} {self.unit}" if self.theirs else ""
        unit = "" if self.kind == RATIO else " " + self.unit
        promise = "" if self.at_most is None else f"{self.at_most:.3g}{unit}"
        return [
            self.name,
            f"{number(median(self.ours))} {self.unit}",
            theirs,
            self.rival if self.theirs else "",
            f"{number(self.result)}{unit} {'' if self.kind == VALUE else self.kind}".rstrip(),
            promise,
            "" if self.at_most is None else "yes" if self.is_kept else "NO",
        ]

    def as_json(self) -> dict[str, object]:
        """Return everything, samples included."""
        return {**self.__dict__, "is_kept": self.is_kept}


def beyond_bare(name: str, ours: list[float], base: list[float], at_most: float) -> Figure:
    """Make the figure of what a process costs beyond the start of an interpreter, in ms."""
    rival = "python -I -S -c pass"
    return Figure(name, "ms", ours, base, kind=DIFFERENCE, at_most=at_most, rival=rival)


HEADINGS = ["figure", "ours", "theirs", "rival", "result", "at most", "kept"]


def number(value: float) -> str:
    """Format with three digits that mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def table(figures: Iterable[Figure]) -> str:
    """Lay the figures out in columns, as Markdown has tables."""
    rows = [HEADINGS, *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def to_json(figures: Iterable[Figure]) -> str:
    """Return the figures as a JSON list."""
    return json.dumps([figure.as_json() for figure in figures], indent=1)
