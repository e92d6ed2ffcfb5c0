"""What ``sysctl`` and ``ps`` of the BSDs and macOS print, understood."""

from __future__ import annotations

import errno
import inspect
import os
import time
from collections.abc import Callable
from types import FunctionType, ModuleType

import pytest

from slashservice.supervise.platform import bsd, linux


def test_both_systems_have_the_same_names() -> None:
    def interface(module: ModuleType) -> dict[str, object]:
        found: dict[str, object] = {}
        for name, value in vars(module).items():
            if name.startswith("_"):
                continue
            if isinstance(value, FunctionType):
                found[name] = inspect.signature(value)
            elif isinstance(value, bool) and name != "TYPE_CHECKING":
                found[name] = bool
            elif name == "STARTS_VARY_BY":
                found[name] = int
        return found

    assert interface(linux) == interface(bsd)
    assert len(interface(bsd)) > 8


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (b"{ sec = 1763, usec = 12 } Wed Nov 26 12:00:00 2026\n", b"sec1763usec12WedNov26"),
        (b"Wed Nov 26 12:00:00 2026\n", b"WedNov26"),  # OpenBSD
        (b"", b""),
    ],
)
def test_a_life_of_the_machine_is_one_word(
    said: bytes, name: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bsd, "_output", lambda *words: said)
    monkeypatch.setattr(bsd, "MESSAGES", "/nowhere")
    assert bsd.boot().startswith(name)
    assert len(bsd.boot().split()) <= 1


def test_a_system_without_sysctl_has_no_name_for_its_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bsd, "FOLDERS", ("/nowhere",))
    assert bsd.boot() == b""


def test_a_command_is_run_from_where_systems_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(bsd, "FOLDERS", ("/nowhere", "/usr/bin"))
    before = os.listdir("/proc/self/fd")
    assert bsd._output("env") == b"LC_ALL=C\nTZ=UTC\n"
    with pytest.raises(FileNotFoundError):
        bsd._output("no such command")
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize(
    ("said", "start"),
    [
        (b"S    Thu Jan  1 00:00:09 1970    \n", 9),
        (b"Ss+  Thu Jan  1 00:01:00 1970\n", 60),
        (b"Z    Thu Jan  1 00:00:09 1970    \n", 0),
        (b"", 0),
    ],
    ids=["runs", "leads a session", "zombie", "gone"],
)
def test_when_a_process_started(said: bytes, start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def output(*words: str) -> bytes:
        asked.append(words)
        return said

    monkeypatch.setattr(bsd, "_output", output)
    assert bsd.started(42) == start
    assert asked == [("ps", "-o", "state=", "-o", "lstart=", "-p", "42")]


def test_the_time_is_in_the_unit_of_the_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 9.999)
    assert bsd.now() == 9, "or what starts within this second would be taken for older"


@pytest.mark.parametrize(
    ("call", "number"),
    [
        (lambda: bsd.open_process(os.getpid()), errno.ENOSYS),
        (lambda: bsd.signal_process(0, 0), errno.ENOSYS),
        (lambda: bsd.path_of(0), errno.ENOSYS),
        (lambda: bsd.splice(0, 1, 1, 0), errno.ENOSYS),
        (lambda: bsd.set_oom_score(0), errno.ENOENT),
    ],
    ids=["open_process", "signal_process", "path_of", "splice", "set_oom_score"],
)
def test_what_these_systems_lack_fails_as_it_would_there(
    call: Callable[[], object], number: int
) -> None:
    with pytest.raises(OSError) as caught:
        call()
    assert (caught.value.errno, caught.value.strerror) == (number, os.strerror(number))


def test_a_process_that_is_not_recorded_is_not_found() -> None:
    assert not bsd.can_mark()
    assert not bsd.mark(1)
    bsd.unmark(os.getpid())
    assert bsd.find(1, 0, b"/") == 0
    assert not bsd.adopt_orphans(True)
