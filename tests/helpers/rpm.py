"""Rpms of this checkout, and a system to install them on, as far as Debian can be like Fedora."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.boots.namespaces import Guest
from helpers.boots.story import do
from helpers.boots.trees import SYSTEMD_UNIT, Files, Recipe, copied, need
from helpers.checkout import CHECKOUT
from helpers.keeping import ended
from testinfra.host import Host

NEEDED = (
    *("CHANGELOG.md", "LICENSE", "README.md", "docs"),
    *("init_templates", "installer", "packaging", "supervise"),
)
"""What of a checkout the packages are made of."""

PYTHON = "/usr/bin/python3"

EPOCH = "1790000000"
"""When all was built, in seconds: any time that has been."""

SPEC = "packaging/rpm/slashservice.spec"

FEDORA_LIKE = Recipe(
    "rpm",
    ("systemd", "systemd-sysv", "dbus", "rpm"),
    {"/etc/systemd/system/booted.service": (SYSTEMD_UNIT, 0o644)},
    ("systemctl --root=. --quiet enable booted.service",),
)
"""Debian's systemd and Python, with rpm and an rpm database: that is all of Fedora it has."""

STAND_IN = "stand-in-of-the-tests-for-what-fedora-has"
STAND_IN_SPEC = f"""\
Name: {STAND_IN}
Version: 1
Release: 1
Summary: Says that Debian's packages are there, under the names that Fedora has for them
License: 0BSD
BuildArch: noarch
Provides: /bin/sh
Provides: /usr/bin/python3
Provides: coreutils
Provides: findutils
Provides: python3 = 3.11
Provides: python3-distro
Provides: python3-plumbum
%description
%{{summary}}.
%install
mkdir -p %{{buildroot}}/usr/lib/python3.11
ln -s ../python3/dist-packages %{{buildroot}}/usr/lib/python3.11/site-packages
%files
/usr/lib/python3.11/site-packages
"""

BRINGING_SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: Brings a service, as a package of a daemon would
License: 0BSD
BuildArch: noarch
AutoReqProv: no
%description
%{{summary}}.
%install
mkdir -p %{{buildroot}}/usr/lib/slashservice/service/{name}
cat >%{{buildroot}}/usr/lib/slashservice/service/{name}/run <<'end'
#!/bin/sh
exec sleep 1000000
end
chmod 755 %{{buildroot}}/usr/lib/slashservice/service/{name}/run
%files
/usr/lib/slashservice/service/{name}
"""


def copy(folder: Path, version: str = "") -> Path:
    """Copy what packages are made of, as a checkout of its own; with another version if asked."""
    folder.mkdir(parents=True)
    for name in NEEDED:
        source = CHECKOUT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy2(source, folder / name)
    if version:
        code, spec = folder / "supervise/version.py", folder / SPEC
        code.write_text(code.read_text() + f'\nVERSION = "{version}"\n')
        lines = spec.read_text().splitlines()
        lines = [f"Version: {version}" if one.startswith("Version:") else one for one in lines]
        spec.write_text("\n".join(lines) + "\n")
    return folder


def build(checkout: Path, to: Path, **environment: str) -> dict[str, Path]:
    """Build the rpms of a checkout by its command; return them by the names of the packages."""
    done = subprocess.run(
        [str(checkout / "packaging/build-rpm"), str(to)],
        env={"PATH": os.environ["PATH"], "SOURCE_DATE_EPOCH": EPOCH, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {asked(Path(one), "%{NAME}"): Path(one) for one in done.stdout.split()}


def of_debs(package: str) -> set[str]:
    """Return the commands that Debian's package of that name has."""
    listed = (CHECKOUT / f"packaging/debian/{package}.install").read_text().split()
    return {os.path.basename(one) for one in listed if one.startswith(("usr/bin/", "usr/sbin/"))}


def asked(rpm: Path, form: str) -> str:
    """Return what a package says of itself, in the ``form`` of ``rpm --queryformat``."""
    if rpm.name.endswith(".src.rpm"):
        return "source"
    return said("rpm", "-qp", "--qf", form, str(rpm))


def said(*command: str) -> str:
    """Run a command; return what it says."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def failing(*command: str) -> tuple[int, str]:
    """Run a command that fails; return its status, and what it says."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stdout + done.stderr


def complaints(*words: str) -> str:
    """Return what rpmlint says of packages when it is not told what not to say."""
    return failing("rpmlint", *words)[1]


def made(spec: str, folder: Path) -> Path:
    """Build the one package of a small spec, below ``folder``."""
    folder.mkdir(parents=True)
    (folder / "one.spec").write_text(spec)
    said("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {folder}", str(folder / "one.spec"))
    return next(folder.glob("RPMS/noarch/*.rpm"))


class System:
    """A machine that boots, with an rpm database of its own, and packages to put into it."""

    def __init__(self, machine: Guest, packages: dict[str, Path]) -> None:
        self.machine = machine
        folder = machine.root / "root/packages"
        folder.mkdir()
        for name, path in packages.items():
            shutil.copy(path, folder / f"{name}.rpm")

    def start(self) -> None:
        """Boot it, and say what of Fedora it has."""
        self.machine.boot()
        do(self.host, "rpm --initdb")
        self.rpm("-i", STAND_IN)

    @property
    def host(self) -> Host:
        """The running system."""
        return self.machine.host

    def rpm(self, options: str, *names: str, ahead: str = "") -> str:
        """Have rpm do a transaction with our packages, which must succeed; return what it said."""
        erases = "-e" in options.split()
        words = names if erases else tuple(f"/root/packages/{name}.rpm" for name in names)
        done = self.host.run(f"{ahead} rpm --force-debian {options} {' '.join(words)}")
        told = f"{done.stdout}{done.stderr}"
        assert done.rc == 0 and "scriptlet failed" not in told, told
        return told

    def running(self) -> tuple[int, str]:
        """Return the pid of svscan and the version of its code; zero if none runs."""
        told = json.loads(self.host.run("slashservice status --json").stdout or "{}")
        svscan = told.get("svscan", {"pid": 0, "version": ""})
        return int(svscan["pid"]), str(svscan["version"])

    def pids(self) -> dict[str, int]:
        """Return the pids of the services that run, by their names."""
        told = json.loads(self.host.run("slashservice list --json").stdout or "{}")
        return {one["name"]: one["pid"] for one in told.get("services", ()) if one["pid"]}

    def left(self) -> list[str]:
        """Return what there is of ours: names of files that a package might have brought."""
        places = "/usr /etc/systemd /var/lib"
        found = do(
            self.host, rf"find {places} -path '*svscan*' -o -path '*slashservice*' || :"
        ).splitlines()
        return [one for one in found if not one.startswith("/var/lib/rpm")]


@contextmanager
def system(packages: dict[str, Path], files: Files | None = None) -> Iterator[System]:
    """Have a system that is like Fedora, booted."""
    need("systemd-nspawn", "nsenter", "mmdebstrap", "rpmbuild")
    with copied(FEDORA_LIKE, files) as root:
        machine = Guest(FEDORA_LIKE, root, title="like Fedora")
        with ended(machine.kill, machine):
            made = System(machine, packages)
            made.start()
            yield made
