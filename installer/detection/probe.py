"""Gather the evidence about a host. Nothing here decides, and nothing is changed."""

from __future__ import annotations

import os
import re
import stat
import sys

import distro

from slashservice.installer.detection import inittab
from slashservice.installer.detection.evidence import Distribution, Evidence, FirstProcess
from slashservice.installer.detection.wirings import find_scanners, find_wirings
from slashservice.installer.host.host import Host

LOOKED_FOR = (
    "/run/systemd/system",
    "/run/openrc/softlevel",
    "/run/runit.stopit",
    "/run/runit/stopit",
    "/run/s6-linux-init-container-results",
    "/etc/s6-linux-init/current",
    "/run/dinitctl",
    "/run/finit",
    "/run/initctl",
    "/dev/initctl",
    "/run/reboot-required",
    "/run/ostree-booted",
    "/etc/event.d",
    "/etc/init",
    "/etc/init.d",
    "/etc/rc.d/init.d",
    "/etc/rc.d",
    "/etc/rc.local",
    "/etc/rc.d/rc.local",
    "/etc/inittab",
    "/etc/runlevels/default",
    "/etc/slackware-version",
    "/usr/sbin/rcctl",
)
PRESENCE = {
    "systemd": ("/usr/lib/systemd/systemd", "/lib/systemd/systemd"),
    "openrc": ("/sbin/openrc-init", "/sbin/openrc", "/usr/bin/openrc"),
    "runit": ("/sbin/runit-init", "/usr/bin/runit-init", "/usr/sbin/runit-init"),
    "s6": ("/etc/s6-linux-init/current",),
    "dinit": ("/sbin/dinit", "/usr/bin/dinit", "/usr/sbin/dinit"),
    "finit": ("/sbin/finit", "/usr/sbin/finit"),
}
MARKS = {
    "upstart": (b"UPSTART_", b"com.ubuntu.Upstart"),
    "sysvinit": (b"INIT_VERSION", b"PREVLEVEL"),
    "s6": (b"s6-linux-init",),
}
CHANGED_FOLDERS = ("/", "/etc", "/usr/local", "/var/lib")
PROGRAM_LIMIT = 8 << 20


def probe(host: Host, offline: str = "") -> Evidence:
    """Look at ``host``; ``offline`` says why it must not be taken for a running one."""
    if host.root != "/":
        offline = offline or f"it is an image at {host.root}"
    platform = _platform(host)
    running = host.live and not offline and platform == "linux"
    program = host.resolve("/sbin/init") if host.is_file("/sbin/init") else ""
    return Evidence(
        platform=platform,
        root=host.root,
        user_id=os.geteuid(),
        offline=offline,
        chroot=_chroot() if running else False,
        own_proc=_own_proc() if running else True,
        pid1=_first_process() if running else FirstProcess(),
        container=_container(host) if running else "",
        kernel=_text(host, "/proc/version") if running else "",
        paths=_paths(host),
        init_program=program,
        init_marks=_marks(host, program),
        inits_present=tuple(
            name
            for name, paths in PRESENCE.items()
            if any(map(host.is_file, paths)) or any(host.is_directory(path) for path in paths)
        ),
        initctl=_initctl(host) if running else "",
        inittab=inittab.read(host.read("/etc/inittab") or b""),
        systemd_version=_systemd_version(host),
        distribution=_distribution(host),
        wirings=find_wirings(host),
        scanners=find_scanners(host) if running else (),
        unwritable=_unwritable(host),
    )


def _text(host: Host, path: str) -> str:
    return (host.read(path) or b"").decode(errors="replace").strip()


def _platform(host: Host) -> str:
    """Name the operating system: the running one's own name, or an image's by its files."""
    if host.root == "/":
        return re.sub(r"\d+$", "", sys.platform)
    signs = {
        "darwin": ("/System/Library/CoreServices/SystemVersion.plist",),
        "freebsd": ("/bin/freebsd-version", "/libexec/ld-elf.so.1"),
        "netbsd": ("/libexec/ld.elf_so", "/netbsd"),
        "openbsd": ("/bsd", "/usr/libexec/ld.so"),
    }
    for name, paths in signs.items():
        if any(host.is_file(path) for path in paths):
            return "dragonfly" if host.is_file("/usr/share/misc/dragonfly") else name
    return "linux"


