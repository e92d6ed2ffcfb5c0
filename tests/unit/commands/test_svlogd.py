"""What svlogd does otherwise than runit's, as it says it does."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import logs
from helpers.running import Running
from helpers.waiting import until


@pytest.fixture
def where() -> Iterator[Path]:
    with logs.scratch() as made:
        (made / "d").mkdir()
        yield made


def configure(where: Path, *lines: str) -> None:
    (where / "d/config").write_text("".join(line + "\n" for line in lines))


def test_a_last_line_without_an_end_is_kept(where: Path, ours: Path) -> None:
    words = [str(ours / "svlogd"), "-t", "d"]
    subprocess.run(words, input=b"abc\ndef", cwd=where, check=True)
    assert logs.STAMP.sub(b"", (where / "d/current").read_bytes()) == b"abc\ndef\n"


def test_term_in_a_line(where: Path, ours: Path) -> None:
    with Running(ours / "svlogd", ["d"], where) as svlogd:
        svlogd.write(b"abc\nde")
        svlogd.signal(signal.SIGTERM)
        os.write(svlogd.fifo, b"fg\nfor the next\n")
        assert svlogd.end() == (0, b"")
        assert svlogd.current() == b"abc\ndefg\n"
        assert os.read(svlogd.fifo, 100) == b"for the next\n"


def test_a_processor_that_is_killed_has_failed(where: Path, ours: Path) -> None:
    configure(where, "!cat; test -e ../again || { touch ../again; kill -9 $$; }")
    with Running(ours / "svlogd", ["d"], where) as svlogd:
        svlogd.write(b"abc\n")
        svlogd.signal(signal.SIGALRM)
        until(lambda: [path.suffix for path in (where / "d").glob("@*")] == [".s"], "processed")
        svlogd.signal(signal.SIGTERM)
        assert svlogd.end() == (0, b"svlogd: warning: processor failed, restart: d\n")
        assert svlogd.old() == [b"abc\n"]


def test_a_processor_that_fails_is_not_run_over_and_over(where: Path, ours: Path) -> None:
    """Nor does it keep the lines: it is run again at once, then after three seconds."""
    configure(where, "!echo >>../runs; test $(wc -l <../runs) = 3 && cat")
    with Running(ours / "svlogd", ["d"], where) as svlogd:
        svlogd.write(b"abc\n")
        began = time.monotonic()
        svlogd.signal(signal.SIGALRM)
        until(
            lambda: (
                (where / "runs").read_bytes() == b"\n\n" if (where / "runs").exists() else False
            ),
            "ran twice",
        )
        svlogd.write(b"meanwhile\n")
        assert svlogd.current() == b"meanwhile\n"
        until(lambda: [path.suffix for path in (where / "d").glob("@*")] == [".s"], "processed")
        assert time.monotonic() - began >= 3
        svlogd.signal(signal.SIGTERM)
        assert svlogd.end() == (0, b"svlogd: warning: processor failed, restart: d\n")


def test_a_processor_outlives_hangup(where: Path, ours: Path) -> None:
    os.mkfifo(where / "go")
    configure(where, "!cat ../go -")
    with Running(ours / "svlogd", ["d"], where) as svlogd:
        svlogd.write(b"abc\n")
        svlogd.signal(signal.SIGALRM)
        until(lambda: len(svlogd.old()) == 2, "processor runs")
        svlogd.signal(signal.SIGHUP)
        svlogd.write(b"meanwhile\n")
        (where / "go").write_bytes(b"go\n")
        until(lambda: svlogd.old() == [b"go\nabc\n"], "processed")


def test_lines_whose_only_address_is_none_go_to_the_file(where: Path, ours: Path) -> None:
    configure(where, "U10.0.0")
    words = [str(ours / "svlogd"), "d"]
    done = subprocess.run(words, input=b"abc\n", cwd=where, capture_output=True, check=True)
    assert done.stderr == b"svlogd: warning: unable to scan ip address: 10.0.0\n"
    assert (where / "d/current").read_bytes() == b"abc\n"


def test_a_current_that_is_removed_is_made_again(where: Path, ours: Path) -> None:
    with Running(ours / "svlogd", ["d"], where) as svlogd:
        svlogd.write(b"abc\n")
        (where / "d/current").unlink()
        svlogd.write(b"def\n")
        assert svlogd.current() == b"def\n"
        svlogd.signal(signal.SIGALRM)
        until(lambda: svlogd.old() == [b"def\n"], "rotated")
        svlogd.signal(signal.SIGTERM)
        what = b"svlogd: warning: files of d were removed or replaced, going on\n"
        assert svlogd.end() == (0, what)


def test_a_plus_at_the_end_of_a_line_sees_no_other_line(where: Path, ours: Path) -> None:
    configure(where, "-*", "+a+b")
    words = [str(ours / "svlogd"), "d"]
    subprocess.run(words, input=b"ab\na\n", cwd=where, check=True)
    assert (where / "d/current").read_bytes() == b"ab\n"


def test_version(where: Path, ours: Path) -> None:
    done = subprocess.run([ours / "svlogd", "-V"], capture_output=True, check=False)
    assert done.returncode == 111
    assert done.stderr.startswith(b"slashservice")


def test_hangup_while_a_processor_is_started(where: Path, ours: Path) -> None:
    """A child that has yet to become the processor keeps nobody from the lock."""
    configure(where, "!cat")
    with Running(ours / "svlogd", ["d"], where) as svlogd:
        for number in range(20):
            svlogd.write(b"%d\n" % number)
            svlogd.process.send_signal(signal.SIGALRM)
            svlogd.process.send_signal(signal.SIGHUP)
            until(lambda: len(list((where / "d").glob("@*.s"))) == min(number + 1, 11), "processed")  # noqa: B023
            until(svlogd.waits, "opened again")
        svlogd.signal(signal.SIGTERM)
        assert svlogd.end() == (0, b"")


def test_another_logger_has_the_directory_at_hangup(where: Path, ours: Path) -> None:
    (where / "e").mkdir()
    with Running(ours / "svlogd", ["e", "d"], where) as svlogd:
        svlogd.write(b"one\n")
        (where / "d").rename(where / "away")
        (where / "d").mkdir()
        with (where / "d/lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            svlogd.signal(signal.SIGHUP)
            svlogd.write(b"two\n")
            svlogd.signal(signal.SIGTERM)
            failed = b"svlogd: warning: unable to lock directory: d: temporary failure\n"
            assert svlogd.end() == (0, failed)
        assert (where / "e/current").read_bytes() == b"one\ntwo\n"
        assert (where / "away/current").read_bytes() == b"one\n"
