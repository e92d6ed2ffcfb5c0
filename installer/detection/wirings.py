"""Who else starts a scanner at boot, or runs one now: svscan, runsvdir, s6-svscan.

Two supervisors on one scan directory fight for its locks for ever, so the installer looks
for them all: in every file an init system may read, comments told from lines in force.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from slashservice.installer.detection.evidence import Scanner, Wiring
from slashservice.installer.host.host import Host
from slashservice.installer.plan.edits import BEGIN, END
from slashservice.supervise.protocol.names import SCAN_DIRECTORY, SCANNER_PID

SCANNER = re.compile(
    r"(?<![\w./-])(/(?:[\w.+-]+/)*(?:svscanboot|svscan|runsvdir-start|runsvdir|s6-svscanboot"
    r"|s6-svscan)|/etc/runit/2)(?![\w.-])(?:[\s,\"'<]+(/[\w./+-]+))?"
)
NO_PROGRAMS = ("/var/", "/run/", "/etc/init", "/etc/rc", "/service/")
OUR_FILE = b"slashservice install"
"""Every artefact that is a whole file of ours says these words."""

FILES = ("/etc/inittab", "/etc/rc.local", "/etc/rc.d/rc.local", "/etc/ttys", "/etc/finit.conf")
FOLDERS = (
    ("/etc/event.d", ""),
    ("/etc/init", ".conf"),
    ("/etc/systemd/system", ".service"),
    ("/usr/lib/systemd/system", ".service"),
    ("/lib/systemd/system", ".service"),
    ("/etc/init.d", ""),
    ("/etc/rc.d", ""),
    ("/etc/rc.d/init.d", ""),
    ("/usr/local/etc/rc.d", ""),
    ("/Library/LaunchDaemons", ".plist"),
    ("/etc/finit.d", ".conf"),
    ("/etc/dinit.d", ""),
)
SCRIPT_LIMIT = 1 << 20
PROCESS_NAMES = ("svscan", "runsvdir", "s6-svscan")


def find_wirings(host: Host) -> tuple[Wiring, ...]:
    """Return every mention of a scanner in the host's init systems' files."""
    found: dict[str, list[Wiring]] = {}
    for path in _candidates(host):
        resolved = host.resolve(path)
        if resolved in found or not host.is_file(path):
            continue
        data = host.read(path) or b""
        if len(data) <= SCRIPT_LIMIT and b"\0" not in data[:512]:
            found[resolved] = list(_mentions(host, path, data))
    return tuple(wiring for wirings in found.values() for wiring in wirings)


READERS = (
    (re.compile(r"/etc/inittab"), {"sysvinit", "slackware", "busybox", "openrc"}),
    (re.compile(r".*\.service"), {"systemd"}),
    (re.compile(r"/etc/(init|event\.d)/.*"), {"upstart"}),
    (re.compile(r"/etc/finit\.(d/.*|conf)"), {"finit"}),
    (re.compile(r"/etc/dinit\.d/.*"), {"dinit"}),
)


def in_force(wirings: Iterable[Wiring], init: str) -> tuple[Wiring, ...]:
    """Return those wirings that count where ``init`` runs the host: files that it reads.

    Where the init system isn't known all do.
    """
    known = any(init in names for _, names in READERS) or init in ("runit", "s6", "launchd")
    found = []
    for wiring in wirings:
        names = next((names for path, names in READERS if path.fullmatch(wiring.path)), {init})
        if wiring.active and (init in names or not known):
            found.append(wiring)
    return tuple(found)


def _candidates(host: Host) -> list[str]:
    """List the files to look into."""
    paths = list(FILES)
    for folder, ending in FOLDERS:
        paths += [f"{folder}/{name}" for name in host.list(folder) if name.endswith(ending)]
    return paths


def _mentions(host: Host, path: str, data: bytes) -> list[Wiring]:
    """Return the wirings in one file."""
    enabled = _enabled(host, path)
    own_file = OUR_FILE in data
    inside = False
    found = []
    for line in data.splitlines(keepends=True):
        inside = (inside or line == BEGIN) and line != END
        text = line.decode("latin-1").strip()
        match = SCANNER.search(text)
        if match and not match.group(1).startswith(NO_PROGRAMS):
            comment = text.startswith(("#", ";"))
            off = path == "/etc/inittab" and text.split(":")[2:3] == ["off"]
            found.append(
                Wiring(
                    path=host.resolve(path) if path.endswith("rc.local") else path,
                    text=line.decode("latin-1").rstrip("\n"),
                    program=match.group(1),
                    directory=_directory(host, match.group(1), match.group(2) or ""),
                    active=enabled and not comment and not off,
                    ours=own_file or inside,
                )
            )
    return found


def _directory(host: Host, program: str, argument: str) -> str:
    """Return the scan directory of a wiring: the script's own, or its argument."""
    if program == "/etc/runit/2":
        return "/etc/service"
    script = host.read(program) or b""
    if script.startswith(b"#!") and OUR_FILE not in script and b"slashservice" not in script:
        inner = re.search(rb"^[^#\n]*\b(?:svscan|runsvdir)\s[^\n]*?(/[\w./+-]+)", script, re.M)
        if inner:
            return inner.group(1).decode().rstrip("/")
    if argument:
        return argument.rstrip("/") or "/"
    return SCAN_DIRECTORY if "svscan" in program else "/etc/service"


