"""``slashservice why``: each defect is named, and what is to be typed mends it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.administration import Administrator
from helpers.checkout import CHECKOUT, PYTHON
from helpers.processes import kill
from helpers.services import await_down, await_pid, status_of, write_script
from helpers.tree import SLEEP, Tree
from helpers.waiting import until

from slashservice.supervise.version import VERSION

LOG = "#!/bin/sh\nexec multilog t ./main\n"


class Defect(NamedTuple):
    """A run script, what is said of it, and what is to be typed; ``%`` stands for its path."""

    script: str
    what: str
    remedy: str
    mends: bool = False
    mode: int = 0o755
    log: str | None = None


DEFECTS = {
    "not executable": Defect(SLEEP, "%/run is not executable", "chmod +x %/run", True, 0o644),
    "CR LF": Defect(
        "#!/bin/sh\r\nexec sleep 1000\r\n",
        "the lines of %/run end in CR LF, as on Windows: the kernel looks for an interpreter of "
        "that name",
        "sed -i 's/\\r$//' %/run",
        True,
    ),
    "no interpreter line": Defect(
        "exec sleep 1000\n",
        "%/run does not begin with #!, so the kernel can't run it",
        "sed -i '1i #!/bin/sh' %/run",
        True,
    ),
    "interpreter": Defect(
        "#!/usr/bin/pearl\n",
        "%/run is for /usr/bin/pearl, which is not there",
        "slashservice edit it",
    ),
    "env": Defect(
        "#!/usr/bin/env pearl\n",
        "%/run is for pearl, which is not on the PATH of services: ",
        "slashservice edit it",
    ),
    "program": Defect(
        "#!/bin/sh\nexec 2>&1\nexec envdir ./env /usr/sbin/no-such-daemon -f\n",
        "there is no program /usr/sbin/no-such-daemon",
        "slashservice edit it",
    ),
    "program on the PATH": Defect(
        "#!/bin/sh\nexec no-such-daemon -f\n",
        "there is no program no-such-daemon on the PATH of services: ",
        "slashservice edit it",
    ),
    "account": Defect(
        "#!/bin/sh\nexec setuidgid nosuchbody sleep 1000\n",
        "there is no account nosuchbody",
        "useradd --system nosuchbody",
    ),
    "account of chpst": Defect(
        "#!/bin/sh\nexec chpst -u nosuchbody:nogroup -o 64 sleep 1000\n",
        "there is no account nosuchbody",
        "useradd --system nosuchbody",
    ),
    "group of chpst": Defect(
        "#!/bin/sh\nexec chpst -u nobody:nosuchgroup sleep 1000\n",
        "there is no group nosuchgroup",
        "groupadd --system nosuchgroup",
    ),
    "directory of envdir": Defect(
        "#!/bin/sh\nexec envdir ./env sleep 1000\n",
        "there is no directory %/./env, which envdir reads",
        "mkdir %/./env",
        True,
    ),
    "status": Defect(
        "#!/bin/sh\nexit 7\n",
        "it ends soon after each start: exit 7",
        "slashservice logs it",
        log=LOG,
    ),
    "no such command": Defect(
        "#!/bin/sh\nno-such-command\n",
        "it ends soon after each start: exit 127, the last time after ",
        "it has no log: ",
    ),
    "syntax": Defect(
        "#!/bin/sh\nif true; then\n",
        "its shell can't read it: ",
        "slashservice edit it",
    ),
    "signal": Defect(
        "#!/bin/sh\nkill -SEGV $$\n",
        "it ends soon after each start: SEGV",
        "it has no log: what it says stands among the messages of svscan",
    ),
}


def comm(pid: int) -> str:
    """Return what a process is called."""
    return Path(f"/proc/{pid}/comm").read_text().strip()


def pairs(said: str) -> list[tuple[str, str]]:
    """Return what is said, each with the remedy below it."""
    return re.findall(r"^  (\S.*)\n(?:      (.*)\n)?", said, re.MULTILINE)


@pytest.mark.parametrize("kind", DEFECTS)
def test_each_defect(tree: Tree, admin: Administrator, kind: str) -> None:
    defect = DEFECTS[kind]
    path = tree.add("it", defect.script, defect.log)
    (path / "run").chmod(defect.mode)
    tree.svscan()
    until(lambda: admin.state("it") == "failing", "it fails")
    said = admin.types("why", "it")
    assert said.status == 1 and said.lines[0].startswith("it: failing")
    named = str(tree.scan / "it")
    what, remedy = (text.replace("%", named) for text in (defect.what, defect.remedy))
    found = [pair for pair in pairs(said.out) if pair[0].startswith(what)]
    assert found and found[0][1].startswith(remedy), said.out
    if defect.mends:
        subprocess.run(["/bin/sh", "-c", found[0][1]], check=True)
        await_pid(path)
        until(lambda: (now := status_of(path)) and now.pid, "it stays up")


def test_nothing_is_wrong(tree: Tree, admin: Administrator) -> None:
    path = tree.add("web", log=LOG)
    tree.svscan()
    pid = await_pid(path)
    until(lambda: admin.services("web")["web"]["log"]["state"] == "running", "its log runs")
    said = admin.types("why", "web")
    assert (said.status, said.errors) == (0, "")
    assert re.fullmatch(
        rf"web: running \(pid {pid}\) for \S+\n  nothing is wrong with it that can be seen\n",
        said.out,
    )


@pytest.mark.parametrize(
    ("letters", "down", "state", "what", "remedy"),
    [
        ("-d", False, "down", "somebody stopped it, ", "slashservice start it"),
        ("", True, "down", "it is normally down", "slashservice enable it; slashservice start it"),
        ("-p", False, "paused", "somebody paused it", "slashservice cont it"),
    ],
)
def test_what_somebody_wanted(
    tree: Tree,
    admin: Administrator,
    letters: str,
    down: bool,
    state: str,
    what: str,
    remedy: str,
) -> None:
    """That is nothing wrong: the exit status is 0."""
    path = tree.add("it", down=down)
    tree.svscan()
    if letters:
        await_pid(path)
        tree.svc(letters, path)
    until(lambda: admin.state("it") == state, "it is so")
    said = admin.types("why", "it")
    assert said.status == 0
    found = [pair for pair in pairs(said.out) if pair[0].startswith(what)]
    assert found and found[0][1] == remedy, said.out


@pytest.mark.parametrize(("part", "code"), [("finish", 0), ("finish", 3), ("run", 3)])
def test_what_its_own_scripts_put_down(
    tree: Tree, admin: Administrator, part: str, code: int
) -> None:
    """Nobody has stopped it, as far as can be known."""
    down = "trap '' TERM; svc -d .; " if part == "run" else ""
    path = tree.add("it", f"#!/bin/sh\n{down}exit {code}\n", down=True)
    if part == "finish":
        write_script(path / "finish", "#!/bin/sh\nsvc -d .\n")
    tree.svscan(prefix=["/usr/bin/env", f"PATH={tree.commands}:/usr/bin:/bin"])
    until(lambda: status_of(path), "it is there")
    said = admin.types("start", "it")
    if code:
        line = f"it: started, and died at once: exit {code}; it is not started again"
        assert (said.status, said.lines[0]) == (1, line)
    else:
        assert said.status == 0 and re.match(r"it: ran once, and ended after .*: exit 0$", said.out)
    (path / "down").unlink()
    told = admin.types("why", "it")
    what = f"(exit {code}); its {part} script had it stay down, or somebody did"
    assert told.status == 0 and what in told.out, told.out


@pytest.mark.parametrize("names_it", [True, False])
def test_a_port_that_somebody_has(tree: Tree, admin: Administrator, names_it: bool) -> None:
    """The line that says so names the port; or only the run script does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_server(('127.0.0.1', {port}))"
        script = f'#!/bin/sh\nexec 2>&1\n{sys.executable} -c "{code}" || '
        where = f": 127.0.0.1:{port}" if names_it else ""
        script += f"{{ echo cannot listen: Address already in use{where}; exit 1; }}\n"
        path = tree.add("it", script, log=LOG)
        tree.svscan()
        current = path / "log/main/current"
        until(lambda: current.exists() and current.stat().st_size > 200, "it has said why")
        until(lambda: admin.state("it") == "failing", "it fails")
        said = admin.types("why", "it")
        assert re.search(rf"  port {port} is held by \S+ \(pid {os.getpid()}\)\n", said.out), (
            said.out
        )


