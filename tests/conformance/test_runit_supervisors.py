"""runsv, runsvdir and runsvchdir beside runit's."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from helpers.processes import comm, kill
from helpers.services import (
    Outcome,
    await_in_place,
    await_pid,
    contents,
    is_supervised,
    make_service,
    pid_of,
    run,
    send,
    services_in,
    write_script,
)
from helpers.waiting import GENEROUS, until

SIDES = ("runit", "ours")
SLEEP = "#!/bin/sh\nexec sleep 1000\n"
LOG = "#!/bin/sh\nexec cat >>lines\n"
TALKS = """\
#!/bin/sh
trap 'echo bye; exit' TERM
echo hello
while :; do sleep 0.01; done
"""


@pytest.fixture
def side(request: pytest.FixtureRequest, ours: Path) -> Path:
    """The directory of the programs of a side."""
    return ours if request.param == "ours" else Path("/usr/bin")


each_side = pytest.mark.parametrize("side", SIDES, indirect=True)


@contextmanager
def running(
    folder: Path,
    *words: str | Path,
    err: Path,
    left: Callable[[], list[Path]],
    prefix: Sequence[str] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """Have a supervisor of either side run; at the end it and all of ``left`` have ended."""
    environment = {"PATH": f"{folder}:/usr/bin:/bin"}
    with err.open("ab") as errors:
        process = subprocess.Popen(
            [*prefix, str(folder / words[0]), *map(str, words[1:])],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        yield process
    finally:
        services = left()
        pids = list(map(pid_of, services))
        with suppress(ProcessLookupError):
            kill(process.pid, signal.SIGKILL)
        process.wait(GENEROUS)
        for service in services:
            send(service, b"dkx")
        for pid in filter(None, pids):
            with suppress(ProcessLookupError):
                kill(pid, signal.SIGKILL)
        for service in services:
            until(lambda: not is_supervised(service), f"{service} is left alone")  # noqa: B023


def odd(top: Path) -> None:
    """Make directories that no runsv can begin with, as ``DIR``."""
    make_service(top / "no supervise", SLEEP)
    (top / "no supervise/supervise").touch()
    make_service(top / "looping", SLEEP)
    (top / "looping/supervise").symlink_to("supervise")
    make_service(top / "too far", SLEEP)
    (top / "too far/supervise").symlink_to("else/where")
    make_service(top / "lock", SLEEP)
    (top / "lock/supervise/lock").mkdir(parents=True)
    make_service(top / "logged", SLEEP, LOG)
    (top / "logged/log/supervise/lock").mkdir(parents=True)
    (top / "file").touch()


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a", "b"],
        ["-h"],
        ["missing"],
        ["file"],
        ["no supervise"],
        ["looping"],
        ["too far"],
        ["lock"],
        ["logged"],
    ],
    ids=" ".join,
)
def test_runsv_refuses(ours: Path, tmp_path: Path, words: list[str]) -> None:
    odd(tmp_path)
    theirs = run("runsv", *words, cwd=tmp_path)
    assert run(ours / "runsv", *words, cwd=tmp_path) == theirs
    assert theirs.status in (1, 111)


def test_a_second_runsv_is_refused(ours: Path, tmp_path: Path) -> None:
    said = b"runsv service: fatal: unable to lock supervise/lock: temporary failure\n"
    service = make_service(tmp_path / "service", SLEEP, LOG)
    for holder in (Path("/usr/bin"), ours):
        with running(holder, "runsv", service, err=tmp_path / "err", left=lambda: [service]):
            pid = await_pid(service)
            for other in (Path("/usr/bin"), ours):
                outcome = run(other / "runsv", "service", cwd=tmp_path)
                assert outcome == Outcome(111, b"", said)
            assert pid_of(service) == pid


@each_side
@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("", b"runsv DIR: fatal: unable to start ./run: "),
        ("log", b"runsv DIR: fatal: unable to start log/./run: "),
    ],
)
def test_what_runsv_says_of_a_script_that_is_missing(
    side: Path, tmp_path: Path, part: str, said: bytes
) -> None:
    service = make_service(tmp_path / "service", SLEEP, LOG)
    (service / part / "run").unlink()
    err = tmp_path / "err"
    with running(side, "runsv", service, err=err, left=lambda: [service]):
        until(lambda: contents(err).endswith(b"\n"), "it complains")
        line = contents(err).splitlines()[0].replace(os.fsencode(service), b"DIR")
        assert line == said + b"file does not exist"


@each_side
def test_runsv_ends_the_service_and_then_its_log(side: Path, tmp_path: Path) -> None:
    service = make_service(tmp_path / "service", TALKS, LOG)
    for part in (service, service / "log"):
        (part / "supervise").symlink_to(tmp_path / f"state of {part.name}")
    with running(side, "runsv", service, err=tmp_path / "err", left=lambda: [service]) as runsv:
        until(lambda: contents(service / "log/lines") == b"hello\n", "it has said hello")
        runsv.send_signal(signal.SIGTERM)
        assert runsv.wait(GENEROUS) == 0
    assert contents(service / "log/lines") == b"hello\nbye\n"
    assert not is_supervised(service)
    assert sorted(path.name for path in tmp_path.glob("state of *")) == [
        "state of log",
        "state of service",
    ]


@each_side
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_runsv_that_dies_leaves_the_service(side: Path, tmp_path: Path, number: int) -> None:
    service = make_service(tmp_path / "service", SLEEP)
    with running(side, "runsv", service, err=tmp_path / "err", left=lambda: [service]) as runsv:
        pid = await_pid(service)
        runsv.send_signal(number)
        assert runsv.wait(GENEROUS) == -number
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("words", [[], ["-P"], ["--"]], ids=" ".join)
def test_runsvdir_refuses(ours: Path, tmp_path: Path, words: list[str]) -> None:
    assert run(ours / "runsvdir", *words, cwd=tmp_path) == run("runsvdir", *words, cwd=tmp_path)


@pytest.mark.parametrize(
    "words",
    [["missing"], ["-P", "missing"], ["-Px", "missing"], ["-x"], ["missing", "short"]],
    ids=" ".join,
)
def test_what_runsvdir_says_of_a_missing_directory(
    ours: Path, tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = []
    for folder in (Path("/usr/bin"), ours):
        err = tmp_path / f"{folder.name}.err"
        with running(folder, "runsvdir", *words, err=err, left=list):
            until(lambda: b"stat" in contents(err), "it complains")  # noqa: B023
        lines = contents(err).replace(bytes(tmp_path) + b"/", b"").splitlines()
        said.append(list(dict.fromkeys(lines)))
    assert said[1] == said[0]


def entries(scan: Path, real: Path) -> None:
    """Fill a directory with services, and with what is none."""
    for name in ("here", "goes", "moves", "returns"):
        make_service(real / name, TALKS.replace("exit", "exit 0"), LOG)
        (scan / name).symlink_to(real / name)
    make_service(scan / ".hidden", SLEEP)
    make_service(scan / "in place", SLEEP)
    (scan / "file").touch()
    (scan / "dangling").symlink_to("nowhere")


@each_side
def test_runsvdir_does_as_its_entries_say(side: Path, tmp_path: Path) -> None:
    scan, real = tmp_path / "scan", tmp_path / "real"
    scan.mkdir()
    entries(scan, real)

    def left() -> list[Path]:
        return [*services_in(real), *services_in(scan)]

    with running(side, "runsvdir", "-P", scan, err=tmp_path / "err", left=left) as runsvdir:
        pids = {name: await_pid(real / name) for name in ("here", "goes", "moves", "returns")}
        await_pid(scan / "in place")
        for name in pids:
            until(lambda: contents(real / name / "log/lines") == b"hello\n", "its log is")  # noqa: B023
        (scan / "moves").rename(scan / "moved")
        (scan / "goes").unlink()
        (scan / "returns").unlink()
        for name in ("goes", "returns"):
            until(lambda: not is_supervised(real / name), f"{name} is stopped")  # noqa: B023
            until(lambda: not is_supervised(real / name / "log"), "so is its log")  # noqa: B023
            assert contents(real / name / "log/lines") == b"hello\nbye\n"
        (scan / "returns").symlink_to(real / "returns")
        await_pid(real / "returns", other_than=pids["returns"])
        assert pid_of(real / "here") == pids["here"]
        assert pid_of(real / "moves") == pids["moves"]
        assert not (scan / ".hidden/supervise").exists()
        runsvdir.send_signal(signal.SIGHUP)
        assert runsvdir.wait(GENEROUS) == 111
        for service in left():
            until(lambda: not is_supervised(service), f"{service} is brought down")  # noqa: B023
    assert contents(real / "here/log/lines") == b"hello\nbye\n"


SLOW = """\
#!/bin/sh
trap 'touch ending' TERM
echo hello
while [ ! -e go ]; do sleep 0.01; done
echo bye
"""


@each_side
def test_a_link_that_comes_back_while_its_service_ends(side: Path, tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    scan.mkdir()
    service = make_service(tmp_path / "service", SLOW, LOG)
    (scan / "service").symlink_to(service)
    with running(side, "runsvdir", scan, err=tmp_path / "err", left=lambda: [service]):
        pid = await_pid(service)
        until(lambda: contents(service / "log/lines") == b"hello\n", "it has said hello")
        (scan / "service").unlink()
        until(lambda: (service / "ending").exists(), "it is told to end")
        (scan / "service").symlink_to(service)
        (service / "go").touch()
        await_pid(service, other_than=pid)
        until(lambda: contents(service / "log/lines").count(b"hello\n") > 1, "it is there again")
        assert contents(service / "log/lines").startswith(b"hello\nbye\nhello\n")


@each_side
def test_runsvdir_leaves_all_at_term(side: Path, tmp_path: Path) -> None:
    """And everything is supervised as before, until it is told to exit: by stage 3 of runit."""
    scan = tmp_path / "scan"
    service = make_service(scan / "service", TALKS, LOG)
    with running(
        side, "runsvdir", scan, err=tmp_path / "err", left=lambda: services_in(scan)
    ) as runsvdir:
        pid, log = await_pid(service), await_pid(service / "log")
        runsvdir.send_signal(signal.SIGTERM)
        assert runsvdir.wait(GENEROUS) == 0
        assert is_supervised(service), "it is still supervised"
        assert (await_pid(service), await_pid(service / "log")) == (pid, log)
        until(lambda: contents(service / "log/lines") == b"hello\n", "it has said hello")
        kill(pid, signal.SIGKILL)
        await_pid(service, other_than=pid)
        until(lambda: contents(service / "log/lines") == b"hello\nhello\n", "it says it again")
        send(service, b"x")
        for part in (service, service / "log"):
            until(lambda: not is_supervised(part), f"{part} has ended")  # noqa: B023
        assert contents(service / "log/lines") == b"hello\nhello\nbye\n"
    assert not keepers(scan)


@each_side
def test_a_log_has_no_finish_script(side: Path, tmp_path: Path) -> None:
    service = make_service(tmp_path / "service", SLEEP, "#!/bin/sh\necho x >>runs\nexit 4\n")
    write_script(service / "log/finish", "#!/bin/sh\n: >finished\n")
    with running(side, "runsv", service, err=tmp_path / "err", left=lambda: services_in(tmp_path)):
        until(lambda: contents(service / "log/runs").count(b"x") > 2, "it died, and again")
    assert not (service / "log/finished").exists()


@pytest.mark.parametrize("ignored", [["HUP"], ["TERM"], ["HUP", "TERM", "INT", "QUIT"], []])
@pytest.mark.parametrize("program", ["runsvdir", "runsv"])
def test_what_services_ignore(program: str, ignored: list[str], ours: Path, tmp_path: Path) -> None:
    """As ``nohup`` has it, or a shell for what is in its background; with none named, all."""
    prefix = ["env", "--ignore-signal" + (f"={','.join(ignored)}" if ignored else "")]
    python = 1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1  # see docs/differences.md
    found: dict[Path, list[int]] = {}
    for side in (Path("/usr/bin"), ours):
        scan = tmp_path / ("ours" if side == ours else "theirs")
        services = [make_service(scan / "service", SLEEP, SLEEP)]
        services.append(services[0] / "log")
        word = scan if program == "runsvdir" else services[0]
        with running(
            side,
            program,
            word,
            err=tmp_path / "err",
            left=services.copy,
            prefix=prefix,
        ):
            for service in services:
                pid = await_pid(service)
                until(lambda: comm(pid) == "sleep", "it is what it becomes")  # noqa: B023
                status = Path(f"/proc/{pid}/status").read_text()
                ignores = int(status.partition("SigIgn:")[2].split()[0], 16)
                found.setdefault(side, []).append(ignores & ~python)
    assert found[ours] == found[Path("/usr/bin")]


STAGES = """\
mount -t tmpfs none /etc/runit
mount -t tmpfs none /run
cp -a "$0"/. /etc/runit
chmod 100 /etc/runit/stopit
(
    until [ -s "$1/service/log/lines" ]; do sleep 0.1; done
    cp /etc/runit/stopit /run/runit.stopit
    chmod 100 /run/runit.stopit
    kill -CONT 1
) &
exec /usr/sbin/runit
"""
"""Boot runit, and shut it down when the service has said something."""


@pytest.mark.root
@each_side
def test_stage_2_of_runit_init(side: Path, tmp_path: Path) -> None:
    """Stage 3 stops what it leaves, in order."""
    stages, scan, told = tmp_path / "stages", tmp_path / "scan", tmp_path / "told"
    service = make_service(scan / "service", TALKS, LOG)
    stages.mkdir()
    (stages / "stopit").touch()
    path = f"PATH={side}:/usr/bin:/bin"
    write_script(stages / "1", "#!/bin/sh\n")
    write_script(
        stages / "2", f"#!/bin/sh\nexec env - {path} runsvdir -P {scan} 'log: {50 * '.'}'\n"
    )
    write_script(
        stages / "3",
        f"#!/bin/sh\nexec >{told}\nPATH=/usr/bin:/bin\n"
        f"sv -w 30 force-stop {scan}/*\nsv -w 30 exit {scan}/*\necho $?\n",
    )
    subprocess.run(
        ["unshare", "-mpf", "--kill-child", "--mount-proc", "sh", "-c", STAGES, stages, scan],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=GENEROUS,
    )
    assert contents(service / "log/lines") == b"hello\nbye\n"
    assert re.fullmatch(rb"ok: down: [^\n]*\nok: [^\n]*\n0\n", contents(told)) or (
        re.fullmatch(rb"ok: down: [^\n]*\n0\n", contents(told))
    )


def keepers(scan: Path) -> list[str]:
    """Return the processes that keep the services of ``scan``; none is there to be seen at last."""

    def found() -> list[str]:
        lines = subprocess.run(
            ["pgrep", "-f", f"runsvdir --keep=[0-9]+ {scan}"], capture_output=True
        )
        return lines.stdout.decode().split()

    until(lambda: not found(), "what kept the services has ended")
    return found()


def title(pid: int) -> bytes:
    """Return the last argument of a process, as ``ps`` shows it."""
    return contents(Path(f"/proc/{pid}/cmdline")).removesuffix(b"\0").rpartition(b"\0")[2]


@each_side
def test_errors_are_shown_in_the_title(side: Path, tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    script = "#!/bin/sh\nprintf 'one\\n\\0two' >&2\nexec sleep 1000\n"
    make_service(scan / "service", script)
    log = "log: " + 60 * "."
    with running(
        side, "runsvdir", scan, log, err=tmp_path / "err", left=lambda: services_in(scan)
    ) as runsvdir:
        until(lambda: title(runsvdir.pid).endswith(b"one\ntwo"), "it shows what was said")
        shown = title(runsvdir.pid)
    assert re.fullmatch(rb"log: \.+one\ntwo", shown)
    assert len(shown) == len(log)


OLD_PLACE = "/etc/runit/runsvdir"
IN_ITS_PLACE = f"""\
exec 3>"$0"
mount -t tmpfs none {OLD_PLACE} && cd "$1" && cp -a . {OLD_PLACE} && shift
PATH=$1; shift
runsvchdir "$@"
status=$?
cd {OLD_PLACE} && /bin/ls -l --time-style=+ | /bin/sed 1d >&3
exit $status
"""
"""Have runit's runsvchdir find what is in a folder, and tell of what it made of that."""


