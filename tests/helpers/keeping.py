"""``--keep``: a machine or sandbox that failed is left as it is, and how to get into it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from helpers.sandbox import Sandbox

FAILED = pytest.StashKey[bool]()
"""Whether a test failed; for a module, one in it."""


class Machine(Protocol):
    """What can be kept."""

    def way_in(self) -> str:
        """Return the command that gets one into it, or says where what is left of it is."""

    def way_out(self) -> str:
        """Return the command that is rid of it."""


@dataclass
class Keeping:
    """Whether there is ``--keep``, and what has been kept."""

    wanted: bool = False

    def __post_init__(self) -> None:
        self.kept: list[tuple[str, Machine]] = []

    def keep(self, machine: Machine) -> None:
        """Leave a machine as it is; hold on to it, as with a process goes its object."""
        lines = (str(machine), f"  to look: {machine.way_in()}", f"  to end:  {machine.way_out()}")
        self.kept.append(("\n".join(lines), machine))


keeping = Keeping()
"""The one for this run: boots have no fixtures that it could be handed in by."""


@contextmanager
def ended(end: Callable[[], None], machine: Machine | None = None) -> Iterator[None]:
    """Call ``end`` behind this, unless this fails and ``machine``, or what it needs, is kept."""
    keep = False
    try:
        yield
    except Exception:
        keep = keeping.wanted
        raise
    finally:
        if not keep:
            end()
        elif machine is not None:
            keeping.keep(machine)


@contextmanager
def sandboxes(request: pytest.FixtureRequest) -> Iterator[Callable[..., Sandbox]]:
    """What makes sandboxes, for a fixture: they end with its scope, unless they are kept."""
    started = []

    def start(*arguments: Any, **options: Any) -> Sandbox:
        started.append(Sandbox(*arguments, **options))
        return started[-1]

    try:
        yield start
    finally:
        for made in started:
            if keeping.wanted and request.node.stash.get(FAILED, False):
                keeping.keep(made)
            else:
                made.close()
