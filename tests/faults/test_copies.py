"""A record belongs to the directory it was made for: a copy is a new service, a rename is not."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.hosted import Hosted
from helpers.processes import killed, runs
from helpers.services import await_down, await_pid, contents, is_down, is_supervised, status_of
from helpers.tree import Tree
from helpers.waiting import until

from slashservice.supervise.protocol import record

RUN = "#!/bin/sh\necho $$ >>starts\nexec sleep 1000\n"


def taken(path: Path) -> int:
    """Return the pid of a service that was copied, with its status, once it is supervised."""
    until(lambda: is_supervised(path), f"{path} is supervised")
    return await_pid(path)


def _run(*words: object, cwd: Path | None = None) -> None:
    subprocess.run(
        [os.fspath(w) if isinstance(w, Path) else str(w) for w in words], cwd=cwd, check=True
    )


def by_tar(original: Path, copy: Path) -> None:
    archive = copy.with_suffix(".tar")
    _run("tar", "-cpf", archive, "-C", original, ".")
    copy.mkdir()
    _run("tar", "-xpf", archive, "-C", copy)


def by_python(original: Path, copy: Path) -> None:
    """Copy the plain files alone, as tools do that can't copy a FIFO."""

    def fifos(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(folder, name).is_fifo()]

    shutil.copytree(original, copy, symlinks=True, ignore=fifos)


def by_git(original: Path, copy: Path) -> None:
    """Check in what is there, and check it out elsewhere."""
    git = (
        "git",
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@example.org",
        "-c",
        "init.defaultBranch=m",
    )
    store = copy.with_suffix(".git")
    bare = (*git, f"--git-dir={store}", f"--work-tree={original}")
    _run(*git, "init", "-q", "--bare", store)
    _run(*git, f"--git-dir={store}", "config", "core.bare", "false")
    _run(*bare, "add", "-A")
    _run(*bare, "commit", "-qm", "state")
    copy.mkdir()
    _run(*git, f"--git-dir={store}", f"--work-tree={copy}", "checkout", "-qf")


def by_links(original: Path, copy: Path) -> None:
    """Make hard links to all but what svscan has open."""
    _run("cp", "-al", original, copy)
    for path in [path for path in copy.rglob("supervise/*") if path.name != "status"]:
        data = path.read_bytes() if path.name == "lock" else b""
        path.unlink()
        if path.name == "lock":
            path.write_bytes(data)