def places(top: Path) -> None:
    for name in ("default", "other", "two words", ".dot"):
        (top / name).mkdir(parents=True)
    (top / "current").symlink_to("default")
    (top / "link").symlink_to("other")
    (top / "file").touch()
    (top / "dangling").symlink_to("nowhere")


def with_previous(top: Path) -> None:
    (top / "previous").symlink_to("other")
    (top / "current.new").touch()


def without_current(top: Path) -> None:
    (top / "current").unlink()


def dangling_current(top: Path) -> None:
    (top / "current").unlink()
    (top / "current").symlink_to("gone")


def real_current(top: Path) -> None:
    (top / "current").unlink()
    (top / "current").mkdir()


def unremovable(top: Path) -> None:
    (top / "current.new").mkdir()


def nothing(top: Path) -> None:
    """Leave it as it is."""


def switched(folder: str | Path, top: Path, words: list[str]) -> tuple[Outcome, bytes]:
    """Run runsvchdir on what is in ``top``; return what it said, and what is there then."""
    listing = top.parent / "list"
    command = ["unshare", "-m", "sh", "-c", IN_ITS_PLACE]
    outcome = run(*command, listing, top, folder, *words)
    return outcome, re.sub(rb"(?m)^\S+ +\S+ +\S+ +\S+ +\d+ +", b"", contents(listing))


