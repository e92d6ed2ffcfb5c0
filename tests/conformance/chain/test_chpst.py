"""What our chpst does beyond Debian's, and where it differs on purpose."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.both import Both

Seen = Callable[..., dict[str, str]]


@pytest.fixture
def seen(both: Both, work: Path) -> Seen:
    """Run ``chpst WORDS`` in front of the witness; return what it saw."""

    def run(*words: str) -> dict[str, str]:
        outcome = both.ours("chpst", *words, *both.witness())
        assert outcome.status == 7, outcome
        return outcome.seen

    return run


def test_umask(seen: Seen) -> None:
    assert seen("-M", "077")["Umask"] == "0077"
    assert seen("-M", "0")["Umask"] == "0000"


def test_umask_is_not_for_the_lock(both: Both, work: Path) -> None:
    both.ours("chpst", "-M", "0777", "-l", "lock", "true")
    assert (work / "lock").stat().st_mode & 0o777 == 0o600


def test_working_directory(seen: Seen, work: Path) -> None:
    (work / "here").mkdir()
    assert seen("-C", "here")["cwd"] == f"{work}/here\n/\n"


def test_working_directory_behind_other_directories(both: Both, work: Path) -> None:
    (work / "env").mkdir()
    (work / "env" / "A").write_bytes(b"1\n")
    (work / "here").mkdir()
    words = ["-C", "here", "-e", "env", "-l", "lock"]
    outcome = both.ours("chpst", *words, "sh", "-c", "echo $A; pwd; ls")
    assert outcome.stdout == f"1\n{work}/here\nlock\n".encode()
    outcome = both.ours("chpst", "-C", "nosuch", "true")
    assert outcome.stderr == (
        b"chpst: fatal: unable to change directory: nosuch: file does not exist\n"
    )
    assert outcome.status == 111


@pytest.mark.root
def test_working_directory_in_another_root(both: Both, work: Path) -> None:
    (work / "root" / "inside").mkdir(parents=True)
    outcome = both.ours("chpst", "-/", "root", "-C", "inside", "../no")
    assert outcome.stderr == b"chpst: fatal: unable to run: ../no: file does not exist\n"
    outcome = both.ours("chpst", "-/", "root", "-C", "/tmp", "true")
    assert b"unable to change directory: /tmp: file does not exist" in outcome.stderr


@pytest.mark.root
def test_no_command_of_ours_goes_on_in_another_root(both: Both, work: Path, ours: Path) -> None:
    """What has the same text there has other code, if any."""
    root = work / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "pgrphack").write_bytes((ours / "pgrphack").read_bytes())
    (root / "bin" / "pgrphack").chmod(0o755)
    outcome = both.ours("chpst", "-/", "root", "-v", "/bin/pgrphack", "true")
    # The interpreter is not in there, so the kernel does not find what the text asks for.
    assert outcome.stderr == b"chpst: fatal: unable to run: /bin/pgrphack: file does not exist\n"


def test_no_new_privileges(seen: Seen) -> None:
    assert seen("-N")["NoNewPrivs"] == "1"
    assert seen("-v")["NoNewPrivs"] == "0"


@pytest.mark.root
def test_no_new_privileges_for_what_it_starts(both: Both, work: Path) -> None:
    """A set-id program gives nothing any more, at the end of a chain either."""
    program = work / "id"
    program.write_bytes(Path("/usr/bin/id").read_bytes())
    os.chmod(program, 0o4755)
    assert both.ours("setuidgid", "nobody", "./id", "-u").stdout == b"0\n"
    line = ["chpst", "-N", "-u", "nobody", "pgrphack", "softlimit", "-c0", "./id", "-u"]
    assert both.ours(*line).stdout == b"65534\n"


def test_oom_score(both: Both, seen: Seen) -> None:
    assert seen("-O", "300")["nice"] == "300\n"
    assert seen("-O", "+1000")["nice"] == "1000\n"
    outcome = both.ours("chpst", "-O", "1001", "true")
    assert outcome.stderr == b"chpst: fatal: unable to set OOM score: invalid argument\n"
    outcome = both.ours("chpst", "-O", "x", "true")
    assert outcome.status == 100


@pytest.mark.root
def test_oom_score_is_set_before_the_account(both: Both, seen: Seen, work: Path) -> None:
    """Afterwards the kernel does not let us: the file is root's until an exec."""
    assert seen("-O", "500", "-u", "nobody")["nice"] == "500\n"
    line = ["setuidgid", "nobody", "chpst", "-O", "-500", "true"]
    assert both.ours(*line).stderr == b"chpst: fatal: unable to set OOM score: access denied\n"


