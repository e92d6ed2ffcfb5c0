"""The ports: Arch's by its own tools, Alpine's and FreeBSD's as far as Debian has theirs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from helpers import rpm
from helpers.boots.trees import tree
from helpers.checkout import CHECKOUT
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox

from slashservice.supervise.chain.launchers import COMMANDS
from slashservice.supervise.version import VERSION

pytestmark = [pytest.mark.slow]

HELPERS = CHECKOUT / "tests/helpers"
ALPINE, ARCH, FREEBSD = (CHECKOUT / f"packaging/{one}" for one in ("alpine", "arch", "freebsd"))
SYSTEM_RULES = "/usr/share/bmake/mk-bmake"
NOBODY = 65534
ON_PATH = {"slashservice", "update-service", *COMMANDS} - {"loghost"}
OTHERS = ("daemontools", "runit")
FIND_OURS = "find /usr /etc -name '*slashservice*' -o -name '*svscan*'"
PACMAN_CONF = "[options]\nArchitecture = any\nSigLevel = Never\nLocalFileSigLevel = Never\n"


def run(*command: str, status: int = 0, **options: Any) -> str:
    """Run a command; return what it says."""
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
        **options,
    )
    assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}"
    return str(done.stdout)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a release's archive of the source has, as far as packages are made of it."""
    folder = tmp_path_factory.mktemp("source")
    source = rpm.copy(folder / f"slashservice-{VERSION}")
    path = folder / f"{source.name}.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        tar.add(source, source.name)
    return path


def commands(folder: Path) -> set[str]:
    """Return the names in ``usr/bin`` of a tree."""
    return {one.name for one in (folder / "usr/bin").glob("*")}


def check_code(root: Path, prefix: str = "usr") -> None:
    """See that what is in a tree is whole: code, launchers, the folder for other packages."""
    home = root / prefix / "share/slashservice"
    current = home / os.readlink(home / "current")
    for name in ("supervise/commands/svscan.py", "installer/cli/main.py", "scan-directory", "hook"):
        assert (current / name).is_file(), name
    assert (home / "packaged").is_file()
    assert (root / prefix / "lib/slashservice/service").is_dir()
    assert (root / "etc/service").is_dir()
    for name in ("svscan", "slashservice"):
        text = (current / "command" / name).read_text()
        assert f"/{prefix}/share/slashservice/{current.name}" in text


@pytest.mark.parametrize("file", [ALPINE / "APKBUILD", ARCH / "PKGBUILD", FREEBSD / "Makefile"])
def test_their_versions_are_ours(file: Path) -> None:
    found = re.search(r"^(?:pkgver=|DISTVERSION=\s*)(.*)$", file.read_text(), re.M)
    assert found
    assert found[1] == VERSION


# Arch --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def arch(archive: Path) -> Iterator[dict[str, Path]]:
    """The packages that Arch's own makepkg builds, as an ordinary account, as it wants it."""
    with TemporaryDirectory(prefix="slashservice-arch-") as folder:
        yield made_for_arch(archive, Path(folder))


def made_for_arch(archive: Path, folder: Path) -> dict[str, Path]:
    """Build the packages in a folder that every account may go into; return them by name."""
    for name in ("PKGBUILD", "slashservice.install"):
        shutil.copy(ARCH / name, folder)
    shutil.copy(archive, folder)
    (folder / "makepkg.conf").write_text(
        "CARCH=any\nCHOST=any\nPKGEXT=.pkg.tar.gz\nSRCEXT=.src.tar.gz\n"
        "COMPRESSGZ=(gzip -c -n)\nDLAGENTS=()\nVCSCLIENTS=()\n"
        "OPTIONS=(!strip docs libtool staticlibs emptydirs zipman purge !debug !lto)\n"
        "INTEGRITY_CHECK=(sha256)\nPURGE_TARGETS=()\n"
        "MAN_DIRS=(usr/share/man)\nDOC_DIRS=(usr/share/doc)\nBUILDENV=(fakeroot !color)\n"
    )
    words = ("makepkg", "--config", "makepkg.conf", "--nodeps")
    account: dict[str, Any] = {}
    if os.getuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        account = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    run(*words, cwd=folder, env=environment, **account)
    found = folder.glob("*.pkg.tar.gz")
    return {one.name.rsplit(f"-{VERSION}", 1)[0]: one for one in found}


def unpacked(package: Path, to: Path) -> Path:
    """Unpack a package."""
    to.mkdir()
    run("bsdtar", "-xf", str(package), "-C", str(to))
    return to


