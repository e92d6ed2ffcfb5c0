"""Find scanners that somebody else starts at boot, or runs now: svscan, runsvdir, s6-svscan.

Two supervisors on one scan directory fight for its locks for ever, so the installer looks
for them all: in every file an init system may read, comments told from lines in force.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

from slashservice.installer.detection.evidence import Scanner, Wiring
from slashservice.installer.detection.knowledge import Knowledge, owners
from slashservice.installer.host import processes
from slashservice.installer.host.host import Host
from slashservice.installer.host.marks import BEGIN, END, OUR_FILE
from slashservice.supervise.protocol import scan_directory
from slashservice.supervise.protocol.names import SCAN_DIRECTORY, SCANNER_PID

Systems = Mapping[str, Knowledge]

SVSCANS = {"svscanboot": SCAN_DIRECTORY, "svscan": SCAN_DIRECTORY}
"""The scanners of daemontools, whosesoever, and the directory that each scans by default."""

OPTIONS = r"(?:\s+-n|\s+-g\s*\d+)*"
"""The options of svscan."""

PROGRAM = (
    r"(?<![\w./-])((?:/(?:[\w.+-]+/)*(?:%s)|%s))(?![\w.-])"
    + OPTIONS
    + r"(?:[\s,\"'<]+(/[\w./+-]+))?"
)
"""A scanner and its argument, given the names and the paths of scanners."""

NO_PROGRAMS = ("/var/", "/run/", "/etc/init", "/etc/rc", "/service/")
SCRIPT_LIMIT = 1 << 20


def find_wirings(host: Host, systems: Systems) -> tuple[Wiring, ...]:
    """Return every mention of a scanner in the host's init systems' files."""
    rivals = _rivals(systems)
    pattern = _pattern(rivals)
    found: dict[str, list[Wiring]] = {}
    for path in _candidates(host, systems):
        resolved = host.resolve(path)
        if resolved in found or not host.is_file(path):
            continue
        data = host.read(path) or b""
        if len(data) <= SCRIPT_LIMIT and b"\0" not in data[:512]:
            found[resolved] = [
                _wiring(host, systems, path, line, match, rivals, ours)
                for line, match, ours in _mentions(data, pattern)
            ]
    return tuple(wiring for wirings in found.values() for wiring in wirings)


def in_force(wirings: Iterable[Wiring], systems: Systems, init: str) -> tuple[Wiring, ...]:
    """Return those wirings that count where ``init`` runs the host: files that it reads.

    Where the init system isn't known all do.
    """
    known = init in systems and not systems[init].reads_all
    found = []
    for wiring in wirings:
        readers = {
            one.name
            for one in systems.values()
            if any(place.holds(wiring.path) and not place.shared for place in one.places)
        }
        if wiring.active and (not known or not readers or init in readers):
            found.append(wiring)
    return tuple(found)


def _rivals(systems: Systems) -> dict[str, str]:
    """Return the scanners there may be, and the directory that each scans by default."""
    return {name: path for one in systems.values() for name, path in one.rivals.items()} | SVSCANS


def _pattern(rivals: Iterable[str]) -> re.Pattern[str]:
    """Return the expression that finds a scanner in a line."""
    names = "|".join(re.escape(one) for one in rivals if "/" not in one)
    paths = "|".join(re.escape(one) for one in rivals if "/" in one)
    return re.compile(PROGRAM % (names, paths or "(?!)"))


def _candidates(host: Host, systems: Systems) -> list[str]:
    """List the files to look into, single ones before those of folders."""
    places = [place for one in systems.values() for place in one.places]
    places.sort(key=lambda place: place.ending is not None)
    return list(dict.fromkeys(path for place in places for path in place.files(host)))


def _mentions(data: bytes, pattern: re.Pattern[str]) -> Iterable[tuple[str, re.Match[str], bool]]:
    """Yield the lines of a file that name a scanner, where, and whether the line is ours."""
    own_file = OUR_FILE in data
    inside = False
    for line in data.splitlines(keepends=True):
        inside = (inside or line == BEGIN) and line != END
        text = line.decode("latin-1")
        match = pattern.search(text.strip())
        if match and not match.group(1).startswith(NO_PROGRAMS):
            yield text, match, own_file or inside


def _wiring(
    host: Host,
    systems: Systems,
    path: str,
    line: str,
    match: re.Match[str],
    rivals: Mapping[str, str],
    ours: bool,
) -> Wiring:
    """Describe one mention of a scanner."""
    readers = owners(systems.values(), path)
    comment = line.strip().startswith(("#", ";"))
    off = any(one.switches_off(path, line.strip()) for one in readers)
    return Wiring(
        path=host.resolve(path) if path.endswith("rc.local") else path,
        text=line.rstrip("\n"),
        program=match.group(1),
        directory=_directory(host, match.group(1), match.group(2) or "", rivals),
        active=not comment and not off and any(one.starts(host, path) for one in readers),
        ours=ours,
    )


def _directory(host: Host, program: str, argument: str, rivals: Mapping[str, str]) -> str:
    """Return the scan directory of a wiring: the script's own, or its argument."""
    if program in rivals:
        return rivals[program]
    script = host.read(program) or b""
    if script.startswith(b"#!") and OUR_FILE not in script and b"slashservice" not in script:
        inner = re.search(rb"^[^#\n]*\b(?:svscan|runsvdir)\s[^\n]*?(/[\w./+-]+)", script, re.M)
        if inner:
            return inner.group(1).decode().rstrip("/")
    if argument:
        return argument.rstrip("/") or "/"
    return rivals[program.rsplit("/", 1)[-1]]


def find_scanners(host: Host, systems: Systems) -> tuple[Scanner, ...]:
    """Return the scanners that run on a live Linux host, in our own root directory."""
    return _running(host, [name for one in systems.values() for name in one.rival_processes])


def strangers(host: Host, service_dir: str) -> list[int]:
    """Return the pids of svscans on a scan directory that are not ours."""
    return [one.pid for one in _running(host) if is_strange(one, service_dir)]


def is_strange(one: Scanner, service_dir: str) -> bool:
    """Tell whether a scanner is a svscan on that directory, and not ours."""
    return one.program == "svscan" and one.directory == service_dir and not one.ours


def _running(host: Host, names: Sequence[str] = ()) -> tuple[Scanner, ...]:
    """Return the svscans that run on a live host, and processes of those names."""
    if not host.live:
        return ()
    found = []
    for name in host.list("/proc"):
        comm = (host.read(f"/proc/{name}/comm") or b"").decode(errors="replace").strip()
        if name.isdigit() and comm in ("svscan", *names) and processes.shares_root(int(name)):
            found.append(_scanner(host, int(name), comm))
    return tuple(found)


def _scanner(host: Host, pid: int, program: str) -> Scanner:
    """Describe one running scanner."""
    words = (host.read(f"/proc/{pid}/cmdline") or b"").decode(errors="replace").split("\0")
    directory = next(
        (word for word in words[1:] if word.startswith("/") and program not in word), ""
    )
    directory = directory or processes.working_directory(pid)
    known = host.read(f"{directory}/{os.fsdecode(SCANNER_PID)}") or b""
    own = (
        known.strip() == str(pid).encode() or scan_directory.running(os.fsencode(directory)) == pid
    )
    return Scanner(pid, program, directory.rstrip("/") or "/", own)
