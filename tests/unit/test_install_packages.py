"""tests/install-packages: what it says, and that it leaves the policy on services as it was."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT

SCRIPT = CHECKOUT / "tests" / "install-packages"
THEIRS = "#!/bin/sh\nexit 104\n"


class Machine:
    """A machine that lacks all packages, or some, and an apt-get that does as it is told."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.policy = folder / "policy-rc.d"
        self.asked = folder / "asked"
        self.lacks("")
        self.command("id", "echo 0")
        self.apt_get("exit 0")

    def command(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def lacks(self, pattern: str) -> None:
        """Have only the packages that match the regular expression missing."""
        self.command(
            "dpkg-query", f"echo \"$4\" | grep -qe '{pattern}' || echo install ok installed"
        )

    def apt_get(self, script: str) -> None:
        """Have apt-get note what the policy says and what it was asked, then run ``script``."""
        self.command(
            "apt-get",
            f"status=0; {self.policy} ssh start || status=$?\n"
            f'echo "$status $*" >>{self.asked}\n{script}',
        )

    def run(self) -> tuple[int, str]:
        """Run the script; return its exit status, and what it said."""
        environment = {"PATH": f"{self.bin}:{os.environ['PATH']}", "POLICY": str(self.policy)}
        done = subprocess.run(
            [SCRIPT], env=environment, stdout=subprocess.PIPE, text=True, timeout=60
        )
        return done.returncode, done.stdout

    def files(self) -> list[str]:
        return sorted(path.name for path in self.policy.parent.glob("policy*"))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_it_says_what_it_installs_and_what_that_would_start(machine: Machine) -> None:
    machine.lacks("^redis-server$\\|^strace$\\|^nginx-light$")
    status, said = machine.run()
    assert status == 0
    assert said == (
        "packages: installing nginx-light redis-server strace;"
        " not starting their services: nginx redis-server\n"
    )
    assert machine.asked.read_text() == (
        "101 -q update\n101 -q -y --no-install-recommends install nginx-light redis-server strace\n"
    )
    assert machine.files() == []


def test_where_nothing_is_missing_nothing_is_done(machine: Machine) -> None:
    machine.lacks("nosuchpackage")
    assert machine.run() == (0, "packages: all of tests/packages are installed\n")
    assert not machine.asked.exists()


@pytest.mark.parametrize("script", ["exit 0", "exit 100", "kill -TERM $PPID", "kill -INT $PPID"])
@pytest.mark.parametrize("kind", ["file", "link", "dangling", "none"])
def test_a_policy_is_put_back_exactly(machine: Machine, kind: str, script: str) -> None:
    elsewhere = machine.bin / "theirs"
    if kind == "file":
        machine.policy.write_text(THEIRS)
        machine.policy.chmod(0o751)
        os.utime(machine.policy, (1, 2))
    elif kind != "none":
        machine.policy.symlink_to(elsewhere)
    if kind == "link":
        elsewhere.write_text(THEIRS)
    before = os.lstat(machine.policy) if kind != "none" else None
    machine.apt_get(script)
    status, _ = machine.run()
    assert (status == 0) == (script == "exit 0")
    assert {line[:4] for line in machine.asked.read_text().splitlines()} == {"101 "}
    if before is None:
        assert machine.files() == []
        return
    assert machine.files() == ["policy-rc.d"]
    after = os.lstat(machine.policy)
    for name in ("st_ino", "st_mode", "st_uid", "st_gid", "st_mtime_ns", "st_size"):
        assert getattr(after, name) == getattr(before, name)


@pytest.mark.parametrize("kind", ["file", "none"])
def test_after_a_kill_the_next_run_puts_it_back(machine: Machine, kind: str) -> None:
    if kind == "file":
        machine.policy.write_text(THEIRS)
        machine.policy.chmod(0o755)
    machine.apt_get("kill -KILL $PPID")
    assert machine.run()[0] == -signal.SIGKILL
    assert (machine.policy.parent / "policy-rc.d.kept-by-slashservice").exists() == (kind == "file")
    machine.apt_get("exit 0")
    assert machine.run()[0] == 0
    assert machine.files() == (["policy-rc.d"] if kind == "file" else [])
    if kind == "file":
        assert machine.policy.read_text() == THEIRS


@pytest.mark.parametrize("kind", ["file", "none"])
def test_after_a_kill_the_next_run_puts_it_back_if_nothing_is_missing(
    machine: Machine, kind: str
) -> None:
    if kind == "file":
        machine.policy.write_text(THEIRS)
    machine.apt_get("kill -KILL $PPID")
    assert machine.run()[0] == -signal.SIGKILL
    machine.lacks("nosuchpackage")  # apt-get went on, and finished
    assert machine.run()[0] == 0
    assert machine.files() == (["policy-rc.d"] if kind == "file" else [])
    assert machine.run() == (0, "packages: all of tests/packages are installed\n")