COPIES: dict[str, Callable[[Path, Path], None]] = {
    "cp -a": lambda original, copy: _run("cp", "-a", original, copy),
    "cp -R": lambda original, copy: _run("cp", "-R", original, copy),
    "rsync -a": lambda original, copy: _run("rsync", "-a", f"{original}/", f"{copy}/"),
    "tar": by_tar,
    "plain files": by_python,
    "git": by_git,
    "hard links": by_links,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("log", [None, "#!/bin/sh\nexec /usr/bin/multilog ./main\n"])
def test_a_copy_of_a_service_is_a_service_of_its_own(tree: Tree, how: str, log: str | None) -> None:
    original = tree.add("original", RUN, log)
    svscan = tree.svscan()
    pid = await_pid(original)
    until((original / "starts").exists, "it has begun")
    if log:
        until((original / "log/main/current").exists, "so has its log")
    copy = tree.real / "copy"
    COPIES[how](original, copy)
    (copy / "starts").unlink(missing_ok=True)
    (tree.scan / "copy").symlink_to(copy)
    other = taken(copy)
    assert other != pid
    assert await_pid(original) == pid
    # What one of them is told is nothing to the other, and each is started again.
    tree.svc("-k", copy)
    other = await_pid(copy, other_than=other)
    tree.svc("-t", original)
    pid = await_pid(original, other_than=pid)
    killed(svscan)
    svscan = tree.svscan()
    until(lambda: is_supervised(original) and is_supervised(copy), "adopted")
    assert (await_pid(original), await_pid(copy)) == (pid, other)
    tree.drain(svscan)
    assert not runs(pid)
    assert not runs(other)


@pytest.mark.parametrize("how", COPIES)
def test_what_is_wanted_is_not_copied(tree: Tree, how: str) -> None:
    original = tree.add("original", RUN)
    svscan = tree.svscan()
    await_pid(original)
    tree.svc("-d", original)
    await_down(original)
    stat = original / "supervise/stat"
    until(lambda: contents(stat) == b"down\n", "all is written, and nothing is being replaced")
    copy = tree.real / "copy"
    COPIES[how](original, copy)
    (tree.scan / "copy").symlink_to(copy)
    taken(copy)
    killed(svscan)
    svscan = tree.svscan()
    until(lambda: is_supervised(original) and is_supervised(copy), "adopted")
    assert is_down(original), "for itself it remembers"
    tree.drain(svscan)


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("between", ["killed", "running"])
def test_a_restored_directory_is_a_new_service(tree: Tree, how: str, between: str) -> None:
    """The one before is gone; what it ran stays its own, and ends with it."""
    original = tree.add("original", RUN)
    svscan = tree.svscan()
    pid = await_pid(original)
    until(lambda: contents(original / "starts"), "its script has been read")
    notes = original / "supervise"
    written = {"stat": b"run\n", "pid": b"%d\n" % pid}
    until(
        lambda: all(contents(notes / name) == text for name, text in written.items()),
        "all is written, and nothing is being replaced",
    )
    backup = tree.root / "backup"
    COPIES[how](original, backup)
    if between == "killed":
        killed(svscan)
    (tree.scan / "original").unlink()
    shutil.rmtree(original)
    COPIES["cp -a"](backup, original)
    (tree.scan / "original").symlink_to(original)
    if between == "killed":
        svscan = tree.svscan()
    other = taken(original)
    assert other != pid
    tree.svc("-t", original)
    await_pid(original, other_than=other)
    assert runs(pid)
    if between == "killed":
        os.kill(pid, 9)  # nobody knows it any more
    tree.drain(svscan)
    until(lambda: not runs(pid), "it ends")


def test_two_scan_directories(tree: Tree) -> None:
    original = tree.add("original", RUN)
    first = tree.svscan()
    pid = await_pid(original)
    other = tree.root / "other"
    other.mkdir()
    _run("cp", "-a", original, other / "copy")
    second = tree.start([str(tree.commands / "svscan"), str(other)])
    copy = other / "copy"
    assert taken(copy) != pid
    tree.svc("-d", copy)
    await_down(copy)
    assert await_pid(original) == pid
    tree.drain(second)
    tree.drain(first)


@pytest.mark.parametrize("killing", [False, True])
def test_a_rename_is_followed(tree: Tree, killing: bool) -> None:
    path = tree.make("before", RUN)
    place = tree.scan / "before"
    path.rename(place)
    svscan = tree.svscan()
    pid = await_pid(place)
    if killing:
        killed(svscan)
    moved = place.rename(tree.scan / "after")
    if killing:
        svscan = tree.svscan()
    until(lambda: is_supervised(moved), "supervised")
    assert await_pid(moved) == pid
    tree.svc("-t", moved)
    await_pid(moved, other_than=pid)
    tree.drain(svscan)


def test_a_move_to_another_file_system_is_a_copy(
    tree: Tree, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == tree.root.stat().st_dev:
        pytest.skip("there is no other file system")
    original = tree.add("original", RUN)
    svscan = tree.svscan()
    pid = await_pid(original)
    killed(svscan)
    moved = elsewhere / tree.root.name
    try:
        _run("mv", original, moved)
        (tree.scan / "original").unlink()
        (tree.scan / "original").symlink_to(moved)
        svscan = tree.svscan()
        assert taken(moved) != pid
        os.kill(pid, 9)
        tree.drain(svscan)
    finally:
        shutil.rmtree(moved)


@pytest.mark.root
def test_an_image_layer_is_a_copy(tree: Tree) -> None:
    """An overlay shows the very files of the layer below, until they are written to."""
    original = tree.add("original", RUN)
    first = tree.svscan()
    pid = await_pid(original)
    for name in ("upper", "work", "scan", "scan/copy"):
        (tree.root / name).mkdir()
    copy = tree.root / "scan/copy"
    layers = f"lowerdir={original},upperdir={tree.root}/upper,workdir={tree.root}/work"
    script = (
        f"mount -t overlay -o {layers} none {copy} && exec {tree.commands}/svscan {copy.parent}"
    )
    second = tree.start(["unshare", "-m", "sh", "-c", script])
    upper = tree.root / "upper/supervise/status"
    until(upper.exists, "it runs on its own copy")
    other = until(lambda: _pid_in(upper), "it is up")
    assert other != pid
    assert await_pid(original) == pid
    tree.drain(second)
    assert runs(pid)
    tree.drain(first)


def _pid_in(file: Path) -> int:
    now = status_of(file.parent.parent)
    return now.pid if now else 0


def test_a_copied_journal_is_the_originals(hosted: Hosted) -> None:
    """What the original's logger had still to write is not written by the copy's as well."""
    log = hosted.add("original", "./main")
    svscan = hosted.tree.svscan()
    hosted.host("original")
    journal = log / "supervise/journal"
    until(journal.exists, "there is a journal")
    # The beginning of a line stays in the journal until its end comes.
    hosted.write("original", b"half a line")
    until(lambda: journal.stat().st_size > 0, "it is in the journal")
    copy = hosted.tree.real / "copy"
    _run("cp", "-a", log.parent, copy)
    shutil.rmtree(copy / "log/main")
    (hosted.tree.scan / "copy").symlink_to(copy)
    taken(copy)
    hosted.directories["copy"] = copy / "log"
    hosted.host("copy")
    hosted.write("copy", b"its own\n")
    hosted.arrives("copy", b"its own\n")
    hosted.write("original", b"\n")
    hosted.tree.drain(svscan)
    assert hosted.current("copy") == b"its own\n"


def test_copied_unread_lines_are_the_originals(tree: Tree) -> None:
    original = tree.add("original", RUN, "#!/bin/sh\nexec cat >>read\n", down=True)
    (original / "log/down").touch()
    svscan = tree.svscan()
    until(lambda: is_supervised(original), "it is supervised")
    (original / "supervise/pipe.unread").write_bytes(b"said\n")
    copy = tree.real / "copy"
    _run("cp", "-a", original, copy)
    (tree.scan / "copy").symlink_to(copy)
    until(lambda: is_supervised(copy / "log"), "the copy is supervised")
    assert not (copy / "supervise/pipe.unread").exists()
    assert (original / "supervise/pipe.unread").exists()
    tree.drain(svscan)


def test_a_record_of_an_older_version_is_believed(tree: Tree) -> None:
    """It says nothing of a directory. An upgrade restarts nothing."""
    path = tree.add("service", RUN)
    svscan = tree.svscan()
    pid = await_pid(path)
    killed(svscan)
    lock = path / "supervise/lock"
    found = record.parse(lock.read_bytes())
    assert found and found.place
    found.place = b""
    lock.write_bytes(found.line())
    svscan = tree.svscan()
    until(lambda: is_supervised(path), "adopted")
    assert await_pid(path) == pid
    now = record.parse(lock.read_bytes())
    assert now and now.place, "from now on it does"
    tree.drain(svscan)
