"""Find scanners that somebody else starts at boot, or runs now: svscan, runsvdir, s6-svscan.

Two supervisors on one scan directory fight for its locks for ever, so the installer looks
for them all: in every file that an init system may read (:mod:`rivals`), and among processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from slashservice.installer.detection.evidence import Scanner, Wiring
from slashservice.installer.detection.knowledge import CRONTABS, Knowledge, owners
from slashservice.installer.detection.rivals import SCRIPT_LIMIT, Find, Search, directory_argument
from slashservice.installer.detection.wrappers import Started
from slashservice.installer.host import processes
from slashservice.installer.host.host import Host
from slashservice.installer.host.marks import SAYS_OURS, ours
from slashservice.supervise.protocol import scan_directory
from slashservice.supervise.protocol.names import SCAN_DIRECTORY, SCANNER_PID

Systems = Mapping[str, Knowledge]

SVSCANS = {"svscanboot": SCAN_DIRECTORY, "svscan": SCAN_DIRECTORY}
"""The scanners of daemontools, whosesoever, and the directory that each scans by default."""

RUNSVDIR = "runsvdir"
"""The scanner of runit, and of BusyBox."""


def find_wirings(host: Host, systems: Systems) -> tuple[Wiring, ...]:
    """Return every scanner that a file of the host's init systems, or cron, has started."""
    search = Search(host, systems, _rivals(systems))
    found: dict[str, list[Wiring]] = {}
    parts: dict[tuple[str, int, str], Wiring] = {}
    for path, syntax in candidates(host, systems):
        resolved = host.resolve(path)
        if resolved in found or not host.is_file(path):
            continue
        data = host.read(path) or b""
        if len(data) <= SCRIPT_LIMIT and b"\0" not in data[:512]:
            finds = search.find(path, syntax, data.decode("latin-1"))
            found[resolved] = []
            foreign = _foreign(search, path, syntax, data, finds)
            for one in finds:
                wiring = _wiring(host, systems, path, data, one, one not in foreign)
                if one.path:
                    known = parts.setdefault(
                        (host.resolve(one.path), one.first, one.program), wiring
                    )
                    if wiring.active and not known.active:
                        parts[host.resolve(one.path), one.first, one.program] = wiring
                else:
                    found[resolved].append(wiring)
    return (
        *(
            wiring
            for resolved, wirings in found.items()
            for wiring in wirings
            if (resolved, wiring.line, wiring.program) not in parts
        ),
        *parts.values(),
    )


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


def candidates(host: Host, systems: Systems) -> list[tuple[str, str]]:
    """List the files to look into with their syntaxes, single ones before those of folders."""
    places = [*CRONTABS, *(place for one in systems.values() for place in one.places)]
    places.sort(key=lambda place: place.ending is not None)
    found: dict[str, str] = {}
    for place in places:
        for path in place.files(host):
            found[path] = found.get(path) or place.syntax
    return list(found.items())


def _foreign(
    search: Search, path: str, syntax: str, data: bytes, finds: Sequence[Find]
) -> Sequence[Find]:
    """Return those finds that are there without our lines, wherever in a file these lie."""
    own = ours(data)
    if not own or not finds:
        return finds
    lines = data.decode("latin-1").split("\n")
    text = "\n".join("" if at in own else line for at, line in enumerate(lines, 1))
    left = {(one.path, one.first, one.program) for one in search.find(path, syntax, text)}
    return [one for one in finds if (one.path, one.first, one.program) in left]


def _wiring(host: Host, systems: Systems, path: str, data: bytes, one: Find, own: bool) -> Wiring:
    """Describe a scanner that a file has started."""
    readers = owners(systems.values(), path) or [Knowledge()]  # cron's are no init system's
    if one.path:
        active = any(reader.starts(host, path) for reader in readers)
        return replace(_of_part(host, one), active=active)
    lines = data.decode("latin-1").split("\n")[one.first - 1 : one.last]
    text = "\n".join(line.rstrip("\r") for line in lines)
    off = any(reader.switches_off(path, text.strip()) for reader in readers)
    return Wiring(
        path=host.resolve(path) if path.endswith("rc.local") else path,
        text=text,
        program=one.program,
        directory=one.directory,
        active=not off
        and any(reader.starts(host, path) for reader in readers)
        and not any(reader.passes_over(path, data, one.first) for reader in readers),
        ours=own or _is_part_of_ours(host, readers, path),
        line=one.first,
        sure=one.sure,
    )