@pytest.mark.root
@pytest.mark.parametrize(
    "words",
    [
        [],
        ["other"],
        ["other", "default"],
        ["default"],
        ["./other"],
        [".dot"],
        ["two words"],
        ["link"],
        ["missing"],
        ["dangling"],
        [""],
        ["/"],
        ["file/x"],
        ["current"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    "change",
    [nothing, with_previous, without_current, dangling_current, real_current, unremovable],
)
def test_runsvchdir(
    ours: Path, tmp_path: Path, words: list[str], change: Callable[[Path], None]
) -> None:
    found = []
    for side, folder in zip(SIDES, (Path("/usr/sbin"), ours), strict=True):
        top = tmp_path / side / "top"
        places(top)
        change(top)
        found.append(switched(folder, top, words))
    theirs, mine = found
    assert mine == theirs


@pytest.mark.root
def test_runsvchdir_says_what_is_no_directory(ours: Path, tmp_path: Path) -> None:
    places(tmp_path / "top")
    outcome, _ = switched(ours, tmp_path / "top", ["file"])
    assert outcome == Outcome(111, b"", b"runsvchdir: fatal: file: not a directory.\n")
    outcome, _ = switched("/usr/sbin", tmp_path / "top", ["file"])
    assert outcome == Outcome(111, b"", b"runsvchdir: fatal: filenot a directory.\n")


def test_runsvchdir_elsewhere(ours: Path, tmp_path: Path) -> None:
    places(tmp_path / "top")
    environment = {b"RUNSVDIR": os.fsencode(tmp_path / "top"), b"PATH": b"/usr/bin"}
    done = run(ours / "runsvchdir", "other", env=environment)
    assert done == Outcome(0, b"runsvchdir: other: now current.\n", b"")
    assert os.readlink(tmp_path / "top/current") == "other"
    assert os.readlink(tmp_path / "top/previous") == "default"
    environment[b"RUNSVDIR"] += b"/missing"
    done = run(ours / "runsvchdir", "other", env=environment)
    assert done.status == 111
    assert done.err.startswith(b"runsvchdir: fatal: unable to chdir: ")


def test_runsvdir_follows_runsvchdir(ours: Path, tmp_path: Path) -> None:
    top, real = tmp_path / "top", tmp_path / "real"
    places(top)
    for name in ("stays", "goes", "comes"):
        make_service(real / name, SLEEP)
    (top / "default/stays").symlink_to(real / "stays")
    (top / "default/goes").symlink_to(real / "goes")
    (top / "other/renamed").symlink_to(real / "stays")
    (top / "other/comes").symlink_to(real / "comes")
    service = tmp_path / "service"
    service.symlink_to("top/current")
    environment = {b"RUNSVDIR": os.fsencode(top), b"PATH": b"/usr/bin"}
    with running(ours, "runsvdir", service, err=tmp_path / "err", left=lambda: services_in(real)):
        pid = await_pid(real / "stays")
        await_pid(real / "goes")
        for name in ("other", "default", "other"):
            assert run(ours / "runsvchdir", name, env=environment).status == 0
            started, ended = ("comes", "goes") if name == "other" else ("goes", "comes")
            await_pid(real / started)
            until(lambda: not is_supervised(real / ended), f"{ended} ended")  # noqa: B023
            assert pid_of(real / "stays") == pid


STUBBORN = """\
#!/usr/bin/python3 -IS
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("ready", "w")
while True:
    signal.pause()
"""

WORDS = {
    b"o": b"run, want down",
    b"t": b"run, got TERM",
    b"x": b"run, got TERM, want exit",
    b"xu": b"run, got TERM",
    b"xd": b"run, got TERM, want down",
    b"xo": b"run, got TERM, want down",
    b"p": b"run, paused",
    b"pc": b"run",
    b"do": b"run, got TERM, want down",
    b"ou": b"run",
}
"""What is sent to a service that does not end by TERM, and what its ``stat`` says then."""


@each_side
@pytest.mark.parametrize("program", ["runsv", "runsvdir"])
def test_stat(side: Path, tmp_path: Path, program: str) -> None:
    scan = tmp_path / "scan"
    made = {letters: make_service(scan / letters.decode(), STUBBORN) for letters in WORDS}
    with ExitStack() as stack:
        for words in [[scan]] if program == "runsvdir" else [[path] for path in made.values()]:
            left = partial(services_in, scan) if program == "runsvdir" else partial(list, words)
            stack.enter_context(running(side, program, *words, err=tmp_path / "err", left=left))
        for letters, service in made.items():
            await_in_place(service)
            send(service, letters)
        for letters, service in made.items():
            expected = WORDS[letters] + b"\n"
            stat = service / "supervise/stat"
            until(lambda: contents(stat) == expected, f"{letters!r}: {expected!r}")  # noqa: B023


@each_side
def test_exit_ends_the_log_as_well(side: Path, tmp_path: Path) -> None:
    service = make_service(tmp_path / "service", TALKS, LOG)
    with running(side, "runsv", service, err=tmp_path / "err", left=lambda: [service]) as runsv:
        until(lambda: contents(service / "log/lines") == b"hello\n", "it has said hello")
        send(service / "log", b"x")
        send(service, b"x")
        assert runsv.wait(GENEROUS) == 0
    assert contents(service / "log/lines") == b"hello\nbye\n"


@each_side
def test_what_was_told_to_exit_comes_back_under_runsvdir(side: Path, tmp_path: Path) -> None:
    service = make_service(tmp_path / "scan/service", TALKS, LOG)
    err = tmp_path / "err"
    with running(
        side, "runsvdir", tmp_path / "scan", err=err, left=lambda: services_in(tmp_path / "scan")
    ):
        pid, log = await_pid(service), await_pid(service / "log")
        until(lambda: contents(service / "log/lines") == b"hello\n", "it has said hello")
        send(service, b"x")
        await_pid(service, other_than=pid)
        await_pid(service / "log", other_than=log)
        until(lambda: contents(service / "log/lines") == b"hello\nbye\nhello\n", "it says it again")


@pytest.mark.root
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_as_process_1_it_brings_all_down(ours: Path, tmp_path: Path, number: int) -> None:
    """It would leave nothing running: the kernel kills what is left when it ends."""
    service = make_service(tmp_path / "scan/service", TALKS, LOG)
    inside = subprocess.Popen(
        ["unshare", "-mpf", "--kill-child", "--mount-proc", ours / "runsvdir", tmp_path / "scan"],
        env={"PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: contents(service / "log/lines") == b"hello\n", "it has said hello")
        (first,) = contents(Path(f"/proc/{inside.pid}/task/{inside.pid}/children")).split()
        os.kill(int(first), number)
        assert inside.wait(GENEROUS) == (111 if number == signal.SIGHUP else 0)
    finally:
        inside.kill()
        inside.wait()
    assert contents(service / "log/lines") == b"hello\nbye\n"
