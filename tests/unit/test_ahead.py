"""What is made ahead of the first scan, and what is left alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from slashservice.supervise import ahead
from slashservice.supervise.directory import ServiceDirectory

MADE = {"control", "lock", "ok", "status.new"}


def services(scan: Path, count: int) -> list[bytes]:
    paths = [scan / f"{number:03}" for number in range(count)]
    for path in paths:
        path.mkdir()
    return [os.fsencode(path) for path in paths]


def has_child() -> bool:
    """Wait for the child that makes the files; tell whether there was one."""
    try:
        _, status = os.wait()
    except ChildProcessError:
        return False
    assert status == 0
    return True


def made(service: bytes) -> set[str]:
    return set(os.listdir(os.fsdecode(service) + "/supervise"))


def test_fresh_services_get_what_they_lack(tmp_path: Path) -> None:
    paths = services(tmp_path, ahead.FEWEST)
    (tmp_path / "001" / "log").mkdir()
    ahead.make(paths)
    assert has_child()
    assert all(made(path) == MADE for path in paths)
    assert made(paths[1] + b"/log") == MADE
    for name, kind in (("control", stat.S_IFIFO), ("ok", stat.S_IFIFO), ("lock", stat.S_IFREG)):
        assert (tmp_path / "000" / "supervise" / name).stat().st_mode == kind | 0o600
    assert stat.S_IMODE((tmp_path / "000" / "supervise").stat().st_mode) == 0o700


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    paths = services(tmp_path, ahead.FEWEST)
    (tmp_path / "003" / "supervise").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "004" / "supervise").mkdir()
    (tmp_path / "005").rmdir()
    (tmp_path / "005").write_text("no directory")
    ahead.make(paths)
    assert has_child()
    assert not (tmp_path / "elsewhere").exists()
    assert made(paths[4]) == set()
    assert (tmp_path / "005").read_text() == "no directory"
    assert all(made(path) == MADE for path in (*paths[:3], *paths[6:]))


def test_no_process_for_a_few_services(tmp_path: Path) -> None:
    ahead.make(services(tmp_path, ahead.FEWEST - 1))
    assert not has_child()


def test_no_process_after_a_boot(tmp_path: Path) -> None:
    paths = services(tmp_path, ahead.FEWEST)
    (tmp_path / f"{ahead.FEWEST - 1:03}" / "supervise").mkdir()
    ahead.make(paths)
    assert not has_child()


def test_a_directory_that_appears_between_two_steps_is_taken(tmp_path: Path) -> None:
    (path,) = services(tmp_path, 1)
    directory = ServiceDirectory(path, b"service")
    os.mkdir(path + b"/supervise")
    directory._make_supervise(path + b"/supervise")
    assert directory.acquire(b"life", limit=1 << 20) is None
    directory.release()
