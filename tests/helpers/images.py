"""Fake hosts: file trees with what the installer looks at, one per kind of host there is."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SYSVINIT_BINARY = b"\x7fELF\0INIT_VERSION\0PREVLEVEL\0"
UPSTART_BINARY = b"\x7fELF\0UPSTART_JOB\0com.ubuntu.Upstart\0"

DEBIAN_INITTAB = """\
# /etc/inittab: init(8) configuration.
id:2:initdefault:
si::sysinit:/etc/init.d/rcS
~~:S:wait:/sbin/sulogin --force
l0:0:wait:/etc/init.d/rc 0
l2:2:wait:/etc/init.d/rc 2
l6:6:wait:/etc/init.d/rc 6
ca:12345:ctrlaltdel:/sbin/shutdown -t1 -a -r now
1:2345:respawn:/sbin/getty --noclear 38400 tty1
"""
BUSYBOX_INITTAB = """\
# An embedded system's.
::sysinit:/etc/init.d/rcS
::askfirst:-/bin/sh
::ctrlaltdel:/sbin/reboot
::shutdown:/bin/umount -a -r
::restart:/sbin/init
"""
OPENRC_INITTAB = """\
id:3:initdefault:
si::sysinit:/sbin/openrc sysinit
rc::bootwait:/sbin/openrc boot
l0:0:wait:/sbin/openrc shutdown
l3:3:wait:/sbin/openrc default
c1:12345:respawn:/sbin/agetty 38400 tty1 linux
"""
RC_LOCAL = """\
#!/bin/sh -e
#
# rc.local: run at the end of each multiuser runlevel

if [ -x /usr/local/bin/hello ]; then
    /usr/local/bin/hello || exit 1
fi

exit 0
"""
RC_LOCAL_SERVICE = """\
[Unit]
ConditionFileIsExecutable=/etc/rc.local
[Service]
Type=forking
ExecStart=/etc/rc.local start
"""
RC_LOCAL_SCRIPT = """\
#!/bin/sh
[ "$1" = start ] && [ -x /etc/rc.local ] && /etc/rc.local
"""

Snapshot = dict[str, tuple[object, ...]]
"""What there is, by path."""


class Image:
    """A file tree that is being made at ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    def file(self, name: str, text: str | bytes = "", mode: int = 0o644) -> Image:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(mode)
        os.utime(path, (1_000_000_000, 1_000_000_000))
        return self

    def program(self, name: str, text: str | bytes = "#!/bin/sh\n") -> Image:
        return self.file(name, text, 0o755)

    def link(self, name: str, target: str) -> Image:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
        return self

    def folders(self, *names: str) -> Image:
        for name in names:
            self.path(name).mkdir(parents=True, exist_ok=True)
        return self

    def snapshot(self) -> Snapshot:
        """Everything there is below the root, with all that must come back."""
        return snapshot(self.root)


def snapshot(root: Path) -> Snapshot:
    found: Snapshot = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        name = str(path.relative_to(root))
        facts: tuple[object, ...] = (oct(status.st_mode), status.st_uid, status.st_gid)
        if stat.S_ISREG(status.st_mode):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            attributes = {one: os.getxattr(path, one) for one in os.listxattr(path)}
            facts += (digest, status.st_mtime_ns, attributes)
        elif stat.S_ISLNK(status.st_mode):
            facts += (os.readlink(path),)
        found[name] = facts
    return found


MakeImage = Callable[..., Image]
"""Takes the name of a kind of host, and that of a folder."""


def base(image: Image, merged: bool = True) -> Image:
    """What every Linux host has."""
    image.program("/usr/bin/python3.11").link("/usr/bin/python3", "python3.11")
    image.folders("/usr/sbin", "/usr/lib", "/usr/local", "/var/lib", "/var/log", "/run", "/etc")
    if merged:
        for name in ("bin", "sbin", "lib"):
            image.link(f"/{name}", f"usr/{name}")
    else:
        image.folders("/bin", "/sbin", "/lib")
    return image.program("/bin/sh")


