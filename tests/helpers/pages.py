"""The pages of ``docs/``: what they have readers type, and what they say comes of it.

A fenced block ``console`` has commands, with ``# `` in front of what root types, ``$ `` of what
anybody does, and ``> `` of a command's further lines; below each is what it prints. ``...`` stands
for any lines. A key below, ``^C`` or ``q``, ends a command that shows something on a terminal until
it is typed. Any other block is a file, whose path the line above names: ``/etc/nginx.conf``, with a
colon behind it. What else changes from one time to the next is any number: ``pattern`` knows what.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from helpers.checkout import CHECKOUT

DOCS = CHECKOUT / "docs"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`(/[^`\s]+)`:$")
KEYS = ("^C", "q")

DATE = r"\d{4}-\d\d-\d\d"
CLOCK = r"\d\d:\d\d:\d\d(?:\.\d+)?"
SPAN = r"\d+(?:\.\d+)?(?:[smhd]\b(?: \d+[smh]\b)?| (?:s|seconds?|days?)\b)"
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
DAY_OF_YEAR = rf"(?:{MONTH} +\d\d?|\d\d? +{MONTH})"
OFTEN = r"(?:once|twice|\d+ times)"
VARYING = {
    rf"\b{DATE}\b": DATE,
    rf"\b\d\d?/{MONTH}/\d{{4}}": rf"\d\d?/{MONTH}/\d{{4}}",
    rf"\b{DAY}\b": DAY,
    rf"\b{DAY_OF_YEAR}\b": DAY_OF_YEAR,
    r"it is (?:down|up again \(pid \d+\))$": r"it is (?:down|up again \(pid \d+\))",
    r"; it is started again(?: \(pid \d+\))?$": r"; it is started again(?: \(pid \d+\))?",
    r"\b\d+(?= \([a-z])": r"\d+",
    rf"\b{CLOCK}\b": CLOCK,
    rf"\b{SPAN}": SPAN,
    rf"\b{OFTEN}\b": OFTEN,
    r"(?<=pid )\d+|(?<=was )\d+": r"\d+",
    r"(?<![:\w./-])(?<!port )(?<!exit )(?<!status )\d{3,}(?![\w./-]*\w)": r"\d+",
    r"(?<=curl/)[\d.]+": r"[\d.]+",
    r"[ \t]+": r"[ \t]+",
}
"""What is not the same each time, and what may stand in its place: times, and process numbers."""

STATES = "running|starting|stopping|paused|down|failing|failed"
ROW = re.compile(rf"\S+ +(?:{STATES})\b")
IN_ROW = {r"(?<!exit )(?<![\w./-])\d+(?![\w./-])": r"\d+"}
"""In a row of the table of services all numbers vary, but for how something ended."""


class Command(NamedTuple):
    """A command of a page: whether root types it, what it is, and what it prints then."""

    is_root: bool
    text: str
    says: tuple[str, ...]

    @property
    def key(self) -> str:
        """The key that ends it; empty for none."""
        return self.says[-1] if self.says and self.says[-1] in KEYS else ""


class Block(NamedTuple):
    """A fenced block of a page: commands, or a file that has a ``path``."""

    page: str
    section: str
    language: str
    path: str
    text: str

    @property
    def first(self) -> str:
        """Its first line, by which it is known."""
        return self.text.partition("\n")[0]

    def commands(self) -> list[Command]:
        """Return the commands of a block of them."""
        found: list[Command] = []
        for line in self.text.splitlines():
            if line.startswith(("$ ", "# ")):
                found.append(Command(line[0] == "#", line[2:], ()))
                continue
            assert found, f"{self.page}: {line!r} is no command, and no output of one"
            last = found[-1]
            if line.startswith("> ") and not last.says:
                found[-1] = last._replace(text=f"{last.text}\n{line[2:]}")
            else:
                found[-1] = last._replace(says=(*last.says, line))
        return found


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    text = page.read_text()
    found = []
    for match in FENCE.finditer(text):
        above = text[: match.start()].rstrip()
        titles = re.findall(r"^## (.*)$", above, re.MULTILINE)
        path = FILE.search(above.rpartition("\n")[2])
        language, content = match.groups()
        place = path[1] if path and language != "console" else ""
        found.append(Block(page.name, titles[-1] if titles else "", language, place, content))
    return found


def pattern(line: str) -> str:
    """Return the regular expression of what may stand where a page shows this line."""
    varying = {**VARYING, **(IN_ROW if ROW.match(line) else {})}
    tokens = re.compile("|".join(f"({one})" for one in varying))
    stand_ins = list(varying.values())
    made, at = "", 0
    for match in tokens.finditer(line):
        made += re.escape(line[at : match.start()])
        made += stand_ins[match.lastindex - 1] if match.lastindex else re.escape(match[0])
        at = match.end()
    return made + re.escape(line[at:])


def is_as_shown(said: str, shown: tuple[str, ...]) -> bool:
    """Tell whether what a command said is what its page shows."""
    lines = [line.rstrip() for line in said.splitlines()]
    whole = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else pattern(line.rstrip()) + r"\n" for line in shown
    )
    return re.fullmatch(whole, "".join(f"{line}\n" for line in lines)) is not None
