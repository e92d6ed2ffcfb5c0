"""What could not be carried over, line by line; and what can't be imported at all."""

from __future__ import annotations

from slashservice.installer.errors import Refusal


class Losses:
    """Lines that say what is left out, or is otherwise than it was, and where that stood."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, where: str, what: str) -> None:
        """Note something once."""
        line = f"{where}: {what}"
        if line not in self.lines:
            self.lines.append(line)


def refused(where: str, what: str, *advice: str) -> Refusal:
    """Return the refusal of what stands at some place in a file."""
    return Refusal(f"{where}: {what}", *advice)
