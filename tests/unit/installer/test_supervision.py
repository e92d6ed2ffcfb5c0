"""The installer's side of supervision, where there is less than it looks for."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.services import write_script

from slashservice.installer import boot_verbs, orphans, supervision, waiting
from slashservice.supervise import signals
from slashservice.supervise.platform.current import system
from slashservice.supervise.protocol import record

DEAF = """\
#!/usr/bin/python3 -IS
import os, signal, sys
quit = lambda: (open(sys.argv[-1] + "/quit", "x"), os._exit(0))
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGQUIT, lambda number, frame: quit())
with open(sys.argv[-1] + "/words.new", "x") as file:
    file.write(" ".join(sys.argv[1:]))
os.rename(file.name, sys.argv[-1] + "/words")
while True:
    signal.pause()
"""


def failing(number: int) -> Callable[..., None]:
    """Return a call that always fails with that error."""

    def call(*given: object, **named: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


def test_a_file_is_not_supervised(tmp_path: Path) -> None:
    (tmp_path / "service").touch()
    assert not supervision.supervised(str(tmp_path / "service"))
    assert not supervision.tell(str(tmp_path / "service"), b"x")


@pytest.mark.parametrize(("number", "raised"), [(errno.ENXIO, False), (errno.EIO, True)])
def test_nobody_there_is_no_trouble_but_all_else_is(
    number: int, raised: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slashservice.supervise.protocol.client.tell", failing(number))
    if raised:
        with pytest.raises(OSError, match="Input/output error"):
            supervision.tell("/x", b"x")
    else:
        assert not supervision.tell("/x", b"x")


def test_a_lock_is_held_or_not(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with lock.open("w") as file:
        assert not supervision.held(str(lock))
        fcntl.flock(file, fcntl.LOCK_EX)
        assert supervision.held(str(lock))


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        (record.of(os.getpid(), record.life()).line(), True),
        (record.of(os.getpid(), b"another/1/2").line(), False),
        (record.of(os.getpid(), record.NAMELESS).line(), True),
        (b"", True),
        (b"C has nothing in it".ljust(record.LENGTH), True),
        (None, True),
    ],
)
def test_a_pid_of_another_life_of_the_machine_is_somebody_else_s(
    line: bytes | None, counts: bool, tmp_path: Path
) -> None:
    """Otherwise a drain would start svscan, and all services, just to stop them."""
    supervise = tmp_path / "service/supervise"
    supervise.mkdir(parents=True)
    supervise.joinpath("status").write_bytes(
        bytes(12) + os.getpid().to_bytes(4, "little") + b"\0u\0\1"
    )
    if line is not None:
        supervise.joinpath("lock").write_bytes(line)
    assert supervision.daemons(str(tmp_path)) == ([os.getpid()] if counts else [])


@pytest.mark.parametrize("daemons", [[], [7]])
def test_where_descriptors_can_t_be_seen_daemons_tell(
    daemons: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "listdir", failing(errno.EACCES))
    monkeypatch.setattr(supervision, "daemons", lambda directory: daemons)
    assert supervision.busy(os.getpid(), "/x") == bool(daemons)


def test_a_descriptor_that_is_closed_meanwhile_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "supervise").mkdir()
    os.mkfifo(tmp_path / "supervise/control")
    fd = os.open(tmp_path / "supervise/control", os.O_RDWR)
    monkeypatch.setattr(os, "listdir", lambda path: [b"1000000", b"%d" % fd])
    assert supervision.busy(os.getpid(), "/x")
    os.close(fd)
    assert not supervision.busy(os.getpid(), "/x")


def test_one_that_can_t_be_watched_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "open_process", failing(errno.ENOSYS))
    left = [True, True, False]
    monkeypatch.setattr(supervision, "is_alive", lambda pid: left.pop(0))
    supervision._wait_gone(7, 60, str)
    assert left == []


def test_a_svscan_that_does_not_end_is_not_drained(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(supervision, "running", lambda directory: 7)
    monkeypatch.setattr(supervision, "send", lambda pid, number: sent.append((pid, number)))
    monkeypatch.setattr(supervision, "_wait_gone", lambda pid, limit, words: None)
    assert not supervision.drain("/x", limit=0)
    assert sent == [(7, signal.SIGTERM)]


class TestCommandLine:
    """``slashservice drain`` and ``slashservice running``."""

    @pytest.mark.parametrize(
        ("words", "drained"),
        [
            ("", ("/service", False, 120.0)),
            ("-s /x", ("/x", True, 120.0)),
            ("-t 5 -s", ("/service", True, 5.0)),
            ("-", ("-", False, 120.0)),
        ],
    )
    @pytest.mark.parametrize("good", [True, False])
    def test_drain(
        self,
        words: str,
        drained: tuple[str, bool, float],
        good: bool,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        asked: list[tuple[str, bool, float]] = []

        def drain(directory: str, stay: bool, limit: float) -> bool:
            asked.append((directory, stay, limit))
            return good

        monkeypatch.setattr(supervision, "drain", drain)
        monkeypatch.setattr(os.path, "isdir", lambda path: True)
        monkeypatch.setattr(supervision, "up", lambda directory: ["slow (pid 7)"])
        monkeypatch.setattr(signals, "signal", lambda number, handler: None)
        assert boot_verbs.main(["drain", *words.split()]) == (0 if good else 111)
        assert asked == [drained]
        trouble = f"services in {drained[0]} did not go down in time: slow (pid 7)\n"
        assert capsys.readouterr().err == ("" if good else f"slashservice: fatal: {trouble}")

    @pytest.mark.parametrize("words", ["drain -x", "drain -t", "drain -t x", "drain a b"])
    def test_wrong_usage(self, words: str, capsys: pytest.CaptureFixture[str]) -> None:
        assert boot_verbs.main(words.split()) == 100
        assert capsys.readouterr().err == boot_verbs.USAGE[words.split()[0]]

    @pytest.mark.parametrize(
        ("words", "svscan", "daemons", "said", "status"),
        [
            ("", 7, [8], "7\n", 0),
            ("", 0, [8], "", 100),
            ("-a", 7, [8], "7\n", 0),
            ("-a", 0, [8, 9], "8 9\n", 0),
            ("-a", 0, [], "", 100),
        ],
    )
    def test_running(
        self,
        words: str,
        svscan: int,
        daemons: list[int],
        said: str,
        status: int,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(supervision, "running", lambda directory: svscan)
        monkeypatch.setattr(supervision, "daemons", lambda directory: daemons)
        assert boot_verbs.main(["running", *words.split(), "/x"]) == status
        assert capsys.readouterr().out == said

    @pytest.mark.parametrize("words", ["running -s", "running -t 5", "running a b", "drain -a"])
    def test_running_has_no_other_options(
        self, words: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert boot_verbs.main(words.split()) == 100
        assert capsys.readouterr().err == boot_verbs.USAGE[words.split()[0]]


class TestOrphans:
    """A svscan is started just to drain."""

    def test_it_is_the_one_beside_the_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "argv", ["/command/slashservice", "drain"])
        assert orphans.svscan() == "/command/svscan"

    def test_where_there_is_none_nothing_is_done(self, tmp_path: Path) -> None:
        orphans.drain("/x", str(tmp_path / "svscan"), 60)

    def test_one_that_does_not_end_is_ended(self, tmp_path: Path) -> None:
        begun = time.monotonic()
        orphans.drain(str(tmp_path), str(write_script(tmp_path / "svscan", DEAF)), 1.0)
        assert time.monotonic() - begun > 0.9
        assert (tmp_path / "words").read_text() == f"-n -d {tmp_path}", "it starts nothing"
        assert (tmp_path / "quit").exists()

    def test_an_interruption_ends_it(self, tmp_path: Path) -> None:
        """It would still be there when the services are started again."""

        def interrupt(number: int, frame: object) -> None:
            if (tmp_path / "words").exists():
                signal.setitimer(signal.ITIMER_REAL, 0)
                raise InterruptedError

        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
            with pytest.raises(InterruptedError):
                orphans.drain(str(tmp_path), str(write_script(tmp_path / "svscan", DEAF)), 60.0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert (tmp_path / "quit").exists()


def test_what_is_waited_for_is_said_ever_more_rarely(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock()
    waited: list[float] = []

    def wait(condition: object, limit: float) -> bool:
        waited.append(limit)
        clock.now += limit
        return False

    monkeypatch.setattr(waiting, "wait_for", wait)
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    assert not waiting.wait_telling(lambda: False, 10.0, lambda: "waiting for x")
    assert waited == [1.0, 2.0, 4.0, 3.0]
    assert capsys.readouterr().err == "slashservice: waiting for x\n" * 3


class Clock:
    """A clock that tests set."""

    now = 0.0


def test_many_services_are_not_all_named() -> None:
    assert waiting.listed([str(n) for n in range(10)]) == "0, 1, 2, 3, 4, 5, 6, 7 and 2 more"
    assert waiting.listed(["0"]) == "0"


@pytest.mark.parametrize("named", ["HOME", "XDG_DATA_HOME"])
def test_an_account_drains_its_own(
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = tmp_path / (".local/share" if named == "HOME" else "")
    monkeypatch.setattr(os, "geteuid", lambda: 7)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setenv(named, str(tmp_path))
    asked: list[str] = []
    monkeypatch.setattr(supervision, "running", asked.append)
    assert boot_verbs.main(["running"]) == 100
    assert boot_verbs.main(["running", "--user"]) == 111
    assert "slashservice install --user" in capsys.readouterr().err
    (data / "slashservice").mkdir(parents=True)
    (data / "slashservice/receipt.json").write_text('{"service_dir": "/mine"}')
    assert boot_verbs.main(["running"]) == 100
    assert boot_verbs.main(["running", "--user"]) == 100
    assert boot_verbs.main(["running", "/x"]) == 100
    assert boot_verbs.main(["running", "--user", "/x"]) == 100
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert boot_verbs.main(["running"]) == 100
    assert asked == ["/service", "/mine", "/mine", "/x", "/service"]
