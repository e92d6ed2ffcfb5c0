"""``slashservice.pyz``: installs where there is Python alone, and leaves nothing of itself."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import bare
from helpers.checkout import CHECKOUT, PYTHON
from helpers.images import Snapshot, snapshot
from helpers.keeping import sandboxes
from helpers.processes import children, descendants, kill, killed
from helpers.releases import SINGLE, digest, unzip
from helpers.sandbox import Sandbox
from helpers.waiting import GENEROUS, until

ADD = ("add", "clock", "--", "sh", "-c", "while :; do date; sleep 0.2; done")
SOMEBODY = ("unshare", "--user", "--map-user=1234", "--map-group=1234")
"""Makes root of this machine an account that isn't, for what is not to be done as root."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory, released: Path) -> Path:
    """A bare host's files, with the single file in ``/root``."""
    made = tmp_path_factory.mktemp("bare") / "tree"
    bare.build(made)
    shutil.copy(released / SINGLE, made / "root")
    return made


@pytest.fixture
def machine(request: pytest.FixtureRequest, tree: Path) -> Iterator[Sandbox]:
    """Such a host, booted."""
    with sandboxes(request) as start:
        yield start(["/sbin/init"], prepare=bare.MOUNTS.replace("TREE", str(tree)), checkout=False)


def unchanged(tree: Path) -> Snapshot:
    """What is there, but the files that say how long Python's own byte code was."""
    return {name: facts for name, facts in snapshot(tree).items() if "/__pycache__" not in name}


def single(machine: Sandbox, *words: str, status: int = 0) -> str:
    """Run the single file there."""
    return machine.run("/usr/bin/python3", f"/root/{SINGLE}", *words, status=status)


def left(machine: Sandbox) -> list[str]:
    """What the single file has left where it unpacks."""
    return (
        machine.run("sh", "-c", "echo /run/slashservice-*")
        .replace("/run/slashservice-*\n", "")
        .split()
    )


@pytest.mark.root
@pytest.mark.slow
def test_its_life_on_a_host_with_python_alone(machine: Sandbox, tree: Path) -> None:
    before = unchanged(tree)
    said = single(machine, "install", "-n", status=2)
    assert "/package/admin/slashservice" in said
    assert (unchanged(tree), left(machine)) == (before, [])
    single(machine, "install")
    assert left(machine) == []
    code = tree / "package/admin/slashservice"
    assert (tree / "command/svc").is_symlink()
    for name in ("man/svc.8", "LICENSE", "vendor/plumbum.licence", "vendor/distro.licence"):
        assert (code / name).stat().st_size > 100, name
    for path in (tree / "package").rglob("*"):
        about = path.lstat()
        assert (about.st_uid, about.st_gid) == (0, 0), path
        assert path.is_symlink() or not about.st_mode & 0o022, path
        if path.suffix in (".py", "") and path.is_file():
            assert SINGLE.encode() not in path.read_bytes(), "it needs not be there any more"
    assert "nothing to do" in single(machine, "install")
    assert "clock" in single(machine, *ADD)
    log = tree / "var/log/slashservice/clock/current"
    until(lambda: log.exists() and log.read_bytes().count(b"\n") > 2, "lines in the log")
    assert "running" in single(machine, "list")
    assert single(machine, "logs", "-n", "2", "clock").count("\n") == 2
    until(lambda: left(machine) == [], "what svlog ran from is gone")
    it_is_killed(machine, "list", "--watch")
    it_is_killed(machine, "logs", "-f", "clock")
    (tree / "root" / SINGLE).rename(tree / "root/away")  # no more than what is installed
    assert "running" in machine.run("slashservice", "list")
    machine.run("slashservice", "status")
    machine.run("svstat", "/service/clock")
    machine.run("slashservice", "remove", "clock")
    machine.run("slashservice", "uninstall")
    (tree / "root/away").rename(tree / "root" / SINGLE)
    for name in ("etc/slashservice", "var/log/slashservice"):  # people's own, which stay
        shutil.rmtree(tree / name, ignore_errors=True)
    assert unchanged(tree) == before


def it_is_killed(machine: Sandbox, *words: str) -> None:
    """Kill the single file while it does something that takes long; it leaves nothing either."""
    argv = machine.argv("/usr/bin/python3", f"/root/{SINGLE}", *words)
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    try:
        until(lambda: left(machine), "it has unpacked itself")
        until(lambda: len(descendants(process.pid)) > 1, "who removes it is there")
        kill(children(process.pid)[0], signal.SIGKILL)
        process.wait(GENEROUS)
    finally:
        killed(process)
    until(lambda: left(machine) == [], "all that was unpacked is gone")


@pytest.mark.root
@pytest.mark.slow
def test_without_root(machine: Sandbox, tree: Path) -> None:
    before = unchanged(tree)
    me = ["--setuid", "1234", "--setgid", "1234"]
    env = ["env", "HOME=/home/me"]
    for words in (
        ("/usr/bin/python3", f"/root/{SINGLE}", "install", "--user", "--init", "none"),
        ("/home/me/.local/bin/slashservice", "uninstall"),
    ):
        argv = machine.argv(*env, *words)
        subprocess.run([argv[0], *me, *argv[1:]], check=True, stdin=subprocess.DEVNULL)
    assert unchanged(tree) == before