def test_makepkg_builds_three_packages(arch: dict[str, Path], tmp_path: Path) -> None:
    assert sorted(arch) == ["slashservice", "slashservice-daemontools", "slashservice-runit"]
    code = unpacked(arch["slashservice"], tmp_path / "code")
    check_code(code)
    assert not list(code.rglob("*.pyc"))
    assert commands(code) == {"slashservice", "svcontainer", "svlog"}
    assert (code / "usr/lib/systemd/system/svscan.service").is_file()
    assert not (code / "etc/init.d").exists()
    assert "depend = python>=3.10" in (code / ".PKGINFO").read_text()
    pages = {one.name.split(".")[0] for one in code.glob("usr/share/man/man8/*")}
    for name in OTHERS:
        part = unpacked(arch[f"slashservice-{name}"], tmp_path / name)
        assert commands(part) == rpm.of_debs(f"slashservice-{name}")
        pages |= {one.name.split(".")[0] for one in part.glob("usr/share/man/man8/*")}
        assert f"conflict = {name}" in (part / ".PKGINFO").read_text()
    assert pages >= ON_PATH


@pytest.fixture
def debian(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A small Debian without anything of ours, that stands in for another system."""
    with sandboxes(request) as start:
        yield start(["sleep", "infinity"], lower=tree(rpm.FEDORA_LIKE), checkout=False)


@pytest.mark.root
def test_pacman_installs_upgrades_and_removes(arch: dict[str, Path], debian: Sandbox) -> None:
    """Python's packages are where Arch has them, in this Debian; it has none of pacman's."""
    root = debian.root
    debian.run("mkdir", "-p", "/usr/lib/python3.11", "/var/lib/pacman")
    debian.run("ln", "-s", "../python3/dist-packages", "/usr/lib/python3.11/site-packages")
    debian.put("/etc/pacman.conf", PACMAN_CONF)
    pacman = debian.beside("pacman", "--root", debian.tree, "--noprogressbar", "--noconfirm")
    pacman += ["--config", f"{debian.tree}/etc/pacman.conf", "--cachedir", f"{debian.tree}/var"]
    for _ in range(2):  # the second is an upgrade
        told = run(*pacman, "-U", "--nodeps", "--nodeps", *map(str, arch.values()))
        assert "error" not in told.lower(), told
    check_code(root)
    assert f"slashservice {VERSION}, started by " in debian.run("slashservice", "status", status=1)
    assert "pacman -R slashservice" in debian.run("slashservice", "uninstall", status=111)
    assert debian.run("svstat", "/etc/service").startswith("/etc/service: unable to open")
    told = run(*pacman, "-R", *arch)
    assert "error" not in told.lower(), told
    assert debian.run("sh", "-c", FIND_OURS) == ""


# Alpine ------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", [("sh",), ("busybox", "ash"), ("dash",)])
@pytest.mark.parametrize("file", sorted(ALPINE.iterdir()), ids=lambda one: str(one.name))
def test_alpines_files_are_sh(file: Path, shell: tuple[str, ...]) -> None:
    run(*shell, "-n", str(file))


def test_an_abuild_that_stands_in_builds_it(archive: Path, tmp_path: Path) -> None:
    """By BusyBox's shell, as Alpine's: each subpackage has what abuild would put into it."""
    script, build = HELPERS / "abuild-stand-in", ALPINE / "APKBUILD"
    run("busybox", "ash", str(script), str(build), str(archive), str(tmp_path))
    made = tmp_path / "pkg"
    code = made / "slashservice"
    check_code(code)
    assert not list(code.rglob("*.pyc"))
    assert commands(code) == {"slashservice", "svcontainer", "svlog"}
    for name in OTHERS:
        assert commands(made / f"slashservice-{name}") == rpm.of_debs(f"slashservice-{name}")
        words = (made / f".words.slashservice-{name}").read_text()
        assert f"depends=slashservice={VERSION}-r0 !{name}" in words
    script = made / "slashservice-openrc/etc/init.d/svscan"
    assert script.read_text().startswith("#!/sbin/openrc-run\n# Brought by the package")
    assert script.stat().st_mode & 0o777 == 0o755
    assert "@" not in re.sub(r"\$@", "", script.read_text())
    assert not (code / "usr/lib/systemd").exists()
    pages = {one.name[:-2] for one in made.glob("slashservice-doc/usr/share/man/man8/*")}
    assert pages >= ON_PATH


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('license="0BSD"\n', "", "license is not set"),
        ("_daemontools() {", "_other() {", "not found"),
        ("--by apk", "--by zypper", "invalid choice"),
        ("amove usr/bin/$name", "amove usr/bin/no$name", "is not in the package"),
        ("$pkgname.trigger=", "$pkgname.other=", "is missing"),
    ],
)
def test_the_stand_in_for_abuild_is_strict(
    old: str, new: str, said: str, archive: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "alpine"
    shutil.copytree(ALPINE, folder)
    text = (folder / "APKBUILD").read_text()
    assert old in text
    (folder / "APKBUILD").write_text(text.replace(old, new))
    words = ("busybox", "ash", str(HELPERS / "abuild-stand-in"), str(folder / "APKBUILD"))
    done = subprocess.run(
        [*words, str(archive), str(tmp_path / "to")], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert said in done.stderr


# FreeBSD -----------------------------------------------------------------------------


@pytest.fixture
def ports(tmp_path: Path) -> Path:
    """A folder with the framework that stands in for FreeBSD's."""
    folder = tmp_path / "Mk"
    folder.mkdir()
    shutil.copy(HELPERS / "bsd.port.stand-in.mk", folder / "bsd.port.mk")
    # FreeBSD's find has -s, which sorts.
    (folder / "find-stand-in").write_text('[ "$1" = -s ] && shift\nfind "$@" | LC_ALL=C sort\n')
    return folder


def bmake(ports: Path, *words: str, status: int = 0, makefile: Path = FREEBSD / "Makefile") -> str:
    """Have bmake, which is FreeBSD's make, make something of the port."""
    folders = ("-m", str(ports), "-m", SYSTEM_RULES)
    return run("bmake", *folders, "-f", str(makefile), *words, status=status, cwd=ports)


def test_bmake_reads_the_port(ports: Path) -> None:
    told = bmake(ports, "show", f"WRKSRC={CHECKOUT}").splitlines()
    assert told[0] == f"slashservice {VERSION}"
    assert "py311-plumbum>=1.8:devel/py-plumbum@py311" in told[1]
    assert Path(told[2]) == CHECKOUT / "LICENSE"


@pytest.mark.parametrize("name", ["COMMENT", "LICENSE", "USES"])
def test_the_stand_in_for_the_framework_is_strict(name: str, ports: Path, tmp_path: Path) -> None:
    makefile = tmp_path / "Makefile"
    lines = (FREEBSD / "Makefile").read_text().splitlines(keepends=True)
    makefile.write_text("".join(one for one in lines if not one.startswith(f"{name}=")))
    assert f"{name} is not set" in bmake(ports, "show", status=1, makefile=makefile)


def test_what_the_port_stages_is_what_its_list_says(ports: Path, tmp_path: Path) -> None:
    stage, listed = tmp_path / "stage", tmp_path / "plist"
    given = {"WRKSRC": CHECKOUT, "STAGEDIR": stage, "TMPPLIST": listed, "PYTHON_CMD": rpm.PYTHON}
    bmake(ports, "stage", *(f"{name}={value}" for name, value in given.items()))
    check_code(stage, "usr/local")
    lines = (FREEBSD / "pkg-plist").read_text().splitlines() + listed.read_text().splitlines()
    files = {one for one in lines if not one.startswith("@")}
    top = stage / "usr/local"
    there = {one for one in top.rglob("*") if one.is_symlink() or not one.is_dir()}
    assert {str(one.relative_to(top)) for one in there} == files
    for one in (line.split()[1] for line in lines if line.startswith("@dir ")):
        assert (stage / one.lstrip("/") if one[0] == "/" else top / one).is_dir()
    assert not (stage / "etc/init.d").exists()
    script = top / "etc/rc.d/svscan"
    run("sh", "-n", str(script))
    assert "/usr/local/share/slashservice/current/command/svscanboot" in script.read_text()
    home = top / "share/slashservice"
    launcher = (home / "current/command/slashservice").read_text()
    assert "/usr/local/lib/python3.11/site-packages" in launcher


def test_the_list_of_files_is_up_to_date_and_needs_no_renewal_for_a_new_module(
    tmp_path: Path,
) -> None:
    run(str(FREEBSD / "plist"), "--check")
    copy = rpm.copy(tmp_path / "copy")
    (copy / "supervise/logs/another.py").write_text('"""Another module."""\n')
    (copy / "init_templates/another").write_text("another\n")
    run(str(copy / "packaging/freebsd/plist"), "--check")
    (copy / "docs/man/another.8").write_text(".Dd\n")
    told = run(str(copy / "packaging/freebsd/plist"), "--check", status=1)
    assert "share/man/man8/another.8.gz" in told
    assert run(str(copy / "packaging/freebsd/plist"), "--renew", status=100).count("\n") == 1


@pytest.mark.root
def test_the_code_runs_below_usr_local(debian: Sandbox) -> None:
    """On Debian's kernel, with its Python: it knows its own places, and who has brought it."""
    words = ("--by", "pkg", "--prefix", "/usr/local", "--vendor", "/usr/lib/python3/dist-packages")
    script = str(CHECKOUT / "packaging/staged.py")
    run(rpm.PYTHON, "-B", script, *words, str(debian.root))
    assert "scans /etc/service" in debian.run("slashservice", "status", status=1)
    assert "pkg install -f slashservice" in debian.run("slashservice", "install", status=111)
