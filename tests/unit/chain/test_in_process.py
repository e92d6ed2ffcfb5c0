"""What tells one of our launchers, and the parts of an exec done by hand."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from slashservice.supervise import program, signal_numbers, signals
from slashservice.supervise.chain import environment, in_process, launchers, pathexec
from slashservice.supervise.chain.pending import Pending
from slashservice.supervise.platform import clib


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., bytes]:
    """Write a launcher, or something like it; return its path."""

    def write(name: str, text: str | None = None, mode: int = 0o755) -> bytes:
        path = tmp_path / name
        path.write_text(text or launchers.text(name, sys.executable, launchers.home()))
        path.chmod(mode)
        return os.fsencode(path)

    return write


@pytest.mark.parametrize("name", launchers.COMMANDS)
def test_every_launcher_is_known(command: Callable[..., bytes], name: str) -> None:
    path = command(name)
    assert in_process.command_at(path) == name
    assert os.stat(path).st_size <= program.LAUNCHER_SIZE


def test_through_links(command: Callable[..., bytes], tmp_path: Path) -> None:
    command("envdir")
    (tmp_path / "one").symlink_to("envdir")
    (tmp_path / "two").symlink_to("one")
    assert in_process.command_at(os.fsencode(tmp_path / "two")) == "envdir"


def test_every_changed_byte_counts(command: Callable[..., bytes]) -> None:
    text = launchers.text("envdir", sys.executable, launchers.home())
    for at in range(len(text)):
        changed = text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]
        assert in_process.command_at(command("envdir", changed)) is None
    for changed in (text + "\n", text[:-1], " " + text, text * 2, text + "x" * 2000):
        assert in_process.command_at(command("envdir", changed)) is None


def test_other_interpreter_code_or_name(command: Callable[..., bytes]) -> None:
    for changed in (
        launchers.text("envdir", sys.executable + "x", launchers.home()),
        launchers.text("envdir", sys.executable, "/elsewhere"),
        launchers.text("no_such", sys.executable, launchers.home()),
        launchers.text("", sys.executable, launchers.home()),
    ):
        assert in_process.command_at(command("envdir", changed)) is None


def test_what_is_no_launcher_at_all(command: Callable[..., bytes], tmp_path: Path) -> None:
    for content in (b"", b"run('envdir')\n", b"\nrun('", os.urandom(500), b"#!/bin/sh\n"):
        (tmp_path / "x").write_bytes(content)
        (tmp_path / "x").chmod(0o755)
        assert in_process.command_at(os.fsencode(tmp_path / "x")) is None
    assert in_process.command_at(os.fsencode(tmp_path)) is None
    assert in_process.command_at(b"/nowhere") is None
    assert in_process.command_at(command("envdir", mode=0o644)) is None


@pytest.fixture
def going_on(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Let ``go_on`` leave this process alone; return what it did."""
    did: list[object] = []
    monkeypatch.setattr(in_process, "close_on_exec", lambda: did.append("close"))
    monkeypatch.setattr(in_process, "set_name", lambda name: did.append(name))
    monkeypatch.setattr(in_process, "become_visible", lambda: did.append("visible"))
    monkeypatch.setattr(environment, "hand_over", lambda entries: did.append(entries))
    monkeypatch.setattr(signals, "ignore_as_python_does", lambda: did.append("signals"))
    return did


def test_going_on(command: Callable[..., bytes], going_on: list[object]) -> None:
    path = command("envdir")
    with pytest.raises(program.GoOn) as caught:
        in_process.go_on(path, [b"x", b"env", b"prog"], [b"A=1"])
    assert (caught.value.name, caught.value.argv) == ("envdir", [b"env", b"prog"])
    assert caught.value.path == path
    assert going_on == ["close", "signals", [b"A=1"], b"envdir"]