def test_a_daemon_that_goes_into_the_background(tree: Tree, admin: Administrator) -> None:
    tree.add("it", "#!/bin/sh\nsleep 1000 &\nexit 0\n")
    tree.svscan()
    until(lambda: admin.state("it") == "failing", "it fails")
    said = admin.types("why", "it")
    assert "it puts itself into the background: sleep (pid " in said.out
    tree.svc("-d", tree.real / "it")
    await_down(tree.real / "it")


def test_what_gave_up_and_its_neighbours(tree: Tree, admin: Administrator) -> None:
    tree.add("gave-up", "#!/bin/sh\nexit 100\n")
    old = tree.add("old", log=LOG)
    (tree.scan / "dangling").symlink_to("/nowhere")
    tree.svscan()
    await_pid(old)
    (tree.scan / "old").unlink()
    until(lambda: admin.state("gave-up") == "failed", "it gave up")
    until(lambda: admin.state("old") == "unlinked", "it is unlinked")
    said = admin.types("why", "gave-up", "dangling", "old")
    assert said.status == 1
    assert "it has said that it can't work (exit 100), and is not started again" in said.out
    assert (
        f"{tree.scan}/dangling leads nowhere: /nowhere\n      rm {tree.scan}/dangling\n" in said.out
    )
    found = re.search(r"to end it: (svc -dx \S+ \S+);", said.out)
    assert found
    subprocess.run(["/bin/sh", "-c", found[1]], check=True, env={"PATH": f"{tree.commands}:/bin"})
    until(lambda: "old" not in admin.services(), "it is gone")


