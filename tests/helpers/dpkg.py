"""Debian packages of this tree, and Debian systems, without an init, to install them in.

A system is a kept tree with a layer of its own on it. Each command has namespaces of its own, so
nothing that it mounts or starts is left.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from helpers.boots import trees
from helpers.checkout import CHECKOUT

OLD, NEW = "0.1.0", "0.1.1"
"""The version of this tree, and the next one."""

NAMES = ("slashservice", "slashservice-daemontools", "slashservice-runit")

BUILT = ("LICENSE", "README.md", "docs", "init_templates", "installer", "packaging", "supervise")
"""What the packages are made of."""

BUILD_LIMIT = 300.0
COMMAND_LIMIT = 300.0

MOUNTS = """\
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
mount -t proc proc "$2/root/proc"
mount -t tmpfs run "$2/root/run"
exec chroot "$2/root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive /bin/sh -c "$3"
"""


def copy(folder: Path, version: str = OLD) -> Path:
    """Copy what packages are made of, with another version: as from an archive, without .git."""
    for name in BUILT:
        if (CHECKOUT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(CHECKOUT / name, folder / name, ignore=ignored)
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)
    module = folder / "supervise" / "version.py"
    module.write_text(module.read_text().replace(OLD, version))
    return folder


def build(tree: Path, into: Path, *words: str, **environment: str) -> list[Path]:
    """Build the packages of a tree; return their files."""
    done = subprocess.run(
        [str(tree / "packaging" / "deb"), *words, str(into)],
        capture_output=True,
        text=True,
        timeout=BUILD_LIMIT,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return sorted(Path(line) for line in done.stdout.splitlines())


def built() -> Path:
    """Return a folder with the packages of both versions, after building them if nobody has."""
    said = hashlib.sha256()
    for top in BUILT:
        for path in sorted([CHECKOUT / top, *(CHECKOUT / top).rglob("*")]):
            if path.is_file() and "__pycache__" not in path.parts:
                said.update(str(path.relative_to(CHECKOUT)).encode() + path.read_bytes())

    def make(new: Path) -> None:
        new.mkdir()
        for version in (OLD, NEW):
            tree = copy(new / f"tree-{version}", version)
            build(tree, new, "-v", version)
            trees.remove(tree)

    return trees.kept("deb", trees.key("deb", said.hexdigest()), make)


@dataclass(frozen=True)
class Bringer:
    """A package that brings a service, made by ``dpkg-deb`` alone."""

    name: str
    place: str = "/usr/lib/slashservice/service"
    enable: str = ""
    version: str = "1"
    log: bool = False

    @property
    def home(self) -> str:
        return f"{self.place}/{self.name}"

    def make(self, folder: Path) -> Path:
        """Make the package; return its file."""
        root = folder / f"{self.name}-{self.version}"
        service = root / self.home.lstrip("/")
        service.mkdir(parents=True)
        scripts = {"run": "#!/bin/sh\nexec sleep 100000\n"}
        if self.log:
            scripts["log/run"] = f"#!/bin/sh\nexec multilog t /var/log/{self.name}\n"
        for name, text in scripts.items():
            (service / name).parent.mkdir(exist_ok=True)
            (service / name).write_text(text)
            (service / name).chmod(0o755)
        if self.enable:
            (service / ".meta").mkdir()
            (service / ".meta" / "enable").write_text(self.enable + "\n")
        (root / "DEBIAN").mkdir()
        (root / "DEBIAN" / "control").write_text(
            f"Package: {self.name}\nVersion: {self.version}\nArchitecture: all\n"
            "Maintainer: Nobody <nobody@localhost>\nDescription: brings a service\n"
        )
        deb = folder / f"{self.name}_{self.version}.deb"
        pack(root, deb)
        return deb


def pack(root: Path, deb: Path) -> None:
    """Make a package of a folder."""
    words = ["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "-b", str(root), str(deb)]
    subprocess.run(words, check=True, capture_output=True, timeout=COMMAND_LIMIT)


def changed(deb: Path, into: Path, **scripts: str) -> Path:
    """Make a package of another, with other maintainer scripts."""
    root = into / "changed"
    subprocess.run(["dpkg-deb", "-R", str(deb), str(root)], check=True, timeout=COMMAND_LIMIT)
    for name, text in scripts.items():
        (root / "DEBIAN" / name).write_text(text)
        (root / "DEBIAN" / name).chmod(0o755)
    new = into / f"changed-{deb.name}"
    pack(root, new)
    trees.remove(root)
    return new


class System:
    """A Debian system in ``folder``, with the packages of ``debs`` in its ``/debs``."""

    def __init__(self, folder: Path, debs: Path) -> None:
        trees.need("mmdebstrap", "unshare", "dpkg-deb")
        self.base = trees.tree(trees.RECIPES["systemd"])
        self.folder = folder
        for name in ("upper", "work", "root"):
            (folder / name).mkdir(parents=True)
        self.put(*debs.glob("*.deb"))

    def put(self, *debs: Path) -> None:
        """Put packages into ``/debs``."""
        place = self.folder / "upper" / "debs"
        place.mkdir(exist_ok=True)
        for deb in debs:
            shutil.copy(deb, place)

    def run(self, command: str, status: int | None = 0) -> str:
        """Run a shell command; return all that it wrote. It must end with ``status``, if given."""
        done = subprocess.run(
            [
                *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
                *("sh", "-euc", MOUNTS, "sh", str(self.base), str(self.folder), command),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_LIMIT,
            check=False,
        )
        assert status in (None, done.returncode), f"{command}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def install(self, *names: str, version: str = OLD) -> str:
        """Install some of our packages."""
        debs = " ".join(f"/debs/{name}_{version}_all.deb" for name in names)
        return self.run(f"dpkg -i {debs}")

    def listed(self, pattern: str) -> list[str]:
        """Return the paths that a pattern of the shell matches, as they are listed."""
        return self.run(f"for one in {pattern}; do echo $one; done").split()

    def has(self, path: str) -> bool:
        """Tell whether something is at a path, a link that leads nowhere as well."""
        word = shlex.quote(path)
        return not self.run(f"test -e {word} || test -L {word}; echo $?").startswith("1")