def systemd(image: Image) -> None:
    base(image).program("/usr/lib/systemd/systemd").link("/usr/sbin/init", "../lib/systemd/systemd")
    image.file("/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so")
    image.folders("/etc/systemd/system/multi-user.target.wants", "/etc/init.d")
    image.file("/usr/lib/systemd/system/rc-local.service", RC_LOCAL_SERVICE)
    image.program("/usr/lib/systemd/system-generators/systemd-rc-local-generator")
    image.file("/etc/os-release", 'ID=debian\nVERSION_ID="12"\nNAME="Debian"\n')


def runlevels(image: Image, folder: str = "/etc") -> None:
    image.folders(*(f"{folder}/rc{level}.d" for level in "0123456S"))


def sysvinit(image: Image) -> None:
    base(image).program("/usr/sbin/init", SYSVINIT_BINARY)
    image.file("/etc/inittab", DEBIAN_INITTAB).folders("/etc/init.d")
    runlevels(image)


def sysvinit_rhel5(image: Image) -> None:
    base(image, merged=False).program("/sbin/init", SYSVINIT_BINARY)
    image.file("/etc/inittab", DEBIAN_INITTAB.rstrip("\n")).folders("/etc/rc.d/init.d")
    image.link("/etc/init.d", "rc.d/init.d")
    runlevels(image, "/etc/rc.d")
    for level in "0123456":
        image.link(f"/etc/rc{level}.d", f"rc.d/rc{level}.d")


def slackware(image: Image) -> None:
    base(image, merged=False).program("/sbin/init", SYSVINIT_BINARY)
    image.file("/etc/slackware-version", "Slackware 15.0\n").file("/etc/inittab", DEBIAN_INITTAB)
    image.program("/etc/rc.d/rc.local", "#!/bin/bash\n# Put any local startup commands in here.\n")


def busybox(image: Image) -> None:
    base(image, merged=False).program("/bin/busybox").link("/sbin/init", "/bin/busybox")
    image.file("/etc/inittab", BUSYBOX_INITTAB)


def openrc(image: Image) -> None:
    base(image, merged=False).program("/sbin/init", SYSVINIT_BINARY).program("/sbin/openrc")
    image.file("/etc/inittab", OPENRC_INITTAB)
    image.folders("/etc/init.d", "/etc/runlevels/default")


def openrc_alpine(image: Image) -> None:
    base(image, merged=False).program("/bin/busybox").link("/sbin/init", "/bin/busybox")
    image.program("/sbin/openrc").folders("/etc/init.d", "/etc/runlevels/default")
    image.file("/etc/inittab", "::sysinit:/sbin/openrc sysinit\n::wait:/sbin/openrc default\n")


def runit_void(image: Image) -> None:
    base(image).program("/usr/bin/runit-init").link("/usr/sbin/init", "../bin/runit-init")
    image.folders("/etc/runit/runsvdir/default", "/etc/sv", "/etc/runit/shutdown.d")
    image.link("/etc/runit/runsvdir/current", "default")


def runit_debian(image: Image) -> None:
    base(image).program("/usr/sbin/runit-init").link("/usr/sbin/init", "runit-init")
    image.folders("/etc/runit/runsvdir/default", "/etc/sv")
    image.link("/etc/service", "/etc/runit/runsvdir/default")


def s6(image: Image, current: str = "/etc/s6-linux-init/current") -> None:
    script = f"#!/bin/execlineb -S0\n\ns6-linux-init -c {current} -m 00022 -- $@\n"
    base(image).program("/usr/sbin/init", script)
    image.folders(f"{current}/run-image/service")
    image.program(f"{current}/scripts/rc.shutdown", "#!/bin/sh -e\n\nexec s6-rc -bda change\n")


