"""``python -m helpers.picture FILE``: a picture of what commands write, from a run of services.

What differs from run to run is given other values: pids, ports, moments and durations. All else is
what the commands wrote, with their own colours.
"""

from __future__ import annotations

import html
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

from helpers import administration
from helpers.administration import Administrator, without_colour
from helpers.checkout import PYTHON
from helpers.services import await_pid
from helpers.tree import ENVIRONMENT, Tree, tree
from helpers.waiting import until

from slashservice.supervise.chain import launchers

LOG = "#!/bin/sh\nexec multilog t ./main\n"

WEB = """\
#!/bin/sh
exec 2>&1
mkdir -p www
exec /usr/bin/python3 -u -m http.server 0 --bind 127.0.0.1 --directory www
"""
APP = """\
#!/bin/sh
exec 2>&1
exec /usr/bin/python3 -c '
import socket
try:
    socket.create_connection(("127.0.0.1", 1))
except OSError as error:
    print("no database:", error.strerror)
raise SystemExit(7)
'
"""
BACKUP = "#!/bin/sh\nexec sleep 1000000\n"
CACHE = "#!/bin/sh\nexec 2>&1\necho ready\nexec sleep 1000000\n"

PIDS = {"app": "4213", "cache": "811", "web": "812"}
AGES = {"app": "0s", "backup": "3d 4h", "cache": "3d 4h", "web": "12m 7s"}
RESTARTS = {"app": "2"}
"""What the picture has in these columns: of each service, what it has always."""

RIGHT = ("PID", "FOR", "RESTARTS")
"""The headings of columns whose texts are at the right."""

LOG_LINES = 6

WIDTH, LINE, TOP, LEFT = 8.43, 20, 46, 18
"""Pixels of a letter and of a line; where the first one is."""

COLOURS = {
    "": "#d3d7de",
    "1": "#ffffff",
    "2": "#8b929e",
    "31": "#ff6b6b",
    "32": "#6bd68a",
    "33": "#e8c268",
    "35": "#d99bf0",
    "36": "#5fc9d8",
}
"""The colour of a text that a terminal was told to show so."""

HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-label="slashservice list, and svlog">
<rect width="{width}" height="{height}" rx="8" fill="#1b1f27"/>
<circle cx="20" cy="18" r="5" fill="#ff6b6b"/>
<circle cx="38" cy="18" r="5" fill="#e8c268"/>
<circle cx="56" cy="18" r="5" fill="#6bd68a"/>
<g font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
"""


def written() -> list[str]:
    """Run the services; return what is typed, and what the commands write."""
    with tempfile.TemporaryDirectory(prefix="picture") as folder:
        commands = Path(folder) / "command"
        launchers.write(str(commands), PYTHON)
        program = administration.write(commands / "slashservice")
        with tree(Path(folder) / "tree", commands) as made:
            return list(_written(made, Administrator(program, made.scan)))


def _written(made: Tree, admin: Administrator) -> Iterator[str]:
    made.add("backup", BACKUP, down=True)
    made.add("cache", CACHE, log=LOG)
    made.add("web", WEB, log=LOG)
    made.svscan()
    await_pid(made.real / "cache")
    port = until(lambda: _port(_log(made, "web")), "a port is told")
    for number in range(1, 4):
        _ask(port)
        until(lambda: _log(made, "web").count("GET") == number, "it is logged")  # noqa: B023
    made.add("app", APP, log=LOG)
    until(lambda: _log(made, "app").count("no database") >= 2, "it fails twice")
    until(lambda: admin.state("app") == "failing", "that is seen")
    listed = admin.types("list", "--color", "always")
    yield "$ slashservice list"
    yield from fixed_table(listed.lines)
    logs = (made.real / "web", made.real / "app")
    svlog: list[str | Path] = [made.commands / "svlog", "-a", "-c", "always", *logs]
    said = subprocess.run(svlog, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, check=True)
    yield ""
    yield f"$ svlog -a web app | head -n {LOG_LINES}"
    yield from fixed_log(said.stdout.splitlines()[:LOG_LINES])


def _port(said: str) -> int:
    found = re.search(r"port (\d+)", said)
    return int(found[1]) if found else 0


def _ask(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/")
    assert connection.getresponse().read()
    connection.close()


def _log(made: Tree, name: str) -> str:
    current = made.real / name / "log/main/current"
    return current.read_text() if current.exists() else ""


def fixed_table(lines: list[str]) -> list[str]:
    """Return a table with other pids and ages, with each column as wide as it needs to be then."""
    colours = {
        word: code for line in lines for code, word in re.findall(r"\x1b\[(\d+)m(\w+)", line)
    }
    plain = [without_colour(line) for line in lines]
    table = [line for line in plain if not line.startswith(" ")]
    cells = _cells(table)
    heading = cells[0]
    for row in cells[1:]:
        for column, known in (("PID", PIDS), ("FOR", AGES), ("RESTARTS", RESTARTS)):
            at = heading.index(column)
            row[at] = known.get(row[0], row[at])
    widths = [max(len(row[at]) for row in cells) for at in range(len(heading))]
    found = []
    for line in plain:
        if line.startswith(" "):
            found.append(f"\x1b[2m{line}\x1b[0m")
            continue
        row = cells.pop(0)
        filled = [
            text.rjust(width) if name in RIGHT else text.ljust(width)
            for text, width, name in zip(row, widths, heading, strict=True)
        ]
        text = "  ".join(filled).rstrip()
        if row is heading:
            found.append(f"\x1b[1m{text}\x1b[0m")
        else:
            state = row[1]
            code = colours.get(state.split()[0], "")
            found.append(text.replace(state, f"\x1b[{code}m{state}\x1b[0m", 1))
    return found


def _cells(table: list[str]) -> list[list[str]]:
    """Take lines apart where all of them have two spaces."""
    width = max(map(len, table))
    filled = [line.ljust(width) for line in table]
    blank = [all(line[at] == " " for line in filled) for at in range(width)]
    gaps = [at for at in range(1, width) if blank[at] and blank[at - 1]]
    starts = [0, *(at + 1 for at in gaps if not blank[at + 1])]
    ends = [*starts[1:], width]
    return [
        [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
        for line in filled
    ]


def fixed_log(lines: list[str]) -> list[str]:
    """Return lines of a log with other times and ports."""
    found = []
    for number, line in enumerate(lines):
        moment = f"09:41:{number * 7 + 3:02}"
        stamp = f"2026-11-28 {moment}.{number * 137 + 52:03}"
        line = re.sub(r"\d{4}-\d\d-\d\d \S+\.\d{3}", stamp, line)
        line = re.sub(r"\[\d\d/\w+/\d{4} [\d:]+\]", f"[28/Nov/2026 {moment}]", line)
        found.append(re.sub(r"(port |:)\d{4,5}\b", r"\g<1>8000", line))
    return found


def drawn(lines: list[str]) -> str:
    """Return the picture of these lines."""
    columns = max(len(without_colour(line)) for line in lines)
    width, height = round(columns * WIDTH + 2 * LEFT), TOP + len(lines) * LINE
    found = [HEAD.format(width=width, height=height)]
    for number, line in enumerate(lines):
        if line:
            y = TOP + number * LINE
            texts = "".join(_spans("\x1b[1m" + line if line[0] == "$" else line))
            found.append(f'<text x="{LEFT}" y="{y}" xml:space="preserve">{texts}</text>\n')
    return "".join([*found, "</g>\n</svg>\n"])


def _spans(line: str) -> Iterator[str]:
    """Yield the parts of a line, each in its colour."""
    code = ""
    for piece in re.split(r"(\x1b\[\d*m)", line):
        if piece.startswith("\x1b"):
            code = piece[2:-1].strip("0")
        elif piece:
            weight = ' font-weight="bold"' if code == "1" else ""
            yield f'<tspan fill="{COLOURS[code]}"{weight}>{html.escape(piece)}</tspan>'


def main() -> None:
    """Draw it."""
    Path(sys.argv[1]).write_text(drawn(written()))


if __name__ == "__main__":
    main()