@pytest.mark.root
def test_a_python_without_its_whole_library(tree: Path) -> None:
    """As Debian's python3-minimal, which has no tarfile and others."""
    (found,) = (tree / "usr/lib").glob("python3*/tarfile.py")
    found.rename(found.with_suffix(".away"))
    try:
        words = ["chroot", str(tree), "/usr/bin/python3", f"/root/{SINGLE}", "install", "-n"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    finally:
        found.with_suffix(".away").rename(found)
    assert (done.returncode, done.stdout) == (111, "")
    assert done.stderr == (
        "slashservice: fatal: /usr/bin/python3 lacks parts of its standard library: "
        "install the package python3 whole\n"
    )


class Account:
    """An account that is not root, with a home of its own; and what it runs."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o755)

    def run(self, path: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a single file."""
        return subprocess.run(
            [*(SOMEBODY if os.geteuid() == 0 else ()), PYTHON, str(path), *words],
            cwd=self.home,
            env={"HOME": str(self.home), "PATH": "/usr/bin:/bin", **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def left(self) -> list[str]:
        """What lies in the home."""
        return [path.name for path in self.home.iterdir()]


@pytest.fixture
def account(tmp_path: Path) -> Account:
    """Somebody."""
    return Account(tmp_path / "home")


def test_where_it_can_be_unpacked_nowhere(released: Path, account: Account) -> None:
    """A home that everybody can write to is no place; nor is one that isn't there."""
    account.home.chmod(0o777)
    done = account.run(released / SINGLE, "--version")
    assert (done.returncode, done.stdout) == (111, "")
    assert "there is no place for short-lived files" in done.stderr
    assert "Traceback" not in done.stderr
    account.home.chmod(0o755)
    done = account.run(released / SINGLE, "--version", XDG_RUNTIME_DIR=str(account.home))
    assert done.returncode == 0


def test_commands_that_would_be_gone_are_refused(released: Path, account: Account) -> None:
    done = account.run(released / SINGLE, "commands", "there")
    assert (done.returncode, done.stdout, account.left()) == (111, "", [])
    assert done.stderr.count("\n") == 1


MODULES = ("zipfile", "tempfile", "signal", "shutil", "slashservice_unpack", "slashservice", "zlib")


def test_modules_of_others_are_not_loaded(released: Path, account: Account) -> None:
    for name in MODULES:
        (account.home / f"{name}.py").write_text(f"open({str(account.home / 'mark')!r}, 'w')\n")
    done = account.run(released / SINGLE, "--version", PYTHONPATH=str(account.home))
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(account.left()) == sorted(f"{name}.py" for name in MODULES)


def damaged(path: Path, to: Path) -> Iterator[str]:
    """Yield the names of files in it, each time with a byte of that one changed in ``to``."""
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        members = [one for one in archive.infolist() if one.compress_size > 40]
    members = [one for one in members if one.filename.startswith("slashservice/")]
    for one in members[:: len(members) // 6]:
        start = one.header_offset + 30 + len(one.filename.encode())
        for at in (start, start + one.compress_size // 3, start + one.compress_size // 2):
            to.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
            yield one.filename


@pytest.mark.slow
def test_what_is_damaged_is_not_run(released: Path, account: Account, tmp_path: Path) -> None:
    copy = tmp_path / SINGLE
    for name in damaged(released / SINGLE, copy):
        done = account.run(copy, "--version")
        assert (done.returncode, done.stdout) == (111, ""), name
        assert done.stderr.startswith("slashservice: fatal: "), name
        assert done.stderr.count("\n") == 1, name
        assert account.left() == []


def test_an_old_python_is_told_so(released: Path) -> None:
    done = subprocess.run(
        ["pypy3", released / SINGLE, "install"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (111, "")
    assert done.stderr == (
        "slashservice: fatal: Python 3.10 or newer is needed, and this is 3.9\n"
    ), "Debian has that of pypy3; with a newer one, find another old Python"


def test_the_first_module_is_in_words_that_any_python_can_read() -> None:
    """There is none of Python 2 to be had: so it has no word that came later."""
    text = (CHECKOUT / "releasing/onefile/first.py").read_text()
    tree = ast.parse(text, feature_version=(3, 4))
    later = (ast.JoinedStr, ast.AnnAssign, ast.Starred, ast.NamedExpr, ast.FunctionDef, ast.With)
    assert [ast.dump(node) for node in ast.walk(tree) if isinstance(node, later)] == []
    assert text.isascii()
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert "print" not in names


@pytest.mark.slow
def test_it_installs_what_a_checkout_does(
    released: Path, expected_digest: str, tmp_path: Path
) -> None:
    code = unzip(released / SINGLE, tmp_path) / "slashservice"
    assert digest(PYTHON, code, code / "vendor") == expected_digest


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_with_closed_descriptors(closed: str, released: Path, account: Account) -> None:
    line = f"exec {PYTHON} {released / SINGLE} --version {closed}"
    words = [*(SOMEBODY if os.geteuid() == 0 else ()), "sh", "-c", line]
    env = {"HOME": str(account.home), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == (111 if "1>" in closed else 0)
    assert "Traceback" not in done.stderr
    until(lambda: account.left() == [], "it has put away what it unpacked")


def test_who_reads_no_further_is_not_waited_for(released: Path, account: Account) -> None:
    line = f"{PYTHON} {released / SINGLE} help | head -n 1"
    done = subprocess.run(
        [*(SOMEBODY if os.geteuid() == 0 else ()), "sh", "-c", line],
        env={"HOME": str(account.home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.startswith("slashservice VERB")
    until(lambda: account.left() == [], "it has put away what it unpacked")