def s6_artix(image: Image) -> None:
    """The base directory that its package gives, and an init that is a link into it."""
    s6(image, "/etc/s6/current")
    init = image.path("/usr/sbin/init")
    image.program("/etc/s6/current/bin/init", init.read_bytes())
    init.unlink()
    image.link("/usr/sbin/init", "/etc/s6/current/bin/init")


def dinit(image: Image) -> None:
    base(image).program("/usr/bin/dinit").link("/usr/sbin/init", "../bin/dinit")
    image.folders("/etc/dinit.d/boot.d")


def dinit_chimera(image: Image) -> None:
    dinit(image)
    for name in ("boot", "system", "login.target", "network.target", "local.target"):
        image.file(f"/usr/lib/dinit.d/{name}", "type = internal\n")


def dinit_artix(image: Image) -> None:
    dinit(image)
    image.file("/etc/dinit.d/boot", "type = internal\nwaits-for: loginready\n")
    image.file("/etc/dinit.d/loginready", "type = internal\n")


def procd(image: Image) -> None:
    image.program("/usr/bin/python3.11").link("/usr/bin/python3", "python3.11")
    image.folders("/bin", "/lib", "/usr/lib", "/tmp", "/etc/init.d", "/etc/rc.d").link(
        "/var", "tmp"
    )
    image.program("/sbin/init", b"\x7fELF\0/sbin/procd\0").program("/sbin/procd")
    image.program("/bin/busybox").file(
        "/etc/rc.local", "# Put your custom commands here\n\nexit 0\n"
    )
    image.file("/etc/rc.common", "# start, stop, enable\n")
    image.file(
        "/etc/inittab", "::sysinit:/etc/init.d/rcS S boot\n::shutdown:/etc/init.d/rcS K shutdown\n"
    )


def shepherd(image: Image) -> None:
    base(image).program("/usr/bin/shepherd").link("/usr/sbin/init", "../bin/shepherd")
    image.file("/etc/shepherd.scm", "(register-services '())\n;; no newline")


def smf(image: Image) -> None:
    image.program("/lib/svc/bin/svc.startd").program("/usr/bin/python3.11").folders("/var/lib")
    image.link("/usr/bin/python3", "python3.11").folders("/etc")


def finit(image: Image) -> None:
    base(image).program("/usr/sbin/finit").link("/usr/sbin/init", "finit")
    image.program("/usr/lib/finit/initctl").folders("/etc/finit.d")


def upstart(image: Image) -> None:
    base(image, merged=False).program("/sbin/init", UPSTART_BINARY).program("/sbin/initctl")
    image.file("/etc/init/rc.conf", "start on runlevel [0123456]\n").folders("/etc/init.d")
    runlevels(image)


def upstart_event_d(image: Image) -> None:
    base(image, merged=False).program("/sbin/init", UPSTART_BINARY).program("/sbin/initctl")
    image.file("/etc/event.d/rc2", "start on runlevel 2\n")
    image.file("/etc/inittab", "id:5:initdefault:\n")


def rclocal_systemd(image: Image) -> None:
    systemd(image)
    image.program("/etc/rc.local", RC_LOCAL)


def rclocal_sysvinit(image: Image) -> None:
    sysvinit_rhel5(image)
    image.program("/etc/rc.d/rc.local", "#!/bin/sh\n\ntouch /var/lock/subsys/local")
    image.link("/etc/rc.local", "rc.d/rc.local").link("/etc/rc.d/rc3.d/S99local", "../rc.local")


def initd(image: Image) -> None:
    sysvinit(image)
    image.program("/etc/init.d/rc.local", RC_LOCAL_SCRIPT)
    image.link("/etc/rc2.d/S20rc.local", "../init.d/rc.local")


def rival(image: Image) -> None:
    """Debian's package daemontools-run, on sysvinit."""
    sysvinit(image)
    line = "SV:123456:respawn:/usr/bin/svscanboot\n"
    marks = "#-- daemontools-run begin\n", "#-- daemontools-run end\n"
    image.file("/etc/inittab", DEBIAN_INITTAB + marks[0] + line + marks[1])
    boot = "#!/bin/sh\nenv - PATH=$PATH svscan /etc/service 2>&1 | readproctitle errors\n"
    image.program("/usr/bin/svscanboot", boot).folders("/etc/service")


