"""Debian packages to bring into machines that boot: ours, of two versions, and those of others."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from helpers.boots import trees
from helpers.boots.story import do
from helpers.checkout import CHECKOUT
from testinfra.host import Host

from slashservice.supervise.version import VERSION

INSIDE = "/root/packages"
"""Where a machine has packages, a folder for each set."""

UNNEEDED = (".git", ".venv", "__pycache__", "*.egg-info", ".*_cache", "dist", "build", "tests")
BUILD_LIMIT = 600.0

OURS = ("slashservice", "slashservice-daemontools", "slashservice-runit")
DAEMONTOOLS = ("daemontools", "daemontools-run")
RUNIT = ("runit", "runit-run", "runit-systemd", "sysuser-helper")

NEWER = ".1"
"""What the version of the newer packages has at its end."""


def theirs(*names: str) -> Path:
    """Return a folder with Debian's packages of these names, after fetching them if nobody has."""

    def fetch(new: Path) -> None:
        new.mkdir()
        command = ["apt-get", "-q", "download", *names]
        done = subprocess.run(
            command, cwd=new, capture_output=True, text=True, timeout=BUILD_LIMIT, check=False
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"

    return trees.kept("debs-theirs", trees.key("debs-theirs", names), fetch)


def ours(newer: bool = False) -> Path:
    """Return a folder with our packages, made of this tree, after building them if nobody has.

    ``newer`` are those of a later version, with a little in each part of the code changed.
    """
    key = trees.key("debs-ours", newer, NEWER, digest())
    return trees.kept("debs-ours", key, lambda new: _build(new, newer))


def digest() -> str:
    """Return a word for all that our packages are made of."""
    found = hashlib.sha256(Path(__file__).read_bytes())
    for part in ("packaging", "supervise", "installer", "init_templates", "docs", "CHANGELOG.md"):
        for path in sorted([CHECKOUT / part, *(CHECKOUT / part).rglob("*")]):
            if path.is_file() and path.suffix != ".pyc":
                found.update(f"{path}\0".encode() + path.read_bytes())
    return found.hexdigest()


def _build(new: Path, newer: bool) -> None:
    """Build in a copy of the tree."""
    source = new.with_name(new.name + ".source")
    trees.remove(source)
    shutil.copytree(CHECKOUT, source, ignore=shutil.ignore_patterns(*UNNEEDED), symlinks=True)
    if newer:
        make_newer(source)
    done = subprocess.run(
        [source / "packaging/deb", "-v", VERSION + NEWER * newer, new],
        cwd=source,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_LIMIT,
        check=False,
    )
    assert done.returncode == 0, f"packaging/deb: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    trees.remove(source)


def make_newer(source: Path) -> None:
    """Change a copy of the tree to be of a newer version."""
    version = source / "supervise/version.py"
    version.write_text(version.read_text() + f'VERSION += "{NEWER}"\n')
    for module in [*source.glob("supervise/*/*.py"), *source.glob("installer/**/*.py")]:
        if module.name != "__init__.py":
            module.write_text(module.read_text() + "\nOF_THE_NEWER_VERSION = True\n")
    for template in source.glob("init_templates/**/*"):
        if template.is_file() and template.read_text().startswith(("#!", "# ", "[Unit]")):
            template.write_text(template.read_text() + "# of the newer version\n")


def bring(root: Path, **sets: Path) -> None:
    """Copy sets of packages into a machine's tree."""
    for name, folder in sets.items():
        place = root / INSIDE.lstrip("/") / name
        place.mkdir(parents=True)
        for file in folder.glob("*.deb"):
            shutil.copy(file, place)


def paths(machine_root: Path, name: str, only: tuple[str, ...] = ()) -> str:
    """Return the packages of a set as words for a command; ``only`` those, if some are named."""
    folder = machine_root / INSIDE.lstrip("/") / name
    files = sorted(file.name for file in folder.glob("*.deb"))
    found = [one for one in files if not only or one.split("_")[0] in only]
    assert found, f"no packages {only} in {folder}"
    return " ".join(f"'{INSIDE}/{name}/{one}'" for one in found)


@dataclass(frozen=True)
class Outcome:
    """What apt would do: packages that come, and that go."""

    installed: frozenset[str]
    removed: frozenset[str]


APT = "DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends"


def foreseen(host: Host, words: str) -> Outcome:
    """Return what apt would do to install packages."""
    said = do(host, f"{APT} -s install {words}")
    return Outcome(
        frozenset(re.findall(r"^Inst (\S+)", said, re.MULTILINE)),
        frozenset(re.findall(r"^Remv (\S+)", said, re.MULTILINE)),
    )


def install(host: Host, words: str) -> str:
    """Install packages by apt, newer or older; what conflicts with them goes. Return its words."""
    return do(host, f"{APT} --allow-downgrades install {words} 2>&1")


def version(host: Host, package: str) -> str:
    """Return the version of a package that is installed; empty if it isn't."""
    said = host.run("dpkg-query -W -f '${db:Status-Abbrev} ${Version}' %s", package).stdout.split()
    return said[1] if said[:1] == ["ii"] else ""


def renew_index(host: Host) -> None:
    """Have insserv write its files as it writes them whenever a package comes or goes."""
    do(host, "[ ! -e /sbin/insserv ] || insserv")