def test_going_on_as_one_that_stays(
    command: Callable[..., bytes], going_on: list[object], pending: Pending
) -> None:
    class Waiting:
        waiting: ClassVar = {0: 5}

        def settle(self) -> None:
            going_on.append("settle")

    pending.limits = Waiting()  # type: ignore[assignment]
    with pytest.raises(program.GoOn):
        in_process.go_on(command("svscan"), [b"svscan"], [])
    assert going_on == ["close", "signals", [], "settle", "visible", b"svscan"]


@pytest.mark.parametrize("name", ["multilog", "svscan", "fghack"])
def test_what_was_taken_out_takes_a_real_exec(
    command: Callable[..., bytes], going_on: list[object], pending: Pending, name: str
) -> None:
    pending.taken_out = True
    in_process.go_on(command(name), [os.fsencode(name)], [])
    assert going_on == []
    with pytest.raises(program.GoOn):
        in_process.go_on(command("envdir"), [b"envdir"], [])


@pytest.mark.parametrize(("waiting", "real"), [({}, True), ({9: 5}, False)])
def test_limits_that_no_interpreter_could_live_under_keep_it_hidden(
    command: Callable[..., bytes],
    going_on: list[object],
    pending: Pending,
    monkeypatch: pytest.MonkeyPatch,
    waiting: dict[int, int],
    real: bool,
) -> None:
    class Waiting:
        descriptors = None

        def __init__(self) -> None:
            self.waiting = {0: 5}

        def settle(self) -> None:
            self.waiting = waiting

    monkeypatch.setattr(in_process, "hide", lambda: going_on.append("hidden"))
    pending.limits = Waiting()  # type: ignore[assignment]
    pending.taken_out = True
    if real:
        in_process.go_on(command("svscan"), [b"svscan"], [])
        assert going_on == []
    else:
        with pytest.raises(program.GoOn):
            in_process.go_on(command("svscan"), [b"svscan"], [])
        assert going_on == ["close", "signals", [], "hidden", b"svscan"]


@pytest.mark.parametrize("number", [0, 5, 9])
def test_too_few_descriptors_for_an_interpreter(
    command: Callable[..., bytes], going_on: list[object], pending: Pending, number: int
) -> None:
    class Waiting:
        descriptors = number
        waiting: ClassVar = {7: number}

        def settle(self) -> None:
            going_on.append("settle")

    pending.limits = Waiting()  # type: ignore[assignment]
    pending.taken_out = True
    with pytest.raises(program.GoOn):
        in_process.go_on(command("fghack"), [b"fghack"], [])
    assert going_on == ["close", "signals", [], b"fghack"]


def test_going_on_as_a_log_host_leaves_it_hidden(
    command: Callable[..., bytes], going_on: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_process, "hide", lambda: going_on.append("hidden"))
    with pytest.raises(program.GoOn):
        in_process.go_on(command("loghost"), [b"loghost", b"3"], [])
    assert going_on == ["close", "signals", [], "hidden", b"loghost"]