def _of_part(host: Host, one: Find) -> Wiring:
    """Describe a scanner that is started in a file which another one reads or runs."""
    lines = (host.read(one.path) or b"").decode("latin-1").split("\n")[one.first - 1 : one.last]
    text = "\n".join(line.rstrip("\r") for line in lines)
    return Wiring(
        path=one.path,
        text=text,
        program=one.program,
        directory=one.directory,
        line=one.first,
        sure=one.sure,
    )


def _is_part_of_ours(host: Host, readers: Iterable[Knowledge], path: str) -> bool:
    """Tell whether a file is ours, or adds to one that is."""
    wholes = {path, *(reader.part_of(path) for reader in readers)}
    return any(said in (host.read(whole) or b"") for whole in wholes for said in SAYS_OURS)


def find_scanners(host: Host, systems: Systems) -> tuple[Scanner, ...]:
    """Return the scanners that run on a live Linux host, in our own root directory."""
    return _running(host, [name for one in systems.values() for name in one.rival_processes])


def strangers(host: Host, service_dir: str) -> list[int]:
    """Return the pids of the scanners on a scan directory whose place can be taken."""
    return [one.pid for one in _running(host, (RUNSVDIR,)) if is_strange(one, service_dir)]


def runsvdirs(host: Host, service_dir: str) -> list[int]:
    """Return the pids of those of them that are runit's, or BusyBox's."""
    found = [one for one in _running(host, (RUNSVDIR,)) if is_strange(one, service_dir)]
    return [one.pid for one in found if one.program == RUNSVDIR]


def held(host: Host, service_dir: str) -> list[int]:
    """Return the pids of the runsvdirs on a scan directory that are held still."""
    found = _processes(host, (RUNSVDIR,), with_held=True) if host.live else ()
    pids = [one.pid for one in found if is_strange(one, service_dir) and one.program == RUNSVDIR]
    return [pid for pid in pids if processes.is_stopped(pid)]


def is_strange(one: Scanner, service_dir: str) -> bool:
    """Tell whether a scanner is a svscan or runsvdir on that directory, and not ours."""
    same = os.path.realpath(one.directory) == os.path.realpath(service_dir)
    return one.program in ("svscan", RUNSVDIR) and same and not one.ours


def svscans(host: Host) -> tuple[Scanner, ...]:
    """Return the svscans that run in our root directory, also where nothing may be started."""
    return _processes(host) if host.root == "/" else ()


def _running(host: Host, names: Sequence[str] = ()) -> tuple[Scanner, ...]:
    """Return the svscans that run on a live host, and processes of those names."""
    return _processes(host, names) if host.live else ()


def _processes(
    host: Host, names: Sequence[str] = (), with_held: bool = False
) -> tuple[Scanner, ...]:
    """Return the svscans that share our root directory, and processes of those names.

    A runsvdir that is held still while our svscan has its place scans nothing.
    """
    found = []
    for pid in map(int, filter(str.isdigit, host.list("/proc"))):
        program = (host.read(f"/proc/{pid}/comm") or b"").decode(errors="replace").strip()
        if program not in ("busybox", "svscan", *names) or not processes.shares_root(pid):
            continue
        words = (host.read(f"/proc/{pid}/cmdline") or b"").decode(errors="replace").split("\0")
        if program == "busybox":  # an argument names what it is
            applets = [os.path.basename(word) for word in words[:2]]
            program = next((one for one in applets if one != "busybox"), "")
        if program in ("svscan", *names):
            one = _scanner(host, pid, program, words)
            if with_held or program != RUNSVDIR or not _is_displaced(one):
                found.append(one)
    return tuple(found)


def _is_displaced(one: Scanner) -> bool:
    """Tell whether a scanner is held still, and our svscan is on its directory."""
    return processes.is_stopped(one.pid) and bool(
        scan_directory.running(os.fsencode(one.directory))
    )


def _scanner(host: Host, pid: int, program: str, words: Sequence[str]) -> Scanner:
    """Describe one running scanner. Each changes to its directory, however that was named."""
    at = next((at for at, word in enumerate(words) if os.path.basename(word) == program), 0)
    rest = tuple(word for word in words[at + 1 :] if word)
    directory = directory_argument(Started(program, rest))
    if not directory.startswith("/"):
        directory = processes.working_directory(pid)
    known = host.read(f"{directory}/{os.fsdecode(SCANNER_PID)}") or b""
    scanned = os.fsencode(directory)
    own = known.strip() == str(pid).encode() or scan_directory.running(scanned) == pid
    own = own or pid in scan_directory.waiting(scanned)
    return Scanner(pid, program, directory.rstrip("/") or "/", own)