@pytest.mark.root
def test_groups_of_the_account(both: Both, work: Path) -> None:
    """Those that list it as a member, where a file of ours is mounted over the system's."""
    listed = ["daemon:x:1:", "nogroup:x:65534:", "one:x:1001:nobody", "two:x:1002:a,nobody"]
    (work / "group").write_text("\n".join([*listed, "three:x:1003:a", ""]))

    def groups(*words: str) -> set[int]:
        mount = 'mount --bind group /etc/group && exec "$@"'
        line = ["/usr/bin/unshare", "-m", "sh", "-c", mount, "sh", "chpst", *words, *both.witness()]
        outcome = both.ours(*line)
        assert outcome.status == 7, outcome
        return set(map(int, outcome.seen["Groups"].split()))

    assert groups("-G", "-u", "nobody:nogroup") == {65534, 1001, 1002}
    assert groups("-G", "-u", "nobody:nogroup:daemon") == {65534, 1001, 1002, 1}
    assert groups("-u", "nobody:nogroup") == {65534}


@pytest.mark.root
@pytest.mark.parametrize("user", [":4:", "::4", ":4294967296:5", ":4:4294967296", ":4::5"])
@pytest.mark.parametrize("option", ["-u", "-U"])
def test_no_number_is_not_root(both: Both, work: Path, user: str, option: str) -> None:
    """Debian's runs the program as root, or in root's group, or says UID=0."""
    assert both.theirs("chpst", option, user, "true").status == 0
    outcome = both.ours("chpst", option, user, "true")
    assert outcome.stderr == f"chpst: fatal: invalid uid/gids: {user[1:]}\n".encode()
    assert outcome.status == 111


@pytest.mark.root
def test_more_groups_than_sixty(both: Both, seen: Seen) -> None:
    numbers = list(range(1, 101))
    words = ":7:" + ":".join(map(str, numbers))
    assert list(map(int, seen("-u", words)["Groups"].split())) == numbers
    assert both.theirs("chpst", "-u", words, "true").status == 111


def test_a_link_that_points_nowhere(both: Both, work: Path) -> None:
    """C gives it the value of the file it happened to read before."""
    (work / "env").mkdir()
    (work / "env" / "gone").symlink_to("nowhere")
    (work / "env" / "kept").write_bytes(b"1\n")
    for line in (["envdir", "env"], ["chpst", "-e", "env"]):
        outcome = both.ours(*line, "/usr/bin/env", entries=[b"gone=0"])
        assert outcome.stdout == b"kept=1\n"


class TestEmulation:
    """chpst under the name of another command."""

    @pytest.mark.parametrize(
        "line",
        ["envdir env sh -c 'echo $A; exit 3'", "envuidgid root sh -c 'echo $UID'", "envdir",
         "pgrphack sh -c 'exit 4'", "setlock lock sh -c 'exit 5'", "setlock -n lock true",
         "setuidgid nosuch true", "softlimit -o20 sh -c 'ulimit -n'", "softlimit -x"],
    )  # fmt: skip
    @pytest.mark.parametrize("chained", [False, True])
    def test_it_is_that_command(self, both: Both, work: Path, line: str, chained: bool) -> None:
        import shlex

        (work / "env").mkdir()
        (work / "env" / "A").write_bytes(b"1\n")
        name, *words = shlex.split(line)
        (work / name).symlink_to(both._ours / "chpst")
        before = ["softlimit", "-c0"] if chained else []
        emulated = both.ours(*before, f"./{name}", *words)
        assert emulated == both.ours(*before, name, *words)
        assert emulated.status != 127

    def test_setlock_does_not_mix_up_its_options(self, both: Both, work: Path) -> None:
        """Debian's chpst, called setlock, waits with -n and does not with -N."""
        (work / "setlock").symlink_to(both._ours / "chpst")
        with (work / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            outcome = both.ours("./setlock", "-n", "lock", "true")
        assert outcome.stderr == b"setlock: fatal: unable to lock lock: temporary failure\n"

    def test_any_other_name_is_chpst(self, both: Both, work: Path) -> None:
        (work / "other").symlink_to(both._ours / "chpst")
        assert both.ours("./other").stderr.startswith(b"usage: other [-vVP")
        (work / "theirs").symlink_to("/usr/bin/chpst")
        assert both.ours("./theirs", "-x").stderr.startswith(b"theirs: illegal option -- x\n")
        assert both.ours("./other", "-x").stderr.startswith(b"other: illegal option -- x\n")
