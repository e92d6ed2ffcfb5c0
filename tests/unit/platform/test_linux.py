"""Which process is which: as the kernel tells it in ``/proc``."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.processes import children, descendants, kill
from helpers.waiting import until
from hypothesis import given, settings
from hypothesis import strategies as st

from slashservice.supervise.chain import launchers
from slashservice.supervise.platform import linux


def test_a_process_has_a_start_time_until_it_is_dead() -> None:
    process = subprocess.Popen(["/usr/bin/cat"], stdin=subprocess.PIPE)
    assert process.stdin
    start = linux.started(process.pid)
    assert linux.started(os.getpid()) <= start <= linux.now()
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert linux.started(process.pid) == 0, "a zombie does not run"
    process.wait()
    assert linux.started(process.pid) == 0


def test_a_command_may_be_called_anything(tmp_path: Path) -> None:
    script = tmp_path / "a) Z 1 (b"
    script.symlink_to("/usr/bin/cat")
    process = subprocess.Popen([script], stdin=subprocess.PIPE)
    assert process.stdin
    assert linux.started(process.pid) > 0
    process.stdin.close()
    process.wait()


def leader(**options: object) -> subprocess.Popen[bytes]:
    process: subprocess.Popen[bytes] = subprocess.Popen(
        ["/usr/bin/sleep", "1000"],
        start_new_session=True,
        **options,  # type: ignore[call-overload]
    )
    return process


MARK = 12345


@pytest.fixture
def nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no processes but ours seen: other runs of the tests, and any svscan, mark theirs."""
    names = os.listdir

    def listed(path: str) -> list[str]:
        ours = map(str, descendants(os.getpid())) if path == "/proc" else ()
        return [*ours] or names(path)

    monkeypatch.setattr(os, "listdir", listed)


@pytest.mark.usefixtures("nobody_else")
@pytest.mark.parametrize("how", ["works there", "writes to the pipe", "reads from the pipe"])
def test_a_process_that_lost_its_mark_is_found_at_its_place(tmp_path: Path, how: str) -> None:
    earliest = linux.now()
    (tmp_path / "supervise").mkdir()
    (tmp_path / "log").mkdir()
    pipe = tmp_path / "supervise/pipe"
    os.mkfifo(pipe)
    directory = os.fsencode(tmp_path / "log" if how.startswith("reads") else tmp_path)
    fd = os.open(pipe, os.O_RDWR)
    assert linux.find(MARK, earliest, directory) == 0
    if how == "works there":
        process = leader(cwd=directory)
    elif how == "writes to the pipe":
        process = leader(cwd="/", stdin=subprocess.DEVNULL, stdout=fd)
    else:
        process = leader(cwd="/", stdin=fd)
    try:
        start = linux.started(process.pid)
        assert linux.find(MARK, earliest, directory) == process.pid
        assert linux.find(MARK, start + 1, directory) == 0, "started too early"
        long_before = start - linux.SECONDS_TO_START * os.sysconf("SC_CLK_TCK") - 1
        assert linux.find(MARK, long_before, directory) == 0, "started too late"
        other = os.fsencode(tmp_path if how.startswith("reads") else tmp_path / "log")
        assert linux.find(MARK, start, other) == 0, "not the other part of the pair"
        assert linux.find(MARK, start, b"") == 0, "nobody asked"
        assert linux.find(MARK, start, directory, spawner=process.pid) == 0, "not that one"
    finally:
        os.close(fd)
        process.kill()
        process.wait()


