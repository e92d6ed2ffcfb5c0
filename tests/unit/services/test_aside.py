"""A scan directory of links, beside one that is read-only."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers import logs
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.services import aside


def make(top: Path, services: dict[str, set[str]]) -> Path:
    """Make services that have these files; one of ``log/`` is in a folder."""
    scan = top / "scan"
    scan.mkdir(exist_ok=True)
    for name, files in services.items():
        for file in files:
            path = scan / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file)
    return scan


def put(scan: Path) -> Path:
    copy = scan.parent / "aside"
    aside.make(os.fsencode(scan), os.fsencode(copy))
    return copy


FILES = st.sets(
    st.sampled_from(["run", "finish", "down", "log/run", "log/config", "check"]), min_size=1
)
SERVICES = st.dictionaries(st.sampled_from(["web", "db", "a b"]), FILES)


@given(before=SERVICES, after=SERVICES)
def test_each_file_is_a_link_and_state_stays(
    before: dict[str, set[str]], after: dict[str, set[str]]
) -> None:
    with logs.scratch() as top:
        put(make(top, before))
        for name in before:
            (top / "aside" / name / "supervise").mkdir()
            (top / "aside" / name / "supervise/lock").write_text("state")
        (top / "scan").rename(top / "gone")
        scan = make(top, after)
        copy = put(scan)
        shown = {path.name for path in copy.iterdir() if not path.name.startswith(".")}
        assert shown == after.keys()
        for name, files in after.items():
            found = {
                str(Path(folder, file).relative_to(copy / name))
                for folder, _, all_files in os.walk(copy / name)
                if "/.log" not in folder
                for file in all_files
            }
            assert found - {"supervise/lock"} == files
            for file in files:
                path = copy / name / file
                assert path.is_symlink() and path.resolve() == scan / name / file
            assert ("supervise/lock" in found) == (name in before)


def test_what_writes_there_is_no_link(tmp_path: Path) -> None:
    scan = make(tmp_path, {"web": {"run", "supervise/lock", "log/run", "log/main/current"}})
    copy = put(scan)
    assert sorted(os.listdir(copy / "web")) == ["log", "run"]
    assert os.listdir(copy / "web/log") == ["run"]


def test_a_supervise_that_is_a_link_stays_one(tmp_path: Path) -> None:
    scan = make(tmp_path, {"web": {"run"}})
    (scan / "web/supervise").symlink_to(tmp_path / "elsewhere")
    assert (put(scan) / "web/supervise").readlink() == scan / "web/supervise"


def test_links_to_services_and_names_with_a_dot(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real = make(tmp_path / "real", {"x": {"run"}})
    scan = tmp_path / "scan"
    scan.mkdir()
    (scan / "web").symlink_to(real / "x")
    (scan / ".hidden").symlink_to(real / "x")
    (scan / "lost").symlink_to("nowhere")
    (scan / "file").touch()
    copy = put(scan)
    assert os.listdir(copy) == ["web"]
    assert (copy / "web/run").readlink() == real / "x/run"


@pytest.mark.parametrize("part", ["web", "web/log"])
def test_it_is_needed_where_a_directory_can_not_be_written(
    tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = make(tmp_path, {"web": {"run", "log/run"}})
    assert not aside.is_needed(os.fsencode(scan))
    closed = os.fsencode(scan / part)
    monkeypatch.setattr(os, "access", lambda path, mode: path != closed)  # root may write anywhere
    assert aside.is_needed(os.fsencode(scan))
    (scan / part / "supervise").symlink_to("/run/elsewhere")
    assert not aside.is_needed(os.fsencode(scan))
