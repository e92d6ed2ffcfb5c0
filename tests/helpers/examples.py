"""The examples of manual pages: taken out of them, and run.

In a section EXAMPLES, and in all of the overview, ``.Dl`` has a command. In a literal block
commands begin with ``$``, and what they print is below them. Of what is printed numbers, stamps and
the width of columns are of no account, and a line of three dots is any lines. ``$ cat FILE`` shows
a file to be made. After ``cd`` and ``export`` the following commands have that.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from helpers.sandbox import Sandbox
from helpers.waiting import GENEROUS, until

LOOKS = (
    *("svstat", "svok", "svlog", "sv status", "slashservice list", "slashservice logs"),
    *("tail", "ps", "cat", "sv start"),
)
"""Commands that may be typed again: what they print may take a while to be so."""

FOLLOWS = ("svlog -f",)
"""Commands that go on until they are interrupted."""

TIMED_OUT = 124
"""The exit status of timeout(1) then."""

STATE = ("cd ", "export ")


class Example(NamedTuple):
    """A command, and the lines that it prints; none, if it is not shown what it prints."""

    command: str
    printed: tuple[str, ...] | None


def plain(line: str) -> str:
    """Return a line of a page without what mdoc has escaped in it."""
    for escaped, text in ((r"\e", "\\"), (r"\-", "-"), (r"\(aq", "'"), (r"\&", "")):
        line = line.replace(escaped, text)
    return line


def examples(page: Path) -> list[Example]:
    """Return the examples of a page, in their order."""
    text = page.read_text()
    if page.suffix != ".7" or "Sh EXAMPLES" in text:
        text = text.partition(".Sh EXAMPLES\n")[2].partition("\n.Sh ")[0]
    found: list[Example] = []
    for block in re.finditer(r"^\.Dl (.*)$|^\.Bd -literal.*\n((?:.*\n)*?)\.Ed", text, re.M):
        if block[1]:
            found.append(Example(plain(block[1]), None))
        else:
            found += in_block([plain(line) for line in block[2].splitlines()])
    return found


def in_block(lines: Sequence[str]) -> Iterator[Example]:
    """Yield the examples of a literal block."""
    assert lines[0].startswith("$ "), lines
    for part in re.split(r"^\$ ", "\n".join(lines), flags=re.M)[1:]:
        command, *printed = part.rstrip("\n").split("\n")
        while command.endswith("\\"):
            command = f"{command[:-1]}{printed.pop(0)}"
        yield Example(command, tuple(printed))


def normal(line: str) -> str:
    """Return a line without what is different each time."""
    line = re.sub(r"@[0-9a-f]{24}", "@label", line)
    line = re.sub(r"\b(\d+[dhms] )*\d+[dhms]\b", "TIME", line)
    line = re.sub(r"\b[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ [\d:]+ \w+ \d+", "DATE", line)
    line = re.sub(r"\d+(\.\d+)?", "0", line)
    return " ".join(line.split())


def agree(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Tell whether what is shown is what was printed."""
    pattern = "".join(
        r"(?:.*\n)*" if line == "..." else re.escape(normal(line)) + r"\n" for line in shown
    )
    return bool(re.fullmatch(pattern, "".join(f"{normal(line)}\n" for line in printed)))


class Reader:
    """Follows a page in a machine: types what it says, and looks whether it is so."""

    def __init__(self, machine: Sandbox, home: str = "/root") -> None:
        self.machine = machine
        self._state = f"cd {home}; "
        self.made: list[str] = []
        """The files that were made."""

    def follow(self, example: Example) -> None:
        """Do what an example says."""
        command, printed = example
        if command.startswith(STATE):
            self._state += f"{command}; "
            assert self._run("true") == (0, [])
        elif command.startswith("cat ") and printed and " " not in command[4:]:
            self._make(command[4:], "".join(f"{line}\n" for line in printed))
        elif command.startswith(FOLLOWS):
            assert self._run(f"timeout -s INT 1 {command}")[0] == TIMED_OUT
        elif printed is None:
            status, said = self._run(command)
            assert status == 0 or command.startswith("svok"), said
        elif command.startswith(LOOKS) or "| grep" in command:
            said = []

            def is_so() -> bool:
                said[:] = self._run(command)[1]
                return agree(printed, said)

            try:
                until(is_so, f"{command} prints what the page shows", seconds=30, pause=0.1)
            except AssertionError:
                print(f"{command}\n{chr(10).join(said)}")
                raise
        else:
            status, said = self._run(command)
            assert agree(printed, said), said
            assert status == 0, (command, said)

    def _make(self, name: str, text: str) -> None:
        """Make a file; one that is run, if it is a script."""
        name = self._run(f"echo {name}")[1][0]
        path = name if name.startswith("/") else f"{self._run('pwd')[1][0]}/{name}"
        folder, _, base = path.rpartition("/")
        new = f"{folder}/.{base}.new"
        is_script = text.startswith("#!")
        steps = [
            f"mkdir -p {folder}",
            f"cat >{new}",
            f"chmod {'755' if is_script else '644'} {new}",
        ]
        steps += [f"sh -n {new}"] if is_script else []
        steps += [f"mv {new} {path}"]
        done = subprocess.run(
            self.machine.argv("sh", "-c", " && ".join(steps)), input=text, text=True, check=False
        )
        assert done.returncode == 0, path
        self.made.append(path)

    def _run(self, command: str) -> tuple[int, list[str]]:
        """Run a command; return its exit status and what it says. Left behind, it says nothing."""
        if command.endswith("&"):
            shell = f"{self._state}{{ {command} }} >/tmp/left 2>&1"
        else:
            shell = f"{self._state}{{ {command}; }} >/tmp/said 2>&1"
        done = subprocess.run(
            self.machine.argv("sh", "-c", shell),
            stdin=subprocess.DEVNULL,
            timeout=2 * GENEROUS,
            check=False,
        )
        if command.endswith("&"):
            return done.returncode, []
        said = self.machine.path("/tmp/said").read_text(errors="replace")
        return done.returncode, said.splitlines()
