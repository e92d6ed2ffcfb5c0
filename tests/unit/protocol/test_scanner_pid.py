"""Where svscan keeps its pid, and whose word about it is taken."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from itertools import chain, permutations
from pathlib import Path

import pytest

from slashservice.supervise.platform.current import system
from slashservice.supervise.protocol import scanner_pid
from slashservice.supervise.version import VERSION


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[bytes]:
    """A scan directory, and a folder of our account instead of the machine's."""
    (tmp_path / "scan").mkdir()
    (tmp_path / "run").mkdir()
    places = [(bytes(tmp_path / "run" / "slashservice"), os.geteuid())]
    monkeypatch.setattr(scanner_pid, "_folders", lambda: places)
    yield bytes(tmp_path / "scan")


def note(scan: bytes) -> Path:
    """The file with the pid."""
    name = os.fsdecode(scanner_pid.name_of(scan))
    return Path(os.fsdecode(scan)).parent / "run/slashservice" / name


def test_what_was_written_is_read(scan: bytes) -> None:
    assert scanner_pid.read(scan) == 0
    scanner_pid.write(scan)
    scanner_pid.write(scan)
    assert scanner_pid.read(scan) == os.getpid()
    assert os.listdir(note(scan).parent) == [note(scan).name]
    scanner_pid.remove(scan)
    assert scanner_pid.read(scan) == 0
    assert os.listdir(note(scan).parent) == []


KINDS = (scanner_pid.RUNS, scanner_pid.DRAINED, scanner_pid.WAITS)


def told(scan: bytes) -> tuple[bool, bool, bool]:
    """Which notes about us are in force."""
    pid = os.getpid()
    return (
        scanner_pid.read(scan) == pid,
        scanner_pid.is_drained(scan, pid),
        scanner_pid.waiting(scan) == [pid],
    )


@pytest.mark.parametrize(
    "order", list(chain.from_iterable(permutations(KINDS, n) for n in range(1, 4)))
)
def test_notes_of_each_kind_come_and_go_alone(scan: bytes, order: tuple[bytes, ...]) -> None:
    kept: set[bytes] = set()
    for kind in order:
        scanner_pid.write(scan, kind)
        kept.add(kind)
        assert told(scan) == tuple(one in kept for one in KINDS)
    for kind in order:
        scanner_pid.remove(scan, kind)
        kept.remove(kind)
        assert told(scan) == tuple(one in kept for one in KINDS)
    assert os.listdir(note(scan).parent) == []


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize(
    "line", ["{pid} 1 {life}\n", "{pid} {start} other\n", "", "{pid} {start}\n"]
)
def test_a_note_that_a_killed_svscan_left_says_nothing(scan: bytes, kind: bytes, line: str) -> None:
    scanner_pid.write(scan, kind)
    (path,) = note(scan).parent.iterdir()
    pid = os.getpid()
    life = os.fsdecode(system.boot())
    path.write_text(line.format(pid=pid, start=system.started(pid), life=life))
    assert told(scan) == (False, False, False)


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_everybody_can_read_it_whatever_the_umask(scan: bytes, umask: int) -> None:
    before = os.umask(umask)
    try:
        scanner_pid.write(scan)
    finally:
        os.umask(before)
    assert note(scan).stat().st_mode & 0o777 == 0o644
    assert note(scan).parent.stat().st_mode & 0o022 == 0
    assert scanner_pid.read(scan) == os.getpid()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no pid\n",
        "-1 {start} {life}\n",
        "{pid} {start} {life}",
        "{pid} 1 {life}\n",
        "{pid} {start} another-life\n",
        "{pid} {start} {life} more\n",
        "{pid} {start} {life} 1.0 /code",
        "0 {start} {life}\n",
    ],
)
def test_a_file_that_is_left_over_or_nonsense_says_nothing(scan: bytes, line: str) -> None:
    scanner_pid.write(scan)
    pid = os.getpid()
    life = os.fsdecode(system.boot())
    note(scan).write_text(line.format(pid=pid, start=system.started(pid), life=life))
    assert scanner_pid.read(scan) == 0


