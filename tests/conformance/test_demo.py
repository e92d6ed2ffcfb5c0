"""The README's first command: the demonstration, as a user sees it, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from helpers.administration import without_colour
from helpers.demonstration import PROGRAM, Demo
from helpers.processes import kill, runs
from helpers.services import in_status, is_supervised
from helpers.terminal import Terminal, terminal
from helpers.waiting import GENEROUS, until

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}"
SHELL = ["bash", "--norc", "--noprofile"]
OVER = "All down, and nothing left behind."


@pytest.fixture
def demo() -> Iterator[Demo]:
    with tempfile.TemporaryDirectory(prefix="d") as folder:
        made = Demo(Path(folder))
        yield made
        made.end()


@pytest.fixture
def screen(demo: Demo, request: pytest.FixtureRequest) -> Iterator[Terminal]:
    """A terminal with the demonstration, of which ``request.param`` may say more."""
    settings = getattr(request, "param", {})
    size = (settings.get("columns", 80), settings.get("rows", 24))
    environment = {**demo.settings, **settings.get("environment", {})}
    with terminal(demo.folder, [str(PROGRAM)], *size, **environment) as made:
        yield made


def row(screen: Terminal, name: str) -> list[str]:
    """Return the words of the line of a service in the table."""
    return next((line.split() for line in screen.lines() if line.split()[:1] == [name]), [])


def test_lines_where_no_screen_can_be_drawn(demo: Demo) -> None:
    process = demo.start()
    demo.await_words("svscan was started", "clock started (pid ", "sleeper is normally down")
    demo.await_words("crasher died: exit 7 after ", ", 2nd time; started again (pid ")
    said = demo.says()
    assert "\x1b" not in said
    assert f"  . {demo.root}/try" in said
    assert re.search(rf"^{STAMP} clock   it is ", said, re.MULTILINE)
    assert re.search(rf"^{STAMP} crasher no answer, giving up$", said, re.MULTILINE)
    assert "k  kill" not in said, "no key reaches it"
    assert max(map(len, said.replace(str(demo.root), "").splitlines())) < 80
    logged = [line for line in said.splitlines() if " it is " in line]
    assert len(set(logged)) == len(logged), "each line once"
    process.send_signal(signal.SIGINT)
    assert process.wait(GENEROUS) == 0, demo.says()
    assert "Down with them: " in demo.says() and "clock ended: TERM" in demo.says()
    assert demo.says().endswith(f"{OVER}\n")
    demo.await_nothing()


@pytest.mark.parametrize(
    "prefix", [(), ("nohup",), ("setsid", "-w"), ("sh", "-c", "trap '' HUP INT TERM; exec $0")]
)
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_signals_that_end_it(demo: Demo, prefix: Sequence[str], number: int) -> None:
    """Also those that it was started with ignored: nobody else ends what it has started."""
    process = demo.start(*prefix)
    demo.await_words("clock started")
    kill(demo_of(demo), number)
    assert process.wait(GENEROUS) == 0, demo.says()
    assert OVER in demo.says()
    demo.await_nothing()


def demo_of(demo: Demo) -> int:
    """Return the demonstration's own process: the parent of its guard."""
    words = Path(f"/proc/{demo.guard()}/stat").read_text().rpartition(")")[2].split()
    return int(words[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_at_any_moment_of_its_start(demo: Demo, number: int) -> None:
    """It may come before there is anything that could be ended."""
    for moment in ("lock", "try", "said", "service/clock/supervise/ok"):
        process = demo.start()
        until(lambda: any(demo.folder.glob(f"slashservice-demo-*/{moment}")), moment)  # noqa: B023
        process.send_signal(number)
        assert process.wait(GENEROUS) == 0, demo.says()
        demo.await_nothing()


def test_svscan_is_killed_and_nothing_is_lost(demo: Demo) -> None:
    demo.start()
    demo.await_words("clock started")
    clock = in_status(demo.root / "service/clock")
    kill(demo.svscan(), signal.SIGKILL)
    demo.await_words("svscan died: KILL; these run on: clock", "svscan was started again (pid ")
    demo.await_words(f"the new svscan has adopted clock {clock}")
    until(lambda: is_supervised(demo.root / "service/sleeper"), "all have a supervisor again")
    assert in_status(demo.root / "service/clock") == clock


def test_an_end_while_svscan_is_dead(demo: Demo) -> None:
    process = demo.start()
    demo.await_words("clock started")
    kill(demo.svscan(), signal.SIGKILL)
    demo.await_words("svscan died")
    process.send_signal(signal.SIGTERM)
    assert process.wait(GENEROUS) == 0, demo.says()
    demo.await_nothing()


@pytest.mark.parametrize("also_svscan", [False, True])
def test_it_is_killed(demo: Demo, also_svscan: bool) -> None:
    """Its guard ends everything."""
    process = demo.start()
    demo.await_words("clock started")
    svscan = demo.svscan()
    process.kill()
    if also_svscan:
        kill(svscan, signal.SIGKILL)
    process.wait(GENEROUS)
    demo.await_nothing()


def test_its_guard_is_killed(demo: Demo) -> None:
    """It ends, and makes another guard for that."""
    process = demo.start()
    demo.await_words("clock started")
    kill(demo.guard(), signal.SIGKILL)
    assert process.wait(GENEROUS) == 0, demo.says()
    demo.await_nothing()


def test_its_guard_ends_while_it_stands_still(demo: Demo) -> None:
    """Then it is told of that before it knows that all is over."""
    process = demo.start()
    demo.await_words("clock started")
    guard = demo.guard()
    process.send_signal(signal.SIGTERM)
    demo.await_words("Down with them")
    process.send_signal(signal.SIGSTOP)
    until(lambda: not runs(guard), "the guard has ended")
    process.send_signal(signal.SIGCONT)
    assert process.wait(GENEROUS) == 0, demo.says()
    demo.await_nothing()


@pytest.mark.parametrize("also_svscan", [False, True])
def test_the_next_one_ends_what_was_left(demo: Demo, also_svscan: bool) -> None:
    process = demo.start()
    demo.await_words("clock started")
    root, guard, svscan = demo.root, demo.guard(), demo.svscan()
    clock = in_status(root / "service/clock")
    for pid in (guard, process.pid, *([svscan] if also_svscan else [])):
        kill(pid, signal.SIGKILL)
    process.wait(GENEROUS)
    assert runs(clock)
    with terminal(demo.folder, [str(PROGRAM)], 80, 24, **demo.settings) as screen:
        until(lambda: row(screen, "clock")[1:2] == ["running"], "it runs", pause=0.05)
        assert not root.exists() and not runs(clock)
        screen.types("q")
        until(screen.is_over, "it ends")
    demo.await_nothing()


def test_what_others_have_in_use_or_made_is_left_alone(demo: Demo) -> None:
    theirs = demo.folder / "slashservice-demo-theirs"
    theirs.mkdir()
    (theirs / "service").mkdir()
    elsewhere = demo.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    (demo.folder / "slashservice-demo-link").symlink_to(elsewhere)
    other = Demo(demo.folder)
    first = demo.start()
    demo.await_words("clock started")
    other.shown = demo.folder / "other"
    second = other.start()
    other.await_words("clock started")
    second.send_signal(signal.SIGTERM)
    assert second.wait(GENEROUS) == 0
    assert "earlier" not in other.says()
    assert first.poll() is None
    assert theirs.exists() and (elsewhere / "lock").exists()
    first.send_signal(signal.SIGTERM)
    assert first.wait(GENEROUS) == 0
    assert theirs.exists() and (elsewhere / "lock").exists()
    (demo.folder / "slashservice-demo-link").unlink()


def test_output_that_nobody_reads_any_more(demo: Demo) -> None:
    process = subprocess.Popen(
        [PROGRAM],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **demo.settings},
    )
    demo.process = process
    assert process.stdout and process.stderr
    with process.stdout, process.stderr:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(GENEROUS) == 111
        said = process.stderr.read()
    assert said == b"demo: fatal: unable to write to standard output: broken pipe\n"
    demo.await_nothing()


def test_output_that_is_not_read_for_a_while(demo: Demo) -> None:
    """It can be ended all the same: a pager that shows the first page."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    process = subprocess.Popen(
        [PROGRAM],
        stdin=subprocess.DEVNULL,
        stdout=writing,
        env={**os.environ, **demo.settings},
    )
    demo.process = process
    until(lambda: any(demo.folder.glob("slashservice-demo-*/service/clock/log/main")), "it runs")
    process.send_signal(signal.SIGTERM)
    process.wait(GENEROUS)
    os.close(reading)
    os.close(writing)
    demo.await_nothing()


@pytest.mark.parametrize(
    "screen",
    [{"columns": 80}, {"columns": 60}, {"columns": 60, "rows": 16}, {"columns": 200, "rows": 60}],
    indirect=True,
    ids=str,
)
def test_all_stays_on_the_screen(demo: Demo, screen: Terminal) -> None:
    screen.await_text("failing")
    until(lambda: re.search(rf"{STAMP[:20]}", screen.shows()), "a log is shown", pause=0.05)
    shown = screen.await_text("crasher died: exit 7 after ")
    size = screen.tmux("display", "-p", "#{pane_width} #{pane_height}").split()
    assert max(map(len, screen.lines())) <= int(size[0])
    for words in ("k  kill -9 clock", "u  svc -u sleeper", "s  kill -9 svscan", "q  end"):
        assert words in shown
    assert row(screen, "clock")[1:3] == ["running", str(in_status(demo.root / "service/clock"))]
    assert row(screen, "sleeper")[1] == "down"
    if int(size[1]) >= 24:
        assert f"  . {demo.root}/try" in shown
    assert re.search(rf"{STAMP} clock   it is |{STAMP} crasher ", shown)
    screen.types("q")
    until(screen.is_over, "it ends")
    demo.await_nothing()


def test_keys(demo: Demo, screen: Terminal) -> None:
    until(lambda: row(screen, "clock")[1:2] == ["running"], "it runs", pause=0.05)
    clock, sleeper = demo.root / "service/clock", demo.root / "service/sleeper"
    pid = in_status(clock)
    screen.types("k")
    screen.await_text(f"you: kill -9 {pid} (clock)")
    screen.await_text("clock died: KILL after ")
    new = until(lambda: (now := in_status(clock)) != pid and now, "it is started again")
    screen.await_text(str(new))
    screen.types("u")
    screen.await_text("sleeper started (pid ")
    assert in_status(sleeper)
    screen.types("d")
    screen.await_text("sleeper ended: TERM after ")
    assert not in_status(sleeper)
    svscan = demo.svscan()
    screen.types("s")
    screen.await_text(f"you: kill -9 {svscan} (svscan)")
    screen.await_text("svscan died: KILL; these run on: clock")
    screen.await_text(f"the new svscan has adopted clock {new}")
    screen.types("x", "Escape", "Up")
    assert not screen.is_over()
    screen.types("q")
    until(screen.is_over, "it ends")
    demo.await_nothing()


def test_the_other_terminal(demo: Demo, screen: Terminal) -> None:
    """What it says to type there works, word by word."""
    until(lambda: row(screen, "clock")[1:2] == ["running"], "it runs", pause=0.05)
    *_, source, words = (line.strip() for line in screen.lines() if line.startswith("  "))
    pid = in_status(demo.root / "service/clock")
    typed = f"{source}\n{words.replace('svlog -f', 'svlog')}\n"
    said = subprocess.run(
        ["sh", "-c", typed], capture_output=True, text=True, timeout=GENEROUS, check=True
    )
    assert f"clock: up (pid {pid})" in said.stdout
    assert re.search(rf"^{STAMP} it is ", said.stdout, re.MULTILINE)
    screen.await_text("clock ended: TERM after ")


@pytest.mark.parametrize("keys", ["q", "C-c", "C-\\", "C-d"])
def test_keys_that_end_it(demo: Demo, keys: str) -> None:
    """And the terminal is as it was."""
    with terminal(demo.folder, SHELL, 80, 24, **demo.settings, PS1="prompt: ") as screen:
        screen.await_text("prompt:")
        screen.types(f"cd {demo.folder}; stty -a >before; {PROGRAM}; stty -a >after", "Enter")
        until(lambda: row(screen, "clock")[1:2] == ["running"], "it runs", pause=0.05)
        screen.types(keys)
        shown = screen.await_text(OVER)
        assert "kill -9" not in shown, "the other screen is gone"
        until(lambda: (demo.folder / "after").exists(), "the shell goes on")
    before, after = ((demo.folder / name).read_text() for name in ("before", "after"))
    assert before == after
    demo.await_nothing()


@pytest.mark.parametrize(
    "command",
    ["exec $0", "$0; :", "trap '' HUP; exec $0", "nohup $0 >/dev/null; :", "$0 >/dev/null & wait"],
)
def test_a_terminal_that_is_closed(demo: Demo, command: str) -> None:
    """However it was started there: it notices."""
    words = ["sh", "-c", command, str(PROGRAM)]
    with terminal(demo.folder, words, 80, 24, **demo.settings) as screen:
        until(lambda: any(demo.processes()), "it runs")
        demo.svscan()
        screen.tmux("kill-server")
    demo.await_nothing()


@pytest.mark.parametrize(
    "screen",
    [{"environment": {"NO_COLOR": "1"}}, {"environment": {"TERM": "vt100"}}],
    indirect=True,
    ids=str,
)
def test_without_colour(demo: Demo, screen: Terminal, request: pytest.FixtureRequest) -> None:
    screen.await_text("failing")
    if "NO_COLOR" in str(request.node.callspec.params):
        assert "\x1b[" not in screen.shows(coloured=True)
    assert row(screen, "clock")[1] == "running"


def test_in_colour(demo: Demo, screen: Terminal) -> None:
    screen.await_text("failing")
    shown = screen.shows(coloured=True)
    assert re.search(r"\x1b\[31m\S*failing", shown) and re.search(r"\x1b\[32m\S*running", shown)
    assert "failing" in without_colour(shown)


@pytest.mark.parametrize(
    "screen",
    [{"environment": {"TERM": term}, "columns": 60} for term in ("dumb", "nonsense", "''")]
    + [{"columns": 39}],
    indirect=True,
    ids=str,
)
def test_a_terminal_that_can_not_be_drawn_on(demo: Demo, screen: Terminal) -> None:
    """Lines come one after another; keys are followed by enter."""
    screen.await_text("clock started")
    screen.types("k", "Enter")
    screen.await_text("you: kill -9 ")
    assert "Type, and then enter:" in screen.tmux("capture-pane", "-p", "-J", "-S", "-200")
    screen.types("q", "Enter")
    until(screen.is_over, "it ends")
    demo.await_nothing()


def test_it_is_stopped_and_goes_on(demo: Demo) -> None:
    """As by ^Z, after which a shell wants the terminal."""
    with terminal(demo.folder, SHELL, 80, 24, **demo.settings, PS1="prompt: ") as screen:
        screen.await_text("prompt:")
        screen.types(str(PROGRAM), "Enter")
        until(lambda: row(screen, "clock")[1:2] == ["running"], "it runs", pause=0.05)
        screen.types("C-z")
        screen.await_text("Stopped")
        screen.types("echo $((6*7)) is echoed", "Enter")
        screen.await_text("42 is echoed")
        screen.types("fg", "Enter")
        until(lambda: row(screen, "clock")[1:2] == ["running"], "it goes on", pause=0.05)
        screen.types("q")
        screen.await_text(OVER)
    demo.await_nothing()


def test_another_size(demo: Demo, screen: Terminal) -> None:
    until(lambda: row(screen, "clock")[1:2] == ["running"], "it runs", pause=0.05)
    screen.tmux("resize-window", "-x", "60", "-y", "30")
    until(lambda: len(screen.lines()) == 30 and "svlog -f" in screen.lines()[-1], "it has it")
    assert max(map(len, screen.lines())) <= 60


def test_it_does_not_take_a_directory_in_use(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    done = subprocess.run(
        [PROGRAM, tmp_path], capture_output=True, text=True, timeout=GENEROUS, check=False
    )
    assert done.returncode == 111
    assert done.stderr == f"demo: fatal: unable to make {tmp_path}: file already exists\n"
    assert (tmp_path / "mine").exists()


def test_a_directory_that_is_given(demo: Demo) -> None:
    """Its name may have anything in it."""
    mine = demo.folder / "slashservice-demo-it's $(mine)"
    process = subprocess.Popen(
        [PROGRAM, mine],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHON": sys.executable},
    )
    demo.process = process
    until(lambda: (mine / "service/clock/log/main/current").exists(), "it runs")
    until(lambda: is_supervised(mine / "service/clock"), "it is supervised")
    said = subprocess.check_output(["sh", "-c", '. "$0/try"; svstat clock', mine], text=True)
    assert said.startswith("clock: up (pid ")
    process.send_signal(signal.SIGTERM)
    assert process.wait(GENEROUS) == 0, demo.says()
    demo.await_nothing()
