"""Gather the evidence about a host. Nothing here decides, and nothing is changed."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Mapping

import distro

from slashservice.installer.detection import inittab
from slashservice.installer.detection.evidence import Distribution, Evidence, FirstProcess
from slashservice.installer.detection.knowledge import Knowledge, in_order
from slashservice.installer.detection.wirings import find_scanners, find_wirings
from slashservice.installer.host import processes, scratch
from slashservice.installer.host.host import Host
from slashservice.installer.host.obstacles import flags

LOOKED_FOR = ("/run/reboot-required", "/run/ostree-booted")
"""Paths that no init system's module asks for, but whoever reads the evidence may want."""

INIT_NAMES = ("init", "linuxrc", "telinit", "init.sysvinit")
"""Names of a program that don't tell which init system it is."""

CHANGED_FOLDERS = ("/", "/etc", "/usr/local", "/var/lib")
PROGRAM_LIMIT = 8 << 20
RELEASE_LIMIT = 1 << 16


def probe(host: Host, systems: Mapping[str, Knowledge], offline: str = "") -> Evidence:
    """Look at ``host`` for all that is known of ``systems``.

    ``offline`` says why it must not be taken for a running one.
    """
    if host.root != "/":
        offline = offline or f"it is an image at {host.root}"
    platform = _platform(host, systems)
    running = host.live and not offline and platform == "linux"
    program = host.resolve("/sbin/init") if host.is_file("/sbin/init") else ""
    return Evidence(
        platform=platform,
        root=host.root,
        offline=offline,
        chroot=processes.is_in_chroot() if running else False,
        own_proc=processes.has_own_proc() if running else True,
        pid1=_first_process() if running else FirstProcess(),
        kernel=_text(host, "/proc/version") if running else "",
        paths=_paths(host, systems),
        init_program=program,
        init_marks=_marks(host, systems, program),
        inits_present=tuple(
            one.name
            for one in in_order(systems)
            if any(host.is_file(path) or host.is_directory(path) for path in one.presence)
        ),
        initctl=_initctl(host, systems) if running else "",
        inittab=inittab.read(host.read("/etc/inittab") or b""),
        distribution=_distribution(host),
        wirings=find_wirings(host, systems),
        scanners=find_scanners(host, systems) if running else (),
        unwritable=_unwritable(host),
        **{
            name: value
            for one in systems.values()
            for name, value in one.facts(host, running=running).items()
        },
    )


def _text(host: Host, path: str) -> str:
    return (host.read(path) or b"").decode(errors="replace").strip()


def _platform(host: Host, systems: Mapping[str, Knowledge]) -> str:
    """Name the operating system: the running one's own name, or an image's by its files."""
    if host.root == "/":
        return re.sub(r"\d+$", "", sys.platform)
    return next(filter(None, (one.image_platform(host) for one in in_order(systems))), "linux")


def _paths(host: Host, systems: Mapping[str, Knowledge]) -> dict[str, str]:
    """Return which of the tell-tale paths are there, and what they are."""
    kinds = {
        stat.S_IFREG: "file",
        stat.S_IFDIR: "directory",
        stat.S_IFIFO: "fifo",
        stat.S_IFSOCK: "socket",
    }
    found = {}
    for path in (*(path for one in systems.values() for path in one.looked_for), *LOOKED_FOR):
        status = host.stat(path)
        if status is not None:
            found[path] = kinds.get(stat.S_IFMT(status.st_mode), "other")
    return found


def _first_process() -> FirstProcess:
    """Look at PID 1, as far as we may. Its program may have been replaced since it started."""
    comm, exe, argv = processes.describe(1)
    return FirstProcess(comm, exe.removesuffix(" (deleted)") if exe else exe, argv)


def _marks(host: Host, systems: Mapping[str, Knowledge], program: str) -> tuple[str, ...]:
    """Return the init systems whose words are in ``/sbin/init``, where its name doesn't tell."""
    if not program or os.path.basename(program) not in INIT_NAMES:
        return ()
    status = host.stat(program)
    if status is None or status.st_size > PROGRAM_LIMIT:
        return ()
    data = host.read(program) or b""
    found = [name for name, one in systems.items() if any(word in data for word in one.marks)]
    found += [
        name
        for name, one in systems.items()
        if any(word in (host.read(path) or b"") for path, word in one.script_marks)
    ]
    return tuple(found)


def _initctl(host: Host, systems: Mapping[str, Knowledge]) -> str:
    """Return what ``initctl version`` says, nothing where a known init system runs already."""
    if any(one.run_directory and host.is_directory(one.run_directory) for one in systems.values()):
        return ""
    outcome = host.run(["initctl", "version"], timeout=10)
    return outcome.output.splitlines()[0] if outcome.good and outcome.output else ""


def _distribution(host: Host) -> Distribution:
    """Name the distribution, without running anything."""
    try:
        if host.root == "/":
            return _named(None)
        with scratch.folder() as folder:
            _copy_releases(host, folder)
            return _named(folder)
    except (ValueError, OSError):
        return Distribution()


def _named(root: str | None) -> Distribution:
    named = distro.LinuxDistribution(
        include_lsb=False, include_uname=False, include_oslevel=False, root_dir=root
    )
    return Distribution(
        id=named.id(),
        like=tuple(named.like().split()),
        version=named.version(),
        name=named.name(pretty=True),
    )


def _copy_releases(host: Host, to: str) -> None:
    """Copy what names the distribution of an image: its links may lead out of it."""
    for folder in ("/etc", "/usr/lib"):
        os.makedirs(to + folder)
        for name in host.list(folder):
            about = host.stat(f"{folder}/{name}")
            if not name.endswith(("release", "version")) or about is None:
                continue
            data = host.read(f"{folder}/{name}") if about.st_size <= RELEASE_LIMIT else None
            if data is not None:
                with open(f"{to}{folder}/{name}", "wb") as file:
                    file.write(data)


def _unwritable(host: Host) -> tuple[str, ...]:
    """Return the folders the installer changes that can't be: read-only, or immutable.

    An ordinary account that looks at this host wants to know what root could do.
    """
    by_access = os.geteuid() == 0 or host.root != "/" or bool(host.home)
    can_change = _may_write if by_access else _root_may_write
    return tuple(
        folder
        for folder in CHANGED_FOLDERS
        if host.is_directory(folder) and not can_change(host.real(folder, follow=True))
    )


def _may_write(real: str) -> bool:
    return os.access(real, os.W_OK)


def _root_may_write(real: str) -> bool:
    return not os.statvfs(real).f_flag & os.ST_RDONLY and not flags(real)
