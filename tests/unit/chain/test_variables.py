"""A directory of variables."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

import pytest

from slashservice.supervise.chain import variables
from slashservice.supervise.chain.pending import Pending


@pytest.fixture(autouse=True)
def back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have us come back for what fails within the directory: a command ends there."""
    monkeypatch.chdir(".")


def read(path: str | Path, **keywords: Any) -> list[bytes]:
    return sorted(variables.read(os.fsencode(path), **keywords))


@pytest.mark.parametrize(
    ("content", "setting"),
    [
        (b"", b"V"),
        (b"\n", b"V="),
        (b"x", b"V=x"),
        (b"x\ny\n", b"V=x"),
        (b" x \t \ny", b"V= x"),
        (b" \t", b"V="),
        (b"a\0b\0\n", b"V=a\nb\n"),
        (b"a \0 \n", b"V=a \n"),
        (b"\0", b"V=\n"),
        (b"\xff\r\n", b"V=\xff\r"),
        (b"l" * 70_000 + b"\nrest", b"V=" + b"l" * 70_000),
    ],
)
def test_contents(tmp_path: Path, content: bytes, setting: bytes) -> None:
    (tmp_path / "V").write_bytes(content)
    assert read(tmp_path) == [setting]


def test_names(tmp_path: Path) -> None:
    for name in (b"A=B", b"\xff", b".hidden", b"..x", b"sp ace", b"new\nline"):
        with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:
            file.write(b"1")
    assert read(tmp_path) == [b"A=B=1", b"new\nline=1", b"sp ace=1", b"\xff=1"]


def test_a_link_that_points_nowhere_is_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "A").write_bytes(b"secret")
    (tmp_path / "B").symlink_to("nowhere")
    assert read(tmp_path) == [b"A=secret", b"B"]


def test_an_endless_file_with_a_newline_is_no_trouble(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"first\nsecond")
    (tmp_path / "V").symlink_to(f"/proc/self/fd/{reading}")
    assert read(tmp_path) == [b"V=first"]
    os.close(reading)
    os.close(writing)


def test_directories_in_it(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    with pytest.raises(variables.Failed) as caught:
        read(tmp_path)
    assert caught.value.step == variables.FILE
    assert caught.value.path == os.fsencode(tmp_path / "sub")
    assert read(tmp_path, skip_directories=True) == []


def test_we_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "env").mkdir()
    before = sorted(os.listdir("/proc/self/fd"))
    assert read("env") == []
    assert os.getcwd() == str(tmp_path)
    assert sorted(os.listdir("/proc/self/fd")) == before


def failing(
    monkeypatch: pytest.MonkeyPatch, function: str, path: bytes | None, error: OSError
) -> None:
    """Make one of os's functions fail for one argument."""
    original = getattr(os, function)

    def instead(*arguments: object, **keywords: object) -> object:
        if path is None or arguments[0] == path:
            raise error
        return original(*arguments, **keywords)

    monkeypatch.setattr(os, function, instead)


@pytest.mark.parametrize(
    ("function", "path", "step"),
    [
        ("chdir", None, variables.ENTER),
        ("fchdir", None, variables.RETURN),
        ("listdir", None, variables.LIST),
        ("read", None, variables.FILE),
        ("open", b"V", variables.FILE),
        ("open", b".", variables.CURRENT),
    ],
)
def test_each_step_can_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, path: bytes | None, step: str
) -> None:
    (tmp_path / "V").write_bytes(b"1")
    monkeypatch.chdir(tmp_path)
    failing(monkeypatch, function, path, OSError(5, "I/O"))
    with pytest.raises(variables.Failed) as caught:
        variables.read(b".")
    assert caught.value.step == step
    assert caught.value.error.errno == 5


def test_out_of_descriptors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pending: Pending
) -> None:
    (tmp_path / "V").write_bytes(b"1")
    monkeypatch.chdir(tmp_path)
    # Fill the holes below the highest, as each new descriptor is to be one more.
    highest = max(map(int, os.listdir("/proc/self/fd")))
    opened = [os.dup(0)]
    while opened[-1] < highest:
        opened.append(os.dup(0))
    lowest = opened.pop()
    os.close(lowest)
    steps = [variables.CURRENT, variables.OPEN, variables.FILE]
    limits = pending.soft_limits()
    for more, step in enumerate(steps):
        limits.set(resource.RLIMIT_NOFILE, lowest + more)
        with pytest.raises(variables.Failed) as caught:
            variables.read(b".")
        assert caught.value.step == step
    limits.set(resource.RLIMIT_NOFILE, lowest + len(steps))
    assert variables.read(b".") == [b"V=1"]
    for fd in opened:
        os.close(fd)


@pytest.mark.parametrize(("content", "noted"), [(b"x", False), (b"x\n", False), (b"x\ny", True)])
def test_what_a_file_holds_beside_its_line_is_noted(
    tmp_path: Path, pending: Pending, content: bytes, noted: bool
) -> None:
    (tmp_path / "V").write_bytes(content)
    read(tmp_path)
    assert pending.taken_out is noted
