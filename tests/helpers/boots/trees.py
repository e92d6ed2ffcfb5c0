"""Debian trees to boot, one for each init system: built once, kept, and copied for each use.

What a tree holds beyond its packages is here as data. A tree has Python, redis (not enabled:
the tests run it as a service), a service that takes its time to close, and ``booted``, which
the init system runs as the last job of a boot.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

from helpers.checkout import CHECKOUT
from helpers.keeping import ended

SHIPPED = ("LICENSE", "docs", "init_templates", "install", "installer", "supervise")
INSIDE = "/root/slashservice"
"""Where a machine has its checkout."""

SUITE = "bookworm"
COMMON = ("python3", "python3-distro", "python3-plumbum", "procps", "redis-server")
UNUSED = ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*", "/usr/share/info/*")
MACHINE_ID = "0123456789abcdef0123456789abcdef\n"
"""Fixed, as a boot without one would be a first boot, and enable every service there is."""

UNPACK_LIMIT = 900.0
"""Seconds for packages to be had and unpacked."""

WEEK = 7 * 24 * 3600.0

BOOTED = "/run/booted"
MARKER = "/usr/local/sbin/booted"
CLOSER = "/usr/local/bin/closer"
LINES = 20
"""How many lines the service ``closer`` writes after it was told to stop."""

Files = Mapping[str, tuple[str, int]]
"""Text and mode of files, by their path."""

COMMON_FILES = {
    MARKER: ("#!/bin/sh\n: >" + BOOTED + "\necho booted >/dev/console\n", 0o755),
    CLOSER: (
        f"""\
#!/usr/bin/python3 -u
import signal, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("open")
signal.sigwait([signal.SIGTERM])
for number in range(1, {LINES} + 1):
    print("closing", number)
    time.sleep(0.2)
""",
        0o755,
    ),
    "/etc/hostname": ("guest\n", 0o644),
    "/etc/hosts": ("127.0.0.1 localhost guest\n", 0o644),
    "/etc/fstab": ("", 0o644),
    "/etc/machine-id": (MACHINE_ID, 0o444),
}

NO_GETTY = r"sed -i '/^[1-6]:.*getty/d' etc/inittab"
LAST_IN_INITTAB = f"echo 'bt:2345:once:{MARKER}' >>etc/inittab"

SYSTEMD_UNIT = f"""\
[Service]
Type=oneshot
ExecStart={MARKER}
[Install]
WantedBy=multi-user.target
"""

BUSYBOX_INITTAB = f"""\
::sysinit:/etc/rc.boot
::once:{MARKER}
::ctrlaltdel:/sbin/reboot
::shutdown:/bin/sync
"""

BUSYBOX_BOOT = """\
#!/bin/sh
mountpoint -q /proc || mount -t proc proc /proc
mountpoint -q /sys || mount -t sysfs sys /sys
mountpoint -q /run || mount -t tmpfs run /run
hostname guest
"""


@dataclass(frozen=True)
class Recipe:
    """How to make the tree of one init system, and how it is told to reboot and power off.

    ``steps`` are shell commands, run in the tree's root directory once the packages are in.
    ``parent`` is the name of the process whose child svscan must be, where that isn't PID 1.
    """

    name: str
    packages: tuple[str, ...]
    files: Files = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    parent: str = ""
    reboot: str = "reboot"
    power_off: str = "poweroff"

    @property
    def key(self) -> str:
        """A name for what the tree holds."""
        parts = (COMMON, COMMON_FILES, self.packages, self.files, self.steps)
        return key(self.name, SUITE, UNUSED, parts)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "systemd",
            ("systemd", "systemd-sysv", "dbus", "openssh-server"),
            {
                "/etc/systemd/system/booted.service": (SYSTEMD_UNIT, 0o644),
            },
            ("systemctl --root=. --quiet enable booted.service",),
        ),
        Recipe(
            "sysvinit",
            ("sysvinit-core", "sysv-rc", "openssh-server"),
            steps=(NO_GETTY, LAST_IN_INITTAB),
        ),
        Recipe(
            "openrc",
            ("sysvinit-core", "openrc"),
            steps=(NO_GETTY, LAST_IN_INITTAB),
            parent="supervise-daemo",
        ),
        Recipe(
            "openrc-init",
            ("openrc", "initscripts"),
            {
                "/etc/init.d/booted": (
                    "#!/sbin/openrc-run\ndepend() { after *; }\nstart() { " + MARKER + "; }\n",
                    0o755,
                ),
            },
            (
                "ln -sf openrc-init sbin/init",
                "ln -s /etc/init.d/booted etc/runlevels/default/booted",
            ),
            parent="supervise-daemo",
            reboot="openrc-shutdown --reboot now",
            power_off="openrc-shutdown --poweroff now",
        ),
        Recipe(
            "runit",
            ("runit-init", "sysv-rc"),
            {"/etc/sv/booted/run": (f"#!/bin/sh\n{MARKER}\nexec sleep infinity\n", 0o755)},
            ("ln -s /etc/sv/booted etc/runit/runsvdir/default/booted",),
            parent="runsv",
        ),
        Recipe(
            "busybox",
            ("busybox-static", "sysvinit-utils"),
            {
                "/etc/inittab": (BUSYBOX_INITTAB, 0o644),
                "/etc/rc.boot": (BUSYBOX_BOOT, 0o755),
            },
            ("for name in init reboot poweroff halt; do ln -sf /bin/busybox sbin/$name; done",),
        ),
        Recipe(
            "finit",
            ("finit", "finit-sysv", "finit-plugins"),
            {"/etc/finit.d/booted.conf": (f"run [2] name:booted {MARKER} -- booted\n", 0o644)},
        ),
    )
}


SCRIPTS_INIT = f"""\
#!/bin/sh
# All there is to this init: the scripts of a runlevel, and waiting.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
level=
trap level=6 INT
trap level=0 USR2
/etc/init.d/rcS
PREVLEVEL=N RUNLEVEL=2 /etc/init.d/rc 2
{MARKER}
until [ "$level" ]; do
    sleep 1 &  # and look again: a signal may come just before the wait
    wait $!