@pytest.mark.usefixtures("nobody_else")
@pytest.mark.parametrize(
    "becomes",
    [
        "exec sleep 1000",
        "cd /; exec env -i sleep 1000",
        "exec /bin/sh -c 'exec env -i /bin/sh -c \"exec sleep 1000\"'",
        "exec setpriv --reuid=65534 --clear-groups env -i sleep 1000",
        "ulimit -n 20; ulimit -c 0; exec 0<&- 1>&- 2>&-; exec sleep 1000",
        "exec nice sleep 1000",
        "setsid sleep 1000 & exec sleep 1000",
    ],
)
def test_a_marked_process_is_found_whatever_it_does(becomes: str, tmp_path: Path) -> None:
    earliest = linux.now()

    def mark() -> None:
        assert linux.mark(MARK)

    process = subprocess.Popen(
        ["/bin/sh", "-c", becomes], start_new_session=True, preexec_fn=mark, cwd="/"
    )
    pid = process.pid
    try:
        until(lambda: Path(f"/proc/{pid}/comm").read_text() == "sleep\n", "it has become sleep")
        assert linux.find(MARK, earliest, b"") == pid
        assert linux.find(MARK + 1, earliest, b"") == 0, "another mark"
        assert linux.find(MARK + linux.SLACK, earliest, b"") == 0, "with the same second one"
        assert linux.find(MARK, linux.started(pid) + 1, b"") in {0, *children(pid)}, "too early"
        if os.stat(f"/proc/{pid}").st_uid == os.getuid():  # else it takes a privilege
            linux.unmark(pid)
            assert linux.find(MARK, earliest, b"") in {0, *children(pid)}
            assert resource.prlimit(pid, linux.MARK) == resource.getrlimit(linux.MARK)
    finally:
        for one in (*children(pid), pid):
            kill(one, signal.SIGKILL)
        process.wait()


@pytest.mark.usefixtures("nobody_else")
def test_one_that_has_no_session_yet_is_found_by_that_of_its_spawner() -> None:
    """The child of posix_spawn(3) makes its session when it gets a processor."""
    earliest = linux.now()
    with subprocess.Popen(
        ["/bin/sh", "-c", "sleep 1000 & echo $!; exec sleep 1000"],
        start_new_session=True,
        preexec_fn=lambda: linux.mark(MARK),
        stdout=subprocess.PIPE,
    ) as spawner:
        assert spawner.stdout
        pid = int(spawner.stdout.readline())
        try:
            assert linux.find(MARK, earliest, b"", spawner.pid) == pid
            assert linux.find(MARK + 1, earliest, b"", spawner.pid) == 0, "another mark"
            assert linux.find(MARK, earliest, b"", os.getpid()) == spawner.pid, "not its spawner"
        finally:
            kill(pid, signal.SIGKILL)
            spawner.kill()


@pytest.mark.root
@pytest.mark.usefixtures("nobody_else")
@pytest.mark.parametrize("limit", [resource.RLIM_INFINITY, 4096])
def test_one_whose_limits_were_set_anew_is_found_by_its_second_mark(limit: int) -> None:
    """As PAM does it. Not if another first mark is on it, to which the second belongs."""
    earliest = linux.now()
    process = leader(preexec_fn=lambda: linux.mark(MARK))
    try:
        resource.prlimit(process.pid, linux.MARK, (limit, resource.RLIM_INFINITY))
        assert linux.find(MARK, earliest, b"") == process.pid
        assert linux.find(MARK + 1, earliest, b"") == 0, "another mark"
        other = MARK + linux.SLACK
        resource.prlimit(process.pid, linux.MARK, (other, resource.RLIM_INFINITY))
        assert linux.find(other, earliest, b"") == process.pid
        assert linux.find(MARK, earliest, b"") == 0, "this one is not ours"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("place", ["/proc/{}/limits", "/proc/{}/fd"])
