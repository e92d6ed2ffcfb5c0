"""``slashservice import`` and ``export`` as they are typed: what is done, or not, and said."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from helpers.administration import on_screen
from helpers.converting import Importer
from helpers.services import await_pid, pid_of
from helpers.waiting import until

pytestmark = [pytest.mark.root]

UNIT = "[Service]\nExecStart=/bin/sleep 1000\nRestart=always\n"


def test_what_would_be_made(importer: Importer) -> None:
    unit = importer.file("web.service", UNIT + "Environment=SECRET=hidden\nProtectHome=yes\n")
    said = importer.types("import", "-n", unit)
    assert said.status == 2
    assert said.lines[0].startswith("web.service:5: ProtectHome= is left out: ")
    assert f"would make {importer.homes}/web, linked as {importer.tree.scan}/web:" in said.lines
    assert "        exec chpst -e ./env -C / /bin/sleep 1000" in said.lines
    assert "    env/SECRET (mode 0600)" in said.lines and "hidden" not in said.out
    assert (importer.linked(), importer.made()) == ([], [])
    assert importer.types("import", unit).status == 0
    again = importer.types("import", "-n", unit)
    assert (again.status, again.lines[-1]) == (
        0,
        f"{importer.homes}/web is there and linked already, just so",
    )


def test_all_or_nothing(importer: Importer) -> None:
    good = [importer.file(f"{name}.service", UNIT) for name in ("a", "b", "c")]
    for bad, said in {
        importer.file("d.service", "[Service]\nExecStart=/no/such\n"): "there is no program",
        importer.file("e.service", UNIT + "User=nosuch\n"): "e.service:4: there is no account",
        importer.given / "nosuch.service": "No such file",
    }.items():
        told = importer.types("import", *good, bad)
        assert (told.status, said in told.errors) == (111, True), told.errors
        assert told.errors.startswith("slashservice: fatal: ")
        assert (importer.linked(), importer.made()) == ([], [])
    assert importer.types("import", good[1]).status == 0
    other = importer.file("other/b.service", UNIT.replace("1000", "2000"))
    told = importer.types("import", good[0], other)
    assert "there is a service b already" in told.errors
    assert importer.linked() == ["b"]
    assert importer.types("import", *good).status == 0
    assert importer.linked() == ["a", "b", "c"]


@pytest.mark.slow
def test_they_start_unless_they_shall_not(importer: Importer) -> None:
    importer.svscan()
    units = [importer.file(f"{name}.service", UNIT) for name in ("a", "b")]
    said = importer.types("import", *units)
    assert said.status == 0
    assert said.out.count("svscan supervises it: ") == 2
    assert all(await_pid(importer.homes / name) for name in "ab")
    quiet = importer.file("c.service", UNIT)
    said = importer.types("import", "--no-start", quiet)
    assert said.status == 0 and "it is down: slashservice start" in said.out
    assert (importer.homes / "c/down").exists() and not pid_of(importer.homes / "c")
    dying = importer.file("d.service", UNIT.replace("/bin/sleep 1000", "/bin/sh -c 'exit 3'"))
    said = importer.types("import", dying)
    assert said.status == 1
    assert "d died at once" in said.out
    assert f"slashservice remove d --in {importer.homes}" in said.out
    assert importer.linked() == ["a", "b", "c", "d"]
    said = importer.types("remove", "a")
    assert said.status == 0 and not (importer.homes / "a").exists()


def test_a_restart_by_hand_is_no_end(importer: Importer) -> None:
    """Without ``Restart=`` it is not started again when it ends; but it is when it is told to."""
    unit = importer.file("web.service", UNIT.replace("Restart=always\n", ""))
    importer.svscan()
    assert importer.types("import", unit).status == 0
    pid = await_pid(importer.homes / "web")
    for turn in range(3):
        places = ["--service-dir", str(importer.tree.scan)]
        told = subprocess.run([str(importer.program), "restart", *places, "web"], check=False)
        assert told.returncode == 0, turn
        pid = await_pid(importer.homes / "web", pid)
    os.kill(pid, signal.SIGKILL)
    until((importer.homes / "web/supervise/failed").exists, "it has failed")
    assert not (importer.homes / "web/told").exists()


@pytest.mark.slow
def test_words_of_several_lines_go_along(importer: Importer) -> None:
    """They are added, exported and imported, and arrive."""
    lines = "trap 'exit 0' TERM\n\nwhile :; do\n  sleep 0.1\ndone"
    setting = "TEXT=one\ntwo\n"
    words = ["--no-log", "--env", setting, "web", "--", "/bin/sh", "-c", lines, "a\nb"]
    importer.svscan()
    said = importer.types("add", *words)
    assert said.status == 0, said
    archive = importer.given / "web.tar"
    assert importer.types("export", "web", "-o", archive).status == 0
    assert importer.types("remove", "web").status == 0
    assert importer.types("import", archive).status == 0
    pid = await_pid(importer.homes / "web")
    expected = "\0".join(["/bin/sh", "-c", lines, "a\nb", ""]).encode()
    until(lambda: Path(f"/proc/{pid}/cmdline").read_bytes() == expected, "it is what was added")
    assert setting.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    places = ["--service-dir", str(importer.tree.scan)]
    shown = subprocess.run(
        [str(importer.program), "env", *places, "web"], capture_output=True, check=True
    )
    assert shown.stdout == b"TEXT=one\\ntwo\\n\n"


@pytest.mark.slow
def test_from_one_tree_to_another(importer: Importer) -> None:
    text = UNIT + 'Environment="SECRET=a b"\nUser=nobody\nKillSignal=INT\nTimeoutStopSec=7\n'
    assert importer.types("import", importer.file("web.service", text)).status == 0
    (importer.homes / "web/data").mkdir()
    shutil.chown(importer.homes / "web/data", "daemon", "daemon")
    archive = importer.given / "web.tar"
    said = importer.types("export", "web", "-o", archive)
    assert (said.status, said.out, said.errors) == (0, "", "")
    assert archive.stat().st_mode & 0o777 == 0o600
    before = {
        str(path.relative_to(importer.homes)): (path.stat().st_mode, path.stat().st_uid)
        for path in importer.homes.rglob("*")
    }
    assert importer.types("remove", "web").status == 0
    importer.svscan()
    said = importer.types("import", archive)
    assert said.status == 0, said
    pid = await_pid(importer.homes / "web")
    until(lambda: Path(f"/proc/{pid}/cmdline").read_bytes() == b"/bin/sleep\x001000\0", "sleep")
    assert b"SECRET=a b" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    after = {
        str(path.relative_to(importer.homes)): (path.stat().st_mode, path.stat().st_uid)
        for path in importer.homes.rglob("*")
        if "supervise" not in path.parts
    }
    assert after == before
    piped = subprocess.run(importer.words("export", "web"), capture_output=True, check=True)
    second = subprocess.run(
        importer.words("import", "--prefix", "second-", "-"),
        input=piped.stdout,
        capture_output=True,
        check=False,
    )
    assert second.returncode == 0, second.stderr
    assert await_pid(importer.homes / "second-web") != pid


def test_no_archive_for_a_terminal(importer: Importer) -> None:
    importer.types("import", importer.file("web.service", UNIT))
    shown = on_screen(importer.words("export", "web"), 80)
    assert "slashservice: fatal: an archive is nothing for a terminal\n" in shown
    assert "slashservice export web -o web.tar" in shown


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["import"], 100, "usage: import takes at least one file or directory"),
        (["export"], 100, "usage: export takes at least one service"),
        (["import", "--from", "odd", "x"], 100, "usage: --from takes"),
        (["import", "--host", "ssh://x", "y"], 100, "usage: --host: copy the files there"),
        (["import", ""], 100, "usage: a file was given as nothing"),
        (["export", "nosuch"], 111, "fatal: there is no service nosuch"),
        (["export", "web", "-o", "/no/such/x"], 111, "fatal: there is no service web"),
    ],
)
def test_wrong_words(words: list[str], status: int, said: str, importer: Importer) -> None:
    told = importer.types(*words)
    assert (told.status, f"slashservice: {said}" in told.errors) == (status, True), told.errors


def test_nothing_steers_the_terminal(importer: Importer) -> None:
    unit = importer.file("web.service", UNIT + "Odd\x1b]0;x\x07=y\n")
    said = importer.types("import", "-n", unit)
    assert "\x1b" not in said.out + said.errors and "Odd\\x1b]0;x\\x07= is left out" in said.out


def test_a_service_that_runs_elsewhere(importer: Importer) -> None:
    importer.svscan()
    service = importer.tree.add("web")
    await_pid(service)
    said = importer.types("import", service)
    assert said.status == 111 and "is supervised where it is: web would run twice" in said.errors


def test_without_yaml(importer: Importer) -> None:
    """Where PyYAML is in no place that is looked at, it is said what to install."""
    file = importer.file("compose.yaml", "services: {a: {image: b}}\n")
    words = importer.words("import", "--engine=true", "-n", file)
    at = words.index("-c") + 1
    words[at] = "import sys; sys.modules['yaml'] = None\n" + words[at]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 111
    assert "fatal: reading compose files needs the Python package yaml" in done.stderr
    assert "apt install python3-yaml" in done.stderr


def test_as_an_ordinary_account(importer: Importer) -> None:
    unit = importer.file("web.service", UNIT)
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    done = subprocess.run(
        [*words, *importer.words("import", unit)],
        capture_output=True,
        text=True,
        check=False,
        env={"HOME": "/nonexistent", "PATH": os.environ["PATH"]},
    )
    assert done.returncode == 111
    assert "only root may do that" in done.stderr


ENDS = {
    "no-well": ("no", 0, "ran once, and ended: exit 0; it is not started again"),
    "no-badly": ("no", 3, "it has said that it can't work, and is not started again"),
    "failure-well": ("on-failure", 0, "ran once, and ended: exit 0; it is not started again"),
    "failure-badly": ("on-failure", 3, "it is started again and again"),
    "success-well": ("on-success", 0, "it is started again and again"),
    "success-badly": ("on-success", 3, "it has said that it can't work, and is not started again"),
    "abnormal-well": ("on-abnormal", 0, "ran once, and ended: exit 0; it is not started again"),
    "always-badly": ("always", 3, "it is started again and again"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDS)
def test_what_is_said_of_an_end_is_what_happens(name: str, importer: Importer) -> None:
    """What is not started again is not said to be; and ``why`` blames nobody for that."""
    restart, code, what = ENDS[name]
    text = f"[Service]\nExecStart=/bin/sh -c 'exit {code}'\nRestart={restart}\n"
    unit = importer.file("it.service", text)
    importer.svscan()
    said = importer.types("import", unit)
    assert what in said.out
    again = (restart, code) in (("always", 3), ("on-failure", 3), ("on-success", 0))
    assert ("again and again" in said.out) == again
    assert said.status == (0 if not code and not again else 1)
    died = (importer.homes / "it/supervise/deaths").read_bytes().count(b"\n")
    if again:
        path = importer.homes / "it/supervise/deaths"
        until(lambda: path.read_bytes().count(b"\n") > died, "it is started again")
        return
    assert died == 1 and "once" in said.out
    words = [str(importer.program), "why", "--service-dir", str(importer.tree.scan), "it"]
    told = subprocess.run(words, capture_output=True, check=False, text=True).stdout
    assert "somebody stopped it" not in told
    ended = f"(exit {code}); its finish script had it stay down, or somebody did"
    assert (ended if not code else "it has said that it can't work") in told


@pytest.mark.slow
def test_one_that_is_not_to_be_started_again_has_died(importer: Importer) -> None:
    """``autorestart=false`` of supervisord: it is down, whatever its exit status."""
    text = "[program:it]\ncommand=/bin/sh -c 'exit 3'\nautorestart=false\n"
    importer.svscan()
    said = importer.types("import", importer.file("supervisord.conf", text))
    line = "it died at once, once in 2 seconds: exit 3; it is not started again"
    assert said.status == 1 and line in said.lines
    assert "again and again" not in said.out
    assert f"it can be started again: slashservice start {importer.tree.scan}/it" in said.out


def test_what_was_copied_is_removed_and_copied_again(importer: Importer) -> None:
    """Also what goes by an archive. What is linked where it was is kept, and it is said why."""
    run = importer.file("web/run", "#!/bin/sh\nexec sleep 1000\n")
    run.chmod(0o755)
    archive = importer.given / "web.tar"
    for turn in range(2):
        assert importer.types("import", run.parent).status == 0, turn
        assert importer.types("import", run.parent).lines[-1].endswith("linked already, just so")
        assert importer.types("export", "web", "-o", archive).status == 0
        said = importer.types("remove", "web")
        assert said.lines[-1] == f"{importer.homes}/web is removed"
        assert (importer.linked(), importer.made(), run.exists()) == ([], [], True)
    for _ in range(2):
        assert importer.types("import", archive).status == 0
        assert importer.types("remove", "web").lines[-1] == f"{importer.homes}/web is removed"
    (importer.tree.scan / "web").symlink_to(run.parent)
    said = importer.types("remove", "web")
    advice = f"rm -r {run.parent}"
    line = f"{run.parent} is kept: it was not made by slashservice; to remove it, too: {advice}"
    assert said.lines[-1] == line
    subprocess.run(["/bin/sh", "-c", advice], check=True)
    assert not run.parent.exists()


def test_what_commands_beside_a_service_are_told(importer: Importer) -> None:
    """``ExecStartPost=`` and ``ExecStop=`` the pid; ``ExecStopPost=`` how it ended."""
    told = importer.given / "told"
    note = importer.file(
        "note", f'#!/bin/sh\necho "$@ $MAINPID $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS" >>{told}\n'
    )
    note.chmod(0o755)
    text = (
        f"[Service]\nExecStart=/bin/sleep 1000\nRestart=always\nExecStartPost={note} begun\n"
        f"ExecStop={note} stop\nExecStopPost={note} ended ${{EXIT_STATUS}}\nRestartSec=1000\n"
    )
    unit = importer.file("it.service", text)
    importer.svscan()
    assert importer.types("import", unit).status == 0
    home = importer.homes / "it"
    pid = await_pid(home)
    until(lambda: told.exists(), "it has begun")
    words = [str(importer.program), "restart", "--service-dir", str(importer.tree.scan), "it"]
    subprocess.run(words, check=True, timeout=100)  # nobody waits for RestartSec=
    second = await_pid(home, pid)
    os.kill(second, signal.SIGKILL)
    until(lambda: "KILL" in told.read_text(), "what is after it knows")
    lines = told.read_text().splitlines()
    assert sorted(lines) == sorted(
        [
            f"begun {pid}   ",
            f"stop {pid}   ",
            "ended TERM  success killed TERM",
            f"begun {second}   ",
            "ended KILL  signal killed KILL",
        ]
    )