done
kill $!
PREVLEVEL=2 RUNLEVEL=$level /etc/init.d/rc $level
[ $level = 0 ] || busybox reboot -f
busybox poweroff -f
"""

SCRIPTS_ONLY = Recipe(
    "scripts",
    ("sysv-rc", "initscripts", "busybox-static"),
    {"/sbin/init": (SCRIPTS_INIT, 0o755)},
    ("rm etc/rc.local etc/init.d/rc.local", "chroot . update-rc.d rc.local remove"),
    reboot="kill -INT 1",
    power_off="kill -USR2 1",
)
"""A system with scripts in runlevels, and neither an inittab nor an rc.local."""

SLACKWARE_INITTAB = f"""\
id:3:initdefault:
si:S:sysinit:/etc/rc.d/rc.S
su:1S:wait:/etc/rc.d/rc.K
rc:2345:wait:/etc/rc.d/rc.M
bt:2345:once:{MARKER}
l0:0:wait:/etc/rc.d/rc.0
l6:6:wait:/etc/rc.d/rc.6
"""

SLACKWARE_UP = """\
#!/bin/sh
: >>/run/utmp
hostname guest
"""

SLACKWARE_MULTI_USER = """\
#!/bin/sh
[ ! -x /etc/rc.d/rc.local ] || /etc/rc.d/rc.local
"""

SLACKWARE_SINGLE_USER = """\
#!/bin/sh
[ ! -x /etc/rc.d/rc.local_shutdown ] || /etc/rc.d/rc.local_shutdown stop
killall5 -15
sleep 2
killall5 -9
: >/run/single-user
"""

SLACKWARE_DOWN = """\
#!/bin/sh
[ ! -x /etc/rc.d/rc.local_shutdown ] || /etc/rc.d/rc.local_shutdown stop
killall5 -15
sleep 2
killall5 -9
sync
umount -a -r -t nosysfs,proc,devtmpfs,devpts,tmpfs,cgroup,cgroup2,mqueue
case $0 in
*0) poweroff -f ;;
*6) reboot -f ;;
esac
"""

SLACKWARE: Files = {
    "/etc/slackware-version": ("Slackware 15.0\n", 0o644),
    "/etc/inittab": (SLACKWARE_INITTAB, 0o644),
    "/etc/rc.d/rc.S": (SLACKWARE_UP, 0o755),
    "/etc/rc.d/rc.M": (SLACKWARE_MULTI_USER, 0o755),
    "/etc/rc.d/rc.K": (SLACKWARE_SINGLE_USER, 0o755),
    "/etc/rc.d/rc.0": (SLACKWARE_DOWN, 0o755),
    "/etc/rc.d/rc.6": (SLACKWARE_DOWN, 0o755),
    "/etc/rc.d/rc.local": ("#!/bin/sh\n: >/run/local\n", 0o755),
}
"""Makes Slackware of the tree of sysvinit: its inittab, and stand-ins for its rc scripts."""


def cache() -> Path:
    """Return the folder where trees are kept."""
    path = Path(os.environ.get("XDG_CACHE_HOME", "/var/cache")) / "slashservice-boots"
    path.mkdir(parents=True, exist_ok=True)
    return path


def tree(recipe: Recipe) -> Path:
    """Return the tree of a recipe, after building it if nobody has."""
    return kept(recipe.name, recipe.key, lambda new: _build(recipe, new))


def kept(name: str, key: str, build: Callable[[Path], None]) -> Path:
    """Return the folder ``key`` of the cache, after building it if nobody has.

    Others of that ``name`` that nobody has used for long go.
    """
    path = cache() / key
    with (cache() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for other in cache().glob(f"{name}-" + "[0-9a-f]" * 16):
            if other != path and time.time() - other.stat().st_mtime > WEEK:
                remove(other)
        if not path.is_dir():
            new = path.with_name(path.name + ".new")
            remove(new)
            build(new)
            new.rename(path)
        os.utime(path)
    return path


def key(name: str, *parts: object) -> str:
    """Return a name for what is made of ``parts``."""
    return f"{name}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:16]}"


def unpack(variant: str, packages: tuple[str, ...], folder: Path) -> None:
    """Make a folder of Debian packages: a system, or just what is in them (``extract``).

    Where it fails it is tried once more, as mirrors fail now and then.
    """
    command = [
        *("mmdebstrap", "--quiet", f"--variant={variant}"),
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in UNUSED),
        *(f"--include={','.join(packages)}", SUITE, str(folder)),
    ]
    for _ in range(2):
        remove(folder)
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=UNPACK_LIMIT,
            check=False,
        )
        if done.returncode == 0:
            return
    raise AssertionError(f"mmdebstrap failed:\n{done.stderr[-2000:]}")


def _build(recipe: Recipe, new: Path) -> None:
    unpack("minbase", (*COMMON, *recipe.packages), new)
    write(new, COMMON_FILES)
    write(new, recipe.files)
    disable(new, "redis-server")
    for step in recipe.steps:
        subprocess.run(step, shell=True, cwd=new, check=True)


def write(root: Path, files: Files) -> None:
    """Write files into a tree."""
    for name, (text, mode) in files.items():
        file = root / name.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(text)
        file.chmod(mode)


def disable(root: Path, service: str) -> None:
    """Have no init system start a service that a package brought along."""
    for pattern in (
        f"etc/rc?.d/*{service}",
        f"etc/runlevels/*/{service}",
        f"etc/systemd/system/*.wants/{service}.service",
        f"etc/runit/runsvdir/default/{service}",
    ):
        for link in root.glob(pattern):
            link.unlink()


def remove(path: Path) -> None:
    """Remove a tree, if it is there; it must not be booted any more."""
    if path.exists():
        subprocess.run(["rm", "-rf", "--one-file-system", str(path)], check=True)


@contextmanager
def copied(recipe: Recipe, files: Files | None = None) -> Iterator[Path]:
    """Have a copy of a tree to boot, with some files more, to change at will."""
    source = tree(recipe)
    folder = Path(mkdtemp(prefix=f"{recipe.name}.", dir=cache()))
    with ended(lambda: remove(folder)):
        subprocess.run(
            ["cp", "-a", "--reflink=auto", str(source), str(folder / "root")], check=True
        )
        write(folder / "root", files or {})
        yield folder / "root"


def put_checkout(root: Path, place: str = INSIDE) -> None:
    """Put what a user has cloned into a machine's tree."""
    inside = root / place.lstrip("/")
    inside.mkdir(parents=True)
    for name in SHIPPED:
        source = CHECKOUT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, inside / name, ignore=ignored)
        else:
            shutil.copy2(source, inside / name)


def need(*programs: str) -> None:
    """Say what is missing, instead of failing obscurely or not at all."""
    missing = [name for name in programs if not shutil.which(name)]
    assert not missing, f"missing: {', '.join(missing)}; install the packages in tests/packages"
    assert os.geteuid() == 0, "booting init systems needs root"