def test_without_a_start_time_the_caller_has_to_look(scan: bytes) -> None:
    scanner_pid.write(scan)
    note(scan).write_text(f"{os.getpid()} 0 -\n")
    assert scanner_pid.read(scan) == -os.getpid()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_can_write_to_does_not_count(scan: bytes, mode: int) -> None:
    scanner_pid.write(scan)
    note(scan).parent.chmod(mode)
    assert scanner_pid.read(scan) == 0
    with pytest.raises(PermissionError):
        scanner_pid.write(scan)


@pytest.mark.root
def test_a_folder_of_another_account_does_not_count(scan: bytes) -> None:
    scanner_pid.write(scan)
    os.chown(note(scan).parent, 65534, 65534)
    assert scanner_pid.read(scan) == 0
    with pytest.raises(PermissionError):
        scanner_pid.write(scan)


@pytest.mark.parametrize("which", ["folder", "file", "new"])
def test_no_link_is_followed(scan: bytes, tmp_path: Path, which: str) -> None:
    victim = tmp_path / "victim"
    folder = note(scan).parent
    if which == "folder":
        victim.mkdir(0o700)
        folder.symlink_to(victim)
        with pytest.raises(OSError):
            scanner_pid.write(scan)
        assert os.listdir(victim) == []
        return
    folder.mkdir(0o755)
    victim.write_text("precious")
    name = note(scan).name + (".new" if which == "new" else "")
    (folder / name).symlink_to(victim)
    assert scanner_pid.read(scan) == 0
    scanner_pid.write(scan)
    assert victim.read_text() == "precious"
    assert scanner_pid.read(scan) == os.getpid()


def test_the_note_of_another_svscan_is_not_removed(scan: bytes) -> None:
    scanner_pid.write(scan)
    note(scan).write_text("1 1 life\n")
    scanner_pid.remove(scan)
    assert note(scan).exists()


def test_notes_of_killed_svscans_are_swept_away(scan: bytes) -> None:
    with subprocess.Popen(["/bin/true"]) as gone:
        pass
    scanner_pid.write(scan)
    folder, life = note(scan).parent, os.fsdecode(system.boot())
    for name, text in {
        "dead": f"{gone.pid} 1 {life}\n",
        "huge": f"{1 << 70} 1 {life}\n",
        "living": f"{os.getppid()} 1 {life}\n",
        "elsewhere": f"{gone.pid} 1 another-life\n",
        "nonsense": "nothing\n",
    }.items():
        (folder / name).write_text(text)
    scanner_pid.write(scan)
    left = {"huge", "living", "elsewhere", "nonsense", note(scan).name}
    assert set(os.listdir(folder)) == left


def test_a_directory_that_is_gone(scan: bytes) -> None:
    scanner_pid.write(scan)
    os.rmdir(scan)
    assert scanner_pid.read(scan) == 0
    scanner_pid.remove(scan)


def test_of_root_there_is_one_place_and_of_others_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    root = [(b"/run/slashservice", 0), (b"/var/run/slashservice", 0)]
    assert scanner_pid._folders() == root
    monkeypatch.setattr(os, "geteuid", lambda: 7)
    own = [(bytes(tmp_path / "slashservice"), 7), (b"/run/user/7/slashservice", 7)]
    assert scanner_pid._folders() == [*own, *root]
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    assert scanner_pid._own_folder.__doc__
    monkeypatch.setattr(os, "mkdir", no_room)
    with pytest.raises(OSError):
        scanner_pid._own_folder()


def no_room(path: bytes, mode: int) -> None:
    raise OSError


def test_it_tells_which_code_svscan_runs(scan: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanner_pid, "HOME", "/opt/a folder with  blanks")
    scanner_pid.write(scan)
    assert scanner_pid.read(scan) == os.getpid()
    code = (VERSION.encode(), b"/opt/a folder with  blanks")
    assert scanner_pid.code(scan, os.getpid()) == code
    assert scanner_pid.code(scan, os.getpid() + 1) == (b"", b"")


@pytest.mark.parametrize("home", ["/opt/two\nlines", None])
def test_a_svscan_that_does_not_tell_its_code(
    scan: bytes, home: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanner_pid, "HOME", home or "/opt")
    scanner_pid.write(scan)
    if home is None:  # written by an older version
        note(scan).write_bytes(b" ".join(note(scan).read_bytes().split()[:3]) + b"\n")
    assert scanner_pid.read(scan) == os.getpid()
    assert scanner_pid.code(scan, os.getpid()) == (b"", b"")