def test_a_process_that_goes_while_it_is_looked_at_is_not_the_one(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It led a session when it was listed. Each look at it tells by itself that it has gone."""
    with subprocess.Popen(["/usr/bin/true"]) as gone:
        pass
    assert not os.path.exists(place.format(gone.pid))
    (tmp_path / "supervise").mkdir()
    os.mkfifo(tmp_path / "supervise/pipe")
    fields = [b"S", b"1", b"0", b"%d" % gone.pid, *[b"0"] * 15, b"%d" % linux.now()]
    names = os.listdir
    monkeypatch.setattr(linux, "_stat", lambda pid: fields)
    monkeypatch.setattr(
        os, "listdir", lambda path: [f"{gone.pid}"] if path == "/proc" else names(path)
    )
    assert linux.find(MARK, 0, os.fsencode(tmp_path)) == 0
    monkeypatch.setattr(linux, "_mark_of", lambda pid: MARK)
    assert linux.find(MARK, 0, os.fsencode(tmp_path)) == gone.pid, "else it would be the one"


@pytest.mark.parametrize("yes", [True, False])
def test_orphans_become_ours(yes: bool) -> None:
    code = (
        "import os; from slashservice.supervise.platform import linux\n"
        f"assert linux.adopt_orphans(True) and linux.adopt_orphans({yes})\n"
        "reading, writing = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    if os.fork(): os._exit(0)\n"
        "    os.read(reading, 1); os._exit(7)\n"
        "os.wait(); os.write(writing, b'x')\n"
        "try: print(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        "except ChildProcessError: print('none')\n"
    )
    said = subprocess.check_output([sys.executable, "-c", code])
    assert said == (b"7\n" if yes else b"none\n")


@pytest.mark.parametrize("name", ["pidfd_open", "splice"])
def test_a_python_that_was_built_without_a_call(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: dict[str, Callable[[], int]] = {
        "pidfd_open": lambda: linux.open_process(os.getpid()),
        "splice": lambda: linux.splice(0, 1, 1, 0),
    }
    monkeypatch.delattr(os, name)
    with pytest.raises(OSError) as caught:
        calls[name]()
    assert caught.value.errno == errno.ENOSYS, "as if the kernel lacked it"


SHOW = f"""
import sys
slashservice = type(sys)("slashservice")
slashservice.__path__ = [{launchers.home()!r}]
sys.modules["slashservice"] = slashservice
from slashservice.supervise.platform import linux
print(linux.boot().decode(), linux.boot().decode())
"""


@pytest.mark.root
def test_lives_of_containers_are_told_apart() -> None:
    """Also where the kernel gives one the number of the one before, as it often does."""
    names = set()
    for _ in range(5):
        command = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-ISc", SHOW]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        first, second = done.stdout.split()
        assert first == second
        names.add(first)
    assert len(names) == 5
    assert linux.boot().decode() not in names


TOLD = (
    SHOW.rpartition("print")[0]
    + """
pid = int(sys.argv[1])
print(linux.boot().decode(), linux.started(pid), linux.now())
"""
)


@pytest.mark.root
@settings(max_examples=8)
@given(st.integers(-1000, 10) | st.integers(0, 10**9))
def test_every_time_namespace_is_told_the_same(ahead: int) -> None:
    """A svscan may be in another one than the svscan before it."""
    ahead = max(ahead, -linux.started(1) // os.sysconf("SC_CLK_TCK") + 1)
    pid = os.getpid()
    command = ["unshare", "--time", "--fork", f"--boottime={ahead}", sys.executable, "-ISc", TOLD]
    before = linux.now()
    said = subprocess.run([*command, str(pid)], capture_output=True, text=True, check=True).stdout
    life, start, now = said.split()
    assert (life, int(start)) == (linux.boot().decode(), linux.started(pid))
    assert before <= int(now) <= linux.now()


@pytest.mark.root
def test_a_time_namespace_that_only_children_will_be_in_counts_for_nothing() -> None:
    """Older kernels leave a program that ``unshare --time`` becomes where it was."""
    enter = """
import ctypes, sys
assert ctypes.CDLL(None, use_errno=True).unshare(0x80) == 0, ctypes.get_errno()
with open("/proc/self/timens_offsets", "w") as file:
    file.write("boottime 1000 0")
"""
    command = [sys.executable, "-ISc", enter + TOLD, str(os.getpid())]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.split()[:2] == [linux.boot().decode(), str(linux.started(os.getpid()))]


def test_a_clock_that_can_be_set_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    tell = time.clock_gettime_ns

    def telling(clock: int) -> int:
        asked.append(clock)
        return tell(clock)

    def fail() -> float:
        raise AssertionError("the time of day can be set")

    monkeypatch.setattr(time, "clock_gettime_ns", telling)
    for name in ("time", "time_ns"):
        monkeypatch.setattr(time, name, fail)
    assert 0 < linux.started(os.getpid()) <= linux.now()
    assert linux.boot()
    assert asked == [time.CLOCK_BOOTTIME]


def test_a_life_whose_first_process_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = linux.boot()
    monkeypatch.setattr(linux, "_stat", lambda pid: [])
    assert whole.startswith(linux.boot() + b"/")
    assert linux.boot()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO])
@pytest.mark.parametrize("ask", [linux.boot, lambda: linux.started(os.getpid())])
def test_what_can_not_be_told_now_is_trouble(
    number: int, ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That no process runs, or that this life has no name, would start daemons a second time."""

    def fail(*arguments: object, **options: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", fail)
    monkeypatch.setattr(linux, "open", fail, raising=False)
    with pytest.raises(OSError, match=os.strerror(number)):
        ask()