def _paths(host: Host) -> dict[str, str]:
    """Return which of the tell-tale paths are there, and what they are."""
    kinds = {
        stat.S_IFREG: "file",
        stat.S_IFDIR: "directory",
        stat.S_IFIFO: "fifo",
        stat.S_IFSOCK: "socket",
    }
    found = {}
    for path in LOOKED_FOR:
        status = host.stat(path)
        if status is not None:
            found[path] = kinds.get(stat.S_IFMT(status.st_mode), "other")
    return found


def _chroot() -> bool | None:
    """Tell whether PID 1 has another root directory than we; ``None`` if root can't see it."""
    try:
        return not os.path.samestat(os.stat("/proc/1/root"), os.stat("/"))
    except FileNotFoundError:
        return False
    except OSError:
        return None if os.geteuid() == 0 else False


def _own_proc() -> bool:
    """Tell whether ``/proc`` shows our own PID namespace."""
    try:
        return os.readlink("/proc/self") == str(os.getpid())
    except OSError:
        return True


def _first_process() -> FirstProcess:
    """Look at PID 1, as far as we may."""
    comm = exe = None
    argv: tuple[str, ...] = ()
    try:
        with open("/proc/1/comm", encoding="utf-8", errors="replace") as file:
            comm = file.read().strip()
        with open("/proc/1/cmdline", encoding="utf-8", errors="replace") as file:
            argv = tuple(file.read().rstrip("\0").split("\0"))
        exe = os.readlink("/proc/1/exe")
    except OSError:
        pass
    return FirstProcess(comm, exe, argv)


def _container(host: Host) -> str:
    """Say what shows that this is a container, nothing if nothing does."""
    for path in ("/.dockerenv", "/run/.containerenv"):
        if host.lstat(path):
            return f"{path} is there"
    named = _text(host, "/run/systemd/container")
    if named:
        return f"/run/systemd/container says {named}"
    for word in (host.read("/proc/1/environ") or b"").split(b"\0"):
        if word.startswith(b"container="):
            return f"PID 1 has {word.decode(errors='replace')} in its environment"
    kind = host.run(["systemd-detect-virt", "--container"], timeout=10)
    if kind.good and kind.output not in ("", "none", "wsl"):
        return f"systemd-detect-virt says {kind.output}"
    return ""


def _marks(host: Host, program: str) -> tuple[str, ...]:
    """Return whose words are in the program ``/sbin/init``, where its name doesn't tell."""
    if not program or os.path.basename(program) not in (
        "init",
        "linuxrc",
        "telinit",
        "init.sysvinit",
    ):
        return ()
    status = host.stat(program)
    if status is None or status.st_size > PROGRAM_LIMIT:
        return ()
    data = host.read(program) or b""
    found = [name for name, words in MARKS.items() if any(word in data for word in words)]
    if b"openrc" in (host.read("/etc/init.d/rc") or b""):
        found.append("openrc")
    return tuple(found)


def _initctl(host: Host) -> str:
    """Return what ``initctl version`` says, where there is one and systemd isn't it."""
    if host.is_directory("/run/systemd/system"):
        return ""
    outcome = host.run(["initctl", "version"], timeout=10)
    return outcome.output.splitlines()[0] if outcome.good and outcome.output else ""


def _systemd_version(host: Host) -> int:
    """Return systemd's version, 0 where it can't be told: by its library, else by asking."""
    folders = ["/usr/lib/systemd", "/lib/systemd"]
    folders += [f"/usr/lib/{name}/systemd" for name in host.list("/usr/lib") if "-linux" in name]
    for folder in folders:
        for name in host.list(folder):
            found = re.fullmatch(r"libsystemd-shared-(\d+)\b.*\.so", name)
            if found:
                return int(found.group(1))
    found = re.match(r"systemd (\d+)", host.run(["systemctl", "--version"], timeout=10).output)
    return int(found.group(1)) if found else 0


def _distribution(host: Host) -> Distribution:
    """Name the distribution, without running anything."""
    try:
        named = distro.LinuxDistribution(
            include_lsb=False,
            include_uname=False,
            include_oslevel=False,
            root_dir=None if host.root == "/" else host.root,
        )
        return Distribution(
            id=named.id(),
            like=tuple(named.like().split()),
            version=named.version(),
            name=named.name(pretty=True),
        )
    except (ValueError, OSError):
        return Distribution()


def _unwritable(host: Host) -> tuple[str, ...]:
    """Return the folders the installer changes that can't be: read-only, or immutable."""
    return tuple(
        folder
        for folder in CHANGED_FOLDERS
        if host.is_directory(folder) and not os.access(host.real(folder, follow=True), os.W_OK)
    )