def openbsd(image: Image) -> None:
    image.file("/bsd").program("/usr/libexec/ld.so").program("/usr/local/bin/python3.11")
    image.program("/usr/sbin/rcctl").folders("/etc/rc.d", "/sbin", "/var/db")
    image.file("/etc/rc.d/rc.subr").file("/etc/rc.conf.local", "httpd_flags=\npkg_scripts=redis\n")


def openbsd_old(image: Image) -> None:
    image.file("/bsd").program("/usr/libexec/ld.so").program("/usr/local/bin/python3.10").folders(
        "/var/db"
    )
    image.file("/etc/rc.local", "#\t$OpenBSD: rc.local $\n\necho -n 'starting local daemons:'\n")


def freebsd(image: Image) -> None:
    image.program("/bin/freebsd-version").program("/usr/local/bin/python3.11")
    image.folders("/etc/rc.conf.d", "/usr/local/etc/rc.d", "/var/db")


def netbsd(image: Image) -> None:
    image.program("/libexec/ld.elf_so").program("/usr/pkg/bin/python3.12").folders(
        "/etc/rc.d", "/var/db"
    )


def macos(image: Image) -> None:
    image.file("/System/Library/CoreServices/SystemVersion.plist")
    image.program("/usr/local/bin/python3").folders("/Library/LaunchDaemons", "/etc", "/var/db")


def container(image: Image) -> None:
    base(image)


@dataclass(frozen=True)
class Kind:
    """A kind of host: how its image is made, what it is taken for, and with which options."""

    make: Callable[[Image], None]
    init: str
    options: dict[str, object] = field(default_factory=dict)


KINDS: dict[str, Kind] = {
    "systemd": Kind(systemd, "systemd"),
    "systemd-fhs": Kind(systemd, "systemd", {"layout": "fhs"}),
    "sysvinit-debian": Kind(sysvinit, "sysvinit"),
    "sysvinit-rhel5": Kind(sysvinit_rhel5, "sysvinit"),
    "slackware": Kind(slackware, "slackware"),
    "busybox": Kind(busybox, "busybox"),
    "openrc-gentoo": Kind(openrc, "openrc"),
    "openrc-alpine": Kind(openrc_alpine, "openrc"),
    "runit-void": Kind(runit_void, "runit"),
    "runit-debian": Kind(runit_debian, "runit"),
    "s6": Kind(s6, "s6"),
    "s6-artix": Kind(s6_artix, "s6"),
    "dinit": Kind(dinit, "dinit"),
    "dinit-chimera": Kind(dinit_chimera, "dinit"),
    "dinit-artix": Kind(dinit_artix, "dinit"),
    "procd": Kind(procd, "procd"),
    "shepherd": Kind(shepherd, "shepherd"),
    "finit": Kind(finit, "finit"),
    "upstart": Kind(upstart, "upstart"),
    "upstart-event.d": Kind(upstart_event_d, "upstart"),
    "rclocal-systemd": Kind(rclocal_systemd, "rclocal", {"init": "rclocal"}),
    "rclocal-sysvinit": Kind(rclocal_sysvinit, "rclocal", {"init": "rclocal"}),
    "initd": Kind(initd, "initd", {"init": "initd"}),
    "replace": Kind(rival, "sysvinit", {"service_dir": "/etc/service", "replace": True}),
    "openbsd": Kind(openbsd, "openbsd"),
    "openbsd-old": Kind(openbsd_old, "openbsd"),
    "freebsd": Kind(freebsd, "freebsd"),
    "netbsd": Kind(netbsd, "netbsd"),
    "macos": Kind(macos, "launchd", {"layout": "fhs"}),
    "container": Kind(container, "container", {"init": "container"}),
}