def test_code_out_of_reach_takes_a_real_exec(
    command: Callable[..., bytes], going_on: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(in_process, "load", load)
    in_process.go_on(command("envdir"), [b"envdir"], [])
    assert going_on == []


@pytest.mark.parametrize("reason", ["too many words", "other root"])
def test_when_only_the_kernel_can_tell(
    command: Callable[..., bytes], going_on: list[object], pending: Pending, reason: str
) -> None:
    entries = [b"x" * 1000] * 100 if reason == "too many words" else []
    pending.other_root = reason == "other root"
    pathexec.go_on_if_ours(command("envdir"), [b"envdir"], entries)
    assert going_on == []


def test_descriptors_that_an_exec_would_close() -> None:
    """In a process of its own, lest it close what the tests need."""
    child = os.fork()
    if child == 0:
        gone, kept = os.dup(0), os.dup(0)
        os.set_inheritable(kept, True)
        in_process.close_on_exec()
        left = set(map(int, os.listdir("/proc/self/fd")))
        os._exit(kept not in left or gone in left)
    assert os.waitpid(child, 0)[1] == 0


def test_without_a_list_of_descriptors_all_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A chroot may have no /proc."""
    monkeypatch.setattr(in_process, "DESCRIPTORS", str(tmp_path / "none"))
    with open(tmp_path / "file", "w") as file:
        in_process.close_on_exec()
        os.fstat(file.fileno())


def test_the_name() -> None:
    with open(in_process.NAME, "rb") as file:
        before = file.read().rstrip(b"\n")
    try:
        in_process.set_name(b"a name that is too long")
        with open(in_process.NAME, "rb") as file:
            assert file.read() == b"a name that is \n"
    finally:
        in_process.set_name(before)


def test_a_name_that_can_not_be_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_ctypes: None
) -> None:
    with open(in_process.NAME, "rb") as file:
        before = file.read()
    monkeypatch.setattr(in_process, "NAME", os.fsencode(tmp_path / "none" / "comm"))
    in_process.set_name(b"a name")
    monkeypatch.undo()
    with open(in_process.NAME, "rb") as file:
        assert file.read() == before


@pytest.fixture
def hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Let this process seem hidden from its account; return the calls that make it visible."""
    calls: list[tuple[int, int]] = []
    owner = os.geteuid() + 1
    monkeypatch.setattr(in_process, "OWNER", os.fsencode(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: owner)
    monkeypatch.setattr(in_process, "MAPS", os.fsencode(tmp_path / "maps"))
    monkeypatch.setattr(clib, "prctl", lambda option, value: calls.append((option, value)))
    return calls


MODULES = "7f0 r-xp /lib/x86_64/libnss_files.so.2\n7f1 r-xp /lib/x86_64/libc.so.6\n"


@pytest.mark.parametrize("maps", [MODULES, "7f1 r-xp /lib/x86_64/libc.so.6\n"])
def test_who_changed_the_account_becomes_visible(
    maps: str, hidden: list[tuple[int, int]], tmp_path: Path
) -> None:
    (tmp_path / "maps").write_text(maps)
    in_process.become_visible()
    assert hidden == [(clib.PR_SET_DUMPABLE, 1)]


def test_what_a_name_service_may_have_left_stays_hidden(
    hidden: list[tuple[int, int]], tmp_path: Path
) -> None:
    (tmp_path / "maps").write_text(MODULES + "7f2 r-xp /lib/x86_64/libnss_sss.so.2\n")
    in_process.become_visible()
    assert hidden == []


def test_without_proc_it_stays_hidden(hidden: list[tuple[int, int]]) -> None:
    in_process.become_visible()
    assert hidden == []


def test_hiding(hidden: list[tuple[int, int]]) -> None:
    in_process.hide()
    assert hidden == [(clib.PR_SET_DUMPABLE, 0)]


def test_hiding_where_that_is_impossible(no_ctypes: None) -> None:
    """Changing the account hides as well."""
    in_process.hide()


def test_the_program_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """``run`` calls one command after the other, each with its own words."""
    calls = []

    def first(argv: list[bytes]) -> None:
        calls.append((program.called(), argv))
        raise program.GoOn("second", [b"\xff"], b"/path/to/link")

    def second(argv: list[bytes]) -> int:
        calls.append((program.called(), argv))
        return 9

    class End(BaseException):
        pass

    def end(status: int) -> None:
        raise End(status)

    monkeypatch.setattr(program, "load", {"first": first, "second": second}.__getitem__)
    monkeypatch.setattr(sys, "argv", ["/x/first", "a"])
    monkeypatch.setattr(os, "_exit", end)
    before = signals.getsignal(signal_numbers.SIGINT)
    try:
        with pytest.raises(End) as ended:
            program.run("first")
    finally:
        signals.signal(signal_numbers.SIGINT, before)
    assert ended.value.args == (9,)
    assert calls == [("first", [b"a"]), ("link", [b"\xff"])]