def _enabled(host: Host, path: str) -> bool:
    """Tell whether an init system would act on the file at ``path`` at all."""
    folder, name = os.path.split(path)
    if folder.endswith("/systemd/system"):
        places = [
            f"{base}/{inner}/{name}"
            for base in ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
            for inner in host.list(base)
            if inner.endswith((".wants", ".requires"))
        ]
        masked = host.readlink(f"/etc/systemd/system/{name}") == "/dev/null"
        return not masked and any(host.lstat(place) for place in places)
    if folder in ("/etc/init.d", "/etc/rc.d/init.d"):
        return _in_runlevels(host, name)
    if folder == "/etc/rc.d" and name != "rc.local" and not name.startswith("rc."):
        return name in (host.read("/etc/rc.conf.local") or b"").decode("latin-1").split()
    return True


def _in_runlevels(host: Host, name: str) -> bool:
    """Tell whether a System V or OpenRC script is started in some runlevel."""
    for base in ("/etc", "/etc/rc.d"):
        for level in host.list(base):
            if re.fullmatch(r"rc[0-9S]\.d", level):
                for link in host.list(f"{base}/{level}"):
                    if re.fullmatch(rf"S\d\d{re.escape(name)}", link):
                        return True
    return any(
        host.lstat(f"/etc/runlevels/{level}/{name}") for level in host.list("/etc/runlevels")
    )


def find_scanners(host: Host) -> tuple[Scanner, ...]:
    """Return the scanners that run on a live Linux host, in our own root directory."""
    if not host.live:
        return ()
    found = []
    for name in host.list("/proc"):
        comm = (host.read(f"/proc/{name}/comm") or b"").decode(errors="replace").strip()
        if name.isdigit() and comm in PROCESS_NAMES and _same_root(name):
            found.append(_scanner(host, int(name), comm))
    return tuple(found)


def strangers(host: Host, service_dir: str) -> list[int]:
    """Return the pids of svscans on a scan directory that are not ours."""
    return [one.pid for one in find_scanners(host) if is_strange(one, service_dir)]


def is_strange(one: Scanner, service_dir: str) -> bool:
    """Tell whether a scanner is a svscan on that directory, and not ours."""
    return one.program == "svscan" and one.directory == service_dir and not one.ours


def _same_root(pid: str) -> bool:
    """Tell whether a process sees the file tree we see."""
    try:
        return os.path.samestat(os.stat(f"/proc/{pid}/root"), os.stat("/"))
    except OSError:
        return False


def _scanner(host: Host, pid: int, program: str) -> Scanner:
    """Describe one running scanner."""
    words = (host.read(f"/proc/{pid}/cmdline") or b"").decode(errors="replace").split("\0")
    directory = next(
        (word for word in words[1:] if word.startswith("/") and program not in word), ""
    )
    if not directory:
        try:
            directory = os.readlink(f"/proc/{pid}/cwd")
        except OSError:
            directory = ""
    known = host.read(f"{directory}/{os.fsdecode(SCANNER_PID)}") or b""
    own = known.strip() == str(pid).encode()
    return Scanner(pid, program, directory.rstrip("/") or "/", own)
