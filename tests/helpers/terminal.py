"""A terminal of its own, tmux: what a program shows there, and keys for it."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from helpers.tree import ENVIRONMENT
from helpers.waiting import until


class Terminal:
    """A terminal in which a program runs; ``socket`` is that of its server."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def tmux(self, *words: str) -> str:
        """Tell the server something; return what it prints."""
        return subprocess.run(
            ["tmux", "-S", str(self._socket), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**ENVIRONMENT, "LC_ALL": "C.UTF-8", "TERM": "xterm"},
            check=False,
        ).stdout

    def shows(self, *, coloured: bool = False) -> str:
        """Return what is on the screen."""
        return self.tmux("capture-pane", "-p", *(["-e"] if coloured else []))

    def lines(self) -> list[str]:
        """Return its lines."""
        return self.shows().splitlines()

    def types(self, *keys: str) -> None:
        """Type keys, as tmux calls them."""
        self.tmux("send-keys", *keys)

    def await_text(self, text: str) -> str:
        """Wait until a text is on the screen; return all that is."""
        shown = ""

        def is_there() -> bool:
            nonlocal shown
            shown = self.shows()
            return text in shown

        try:
            until(is_there, f"the screen shows {text!r}", pause=0.05)
        except AssertionError:
            print(shown)
            raise
        return shown

    def is_over(self) -> bool:
        """Tell whether the program has ended."""
        return not self.tmux("list-sessions")


@contextmanager
def terminal(
    folder: Path, words: Sequence[str], columns: int = 80, rows: int = 24, **environment: str
) -> Iterator[Terminal]:
    """Run a program in a new terminal of that size."""
    made = Terminal(folder / "tmux")
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())
    command = f"{settings} exec {shlex.join(words)}".strip()
    made.tmux(
        *("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), command),
        *(";", "set", "-g", "status", "off"),
    )
    try:
        yield made
    finally:
        made.tmux("kill-server")