def test_what_another_service_ends(tree: Tree, admin: Administrator) -> None:
    path = tree.add("it")
    tree.add("watchdog", "#!/bin/sh\nsleep 0.1\n# svc -t it\nsv term ./it\nexec sleep 1000\n")
    tree.svscan()
    pid = await_pid(path)
    for _ in range(3):
        kill(pid, signal.SIGTERM)
        pid = await_pid(path, other_than=pid)
    said = admin.types("why", "it")
    assert "somebody sends it TERM again and again; watchdog/run may do that" in said.out


def test_without_svscan(tree: Tree, admin: Administrator) -> None:
    tree.add("it")
    said = admin.types("why", "it")
    assert said.status == 1
    assert f"no svscan runs on {tree.scan}, so nothing is started again" in said.out


RUNS_A_LIBRARY = """#!/bin/sh
exec {} -c 'import ctypes, time; ctypes.CDLL("./libm.so"); open("ready", "w"); time.sleep(1000)'
"""


@pytest.mark.parametrize("what", ["run", "env", "new variable", "program", "library", "nothing"])
def test_what_was_changed_after_the_start(tree: Tree, admin: Administrator, what: str) -> None:
    script = "#!/bin/sh\nexec envdir ./env ./program 1000\n"
    path = tree.make("it", RUNS_A_LIBRARY.format(sys.executable) if what == "library" else script)
    (path / "env").mkdir()
    (path / "env/A").write_text("1\n")
    shutil.copy("/bin/sleep", path / "program")
    libm = next(Path("/lib").glob("*/libm.so.6"))
    shutil.copy(libm, path / "libm.so")
    (tree.scan / "it").symlink_to(path)
    tree.svscan()
    pid = await_pid(path)
    until(lambda: (path / "ready").exists() or comm(pid) == "program", "it is what it becomes")
    assert "changed" not in admin.types("why", "it").out
    if what == "run":
        write_script(path / "run", script + "# changed\n")
    elif what == "env":
        (path / "env/A").write_text("2\n")
    elif what == "new variable":
        (path / "env/B").write_text("2\n")
    elif what in ("program", "library"):
        name = "program" if what == "program" else "libm.so"
        shutil.copy(path / name, path / "new")
        (path / "new").rename(path / name)
    said = admin.types("why", "it")
    assert said.status == 0
    sentences = {
        "run": "its run script was changed after it was started",
        "env": "the variables in ./env were changed after it was started",
        "new variable": "the variables in ./env were changed after it was started",
        "program": f"{path}/program was replaced after it was started: it runs the old one",
        "library": f"{path}/libm.so was replaced after it was started: it runs the old one",
        "nothing": "nothing is wrong with it that can be seen",
    }
    assert [one for one, _ in pairs(said.out)] == [sentences[what]], said.out
    if what != "nothing":
        assert pairs(said.out)[0][1] == "slashservice restart it"
        assert admin.types("restart", "it").status == 0
        assert "after it was started" not in admin.types("why", "it").out


@pytest.mark.parametrize("how", ["another version", "gone"])
def test_an_svscan_whose_code_is_another_by_now(
    tree: Tree, admin: Administrator, how: str, tmp_path: Path
) -> None:
    """As after an upgrade by a package, in the same place."""
    home = tmp_path / "code"
    (home / "slashservice").mkdir(parents=True)
    shutil.copytree(CHECKOUT / "supervise", home / "slashservice/supervise")
    path = tree.add("it")
    begin = "import sys; from slashservice.supervise.commands.svscan import main; "
    words = [PYTHON, "-c", f"{begin}sys.exit(main([{str(tree.scan)!r}.encode()]))"]
    tree.start(words, cwd=home)
    await_pid(path)
    assert "its svscan" not in admin.types("why", "it").out
    if how == "gone":
        (home / "slashservice").rename(home / "elsewhere")
        what = f"its svscan runs code that is no longer in {home}/slashservice"
    else:
        version = home / "slashservice/supervise/version.py"
        version.write_text(version.read_text().replace(VERSION, "9.9"))
        what = f"its svscan runs version {VERSION}, and {home}/slashservice has 9.9 by now"
    said = admin.types("why", "it")
    assert what in [one for one, _ in pairs(said.out)], said.out
    assert said.status == 0


def test_a_log_without_a_directory(tree: Tree, admin: Administrator) -> None:
    path = tree.add("it", "#!/bin/sh\necho said\nexec sleep 1000\n", log=LOG)
    (path / "log/main").write_text("no directory")
    tree.svscan()
    await_pid(path)
    until(lambda: admin.services("it")["it"]["log"]["state"] == "failing", "its log fails")
    said = admin.types("why", "it")
    assert said.status == 1 and "its log dies soon after each start: exit 111" in said.out


def test_no_such_service(tree: Tree, admin: Administrator) -> None:
    said = admin.types("why", "nope")
    assert (said.status, said.out) == (111, "")
    assert said.errors == f"slashservice: fatal: there is no service nope in {tree.scan}\n"
