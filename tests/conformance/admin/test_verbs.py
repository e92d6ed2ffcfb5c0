"""The verbs that steer: what they say is so, as the original's svstat has it."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest
from helpers.administration import Administrator, Said
from helpers.processes import catches, runs
from helpers.services import await_down, await_pid, in_status, pid_of, send, status_of, write_script
from helpers.tree import SLEEP, Tree
from helpers.waiting import until

LOG = "#!/bin/sh\nexec multilog t ./main\n"
DIES = "#!/bin/sh\nexec 2>&1\necho no such port\nexit 7\n"
SLOW = """#!/bin/sh
trap 'sleep 0.5; exit 3' TERM
touch ready
while :; do sleep 0.05; done
"""
STUBBORN = "#!/bin/sh\ntrap '' TERM\ntouch ready\nwhile :; do sleep 1; done\n"
FORKS = "#!/bin/sh\nsleep 1000 &\nsleep 1000 &\ntouch ready\nexec sleep 1000\n"
TELLS_ITS_CHILD = """#!/bin/sh
(trap 'sleep 0.2; exit' TERM; touch ready; while :; do sleep 0.05; done) &
echo $! >child
trap 'kill $!; exit' TERM
wait
"""
FINISH = "#!/bin/sh\nsleep 0.3\n: >finished\n"
WAITS = "#!/bin/sh\nuntil [ -e go ]; do sleep 0.05; done\n"
ENDS = "#!/bin/sh\nexit {}\n"

MANY = 30
"""So many at once wait for their turns."""

SUPERVISORS = {
    "ours": None,
    "daemontools": ["/usr/bin/svscan"],
    "runit": ["/usr/bin/runsvdir"],
    "our runsvdir": ["runsvdir"],
}


@pytest.fixture(params=SUPERVISORS)
def supervisor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def start(tree: Tree, supervisor: str) -> None:
    """Have one of the supervisors work on the tree."""
    words = SUPERVISORS[supervisor]
    if words is None:
        tree.svscan()
    else:
        program = words[0] if words[0].startswith("/") else str(tree.commands / words[0])
        tree.start([program, str(tree.scan)])


def test_up_and_down(tree: Tree, admin: Administrator, supervisor: str) -> None:
    web = tree.add("web")
    start(tree, supervisor)
    pid = await_pid(web)
    said = admin.types("stop", "web")
    assert said.status == 0
    assert re.fullmatch(r"web: stopped after \S+ s( \(TERM\))?\n", said.out)
    assert in_status(web) == 0 and not runs(pid)
    assert admin.types("stop", "web").out == "web: is down already\n"
    said = admin.types("start", "web")
    assert said == Said(0, f"web: started (pid {in_status(web)})\n", "")
    said = admin.types("start", "web")
    assert said.status == 0 and f"(pid {in_status(web)}" in said.out
    old = in_status(web)
    said = admin.types("restart", "web")
    new = in_status(web)
    assert said.status == 0 and not runs(old) and new != old
    assert re.fullmatch(rf"web: restarted \(pid {new}, was {old}\) after \S+ s\n", said.out)
    said = admin.types("pause", "web")
    assert said == Said(0, f"web: paused (pid {new})\n", "")
    assert (now := status_of(web)) and now.paused
    said = admin.types("cont", "web")
    assert said == Said(0, f"web: goes on (pid {new})\n", "")
    assert (now := status_of(web)) and not now.paused
    said = admin.types("kill", "web")
    assert said.status == 0 and said.out.startswith(f"web: killed (pid {new}) after")
    assert not runs(new)
    await_pid(web, other_than=new)


def test_a_down_service_is_restarted(tree: Tree, admin: Administrator) -> None:
    web = tree.add("web", down=True)
    tree.svscan()
    until(lambda: status_of(web), "it is there")
    said = admin.types("restart", "web")
    assert said == Said(0, f"web: started (pid {in_status(web)}); it was down\n", "")


def test_engines_are_told_what_was_changed(tree: Tree, admin: Administrator) -> None:
    tree.add("web")
    tree.add("idle", down=True)
    tree.add("app", DIES, down=True)
    tree.svscan()
    for name in ("web", "idle", "app"):
        until(partial(status_of, tree.real / name), "it is there")
    await_pid(tree.real / "web")

    def told(verb: str, status: int = 0) -> dict[str, tuple[bool, bool, bool]]:
        """Return of each whether it was changed, is well, and has a process."""
        said = admin.types(verb, "--json", "web", "idle")
        assert (said.status, said.errors) == (status, "")
        found = json.loads(said.out)
        assert found["version"] == 1 and all(one["said"] for one in found["services"])
        return {
            one["name"]: (one["changed"], one["good"], one["pid"] is not None)
            for one in found["services"]
        }

    assert told("start") == {"web": (False, True, True), "idle": (True, True, True)}
    assert told("start") == {"web": (False, True, True), "idle": (False, True, True)}
    assert told("restart") == {"web": (True, True, True), "idle": (True, True, True)}
    assert told("stop") == {"web": (True, True, False), "idle": (True, True, False)}
    assert told("stop") == {"web": (False, True, False), "idle": (False, True, False)}
    said = admin.types("start", "--json", "app", "nosuch")
    app, none = json.loads(said.out)["services"]
    assert said.status == 1 and app["changed"] and not app["good"] and "exit 7" in app["said"][0]
    assert not none["changed"] and not none["good"]


def test_what_dies_at_once(tree: Tree, admin: Administrator) -> None:
    """That is told, with what it said; what was logged before is not."""
    app = tree.add("app", DIES, log=LOG, down=True)
    (app / "log/main").mkdir()
    before = b"@400000000000000000000000 an old line\n"
    (app / "log/main/current").write_bytes(before)
    (app / "log/main/current").chmod(0o744)
    tree.svscan()
    until(lambda: status_of(app), "it is there")
    said = admin.types("start", "app")
    assert said.status == 1
    first, *more = said.lines
    assert first == "app: started, and died at once, twice: exit 7; it is started again and again"
    assert more and set(more) == {"    no such port"}


def test_what_gives_up(tree: Tree, admin: Administrator) -> None:
    app = tree.add("app", ENDS.format(100), down=True)
    tree.svscan()
    until(lambda: status_of(app), "it is there")
    said = admin.types("start", "app")
    line = "app: started, and died at once: exit 100; it is not started again\n"
    assert said == Said(1, line, "")


@pytest.mark.parametrize("code", [0, 9])
def test_once(tree: Tree, admin: Administrator, code: int) -> None:
    """What is to run once may end: with 0 that is well."""
    job = tree.add("job", ENDS.format(code), down=True)
    long = tree.add("long", down=True)
    tree.svscan()
    for path in (job, long):
        until(partial(status_of, path), "it is there")
    said = admin.types("once", "job", "long")
    assert said.status == (1 if code else 0)
    lines = dict(line.split(": ", 1) for line in said.lines)
    assert f"exit {code}" in lines["job"]
    assert lines["long"] == f"is started, and is not started again (pid {in_status(long)})"
    assert in_status(job) == 0


def finishing(tree: Tree, name: str, script: str = FINISH) -> Path:
    """Add a service with a finish script."""
    path = tree.make(name, SLEEP)
    write_script(path / "finish", script)
    (tree.scan / name).symlink_to(path)
    return path


def crash(tree: Tree) -> list[Path]:
    """Start services that are not to be started again, and have all of them crash at once.

    Then their finish scripts wait for their turns.
    """
    services = [finishing(tree, f"web{number}") for number in range(MANY)]
    tree.svscan()
    pids = [await_pid(path) for path in services]
    for path in services:
        send(path, b"o")
    for path in services:
        until(lambda: (now := status_of(path)) and now.want != b"u", "it runs once")  # noqa: B023
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return services


def test_down_is_what_has_finished(tree: Tree, admin: Administrator) -> None:
    services = crash(tree)
    said = admin.types("wait", "--down", *services)
    left = [path.name for path in services if not (path / "finished").exists()]
    assert said.status == 0 and not left
    assert {one["state"] for one in admin.services().values()} == {"down"}


def test_no_status_says_down_before_the_finish_script_has_ended(tree: Tree) -> None:
    left = crash(tree)
    seen = set()
    while left:
        for path in list(left):
            now = status_of(path)
            assert now
            seen.add((bool(now.pid), now.finish))
            if not now.pid and not now.finish:
                assert (path / "finished").exists()
                left.remove(path)
    assert {(False, True), (True, True), (False, False)} <= seen


def test_stop_waits_for_the_finish_script(tree: Tree, admin: Administrator) -> None:
    web = finishing(tree, "web")
    tree.svscan()
    await_pid(web)
    said = admin.types("stop", "web")
    assert said.status == 0 and (web / "finished").exists()
    assert re.fullmatch(r"web: stopped after \S+ s \(TERM\)\n", said.out)


def test_a_finish_script_is_called_so(tree: Tree, admin: Administrator) -> None:
    """It is sent no signal, and is not the service that is started again."""
    web = finishing(tree, "web", WAITS)
    tree.svscan()
    await_pid(web)
    said = admin.types("kill", "web")
    until(lambda: (now := status_of(web)) and now.finish and now.pid, "it finishes")
    pid = in_status(web)
    assert re.fullmatch(
        r"web: killed \(pid \d+\) after \S+ s; its finish script runs( \(pid \d+\))?, "
        r"and then it is started again\n",
        said.out,
    )
    for verb in ("kill", "reload", "pause"):
        line = f"web: its finish script runs (pid {pid}): no signal is sent to that\n"
        assert admin.types(verb, "web") == Said(0, line, "")
    for verb in ("stop", "restart"):
        said = admin.types(verb, "-w", "0.1", "web")
        line = rf"web: its finish script still runs after \S+ s \(pid {pid}\); kill {pid} ends it\n"
        assert said.status == 1 and re.fullmatch(line, said.out)
    assert admin.types("stop", "-w", "0", "web").status == 1
    (web / "go").touch()
    assert admin.types("wait", "--down", "web").status == 0
    assert admin.types("kill", "web").out == "web: is down: nothing to send KILL to\n"


def test_what_takes_its_time(tree: Tree, admin: Administrator) -> None:
    slow = tree.add("slow", SLOW)
    tree.svscan()
    until(lambda: (slow / "ready").exists(), "it can be slow")
    said = admin.types("stop", "-w", "60", "slow")
    assert said.status == 0
    assert said.out.startswith("slow: stopped after ") and said.out.endswith(" (exit 3)\n")


def test_what_does_not_end(tree: Tree, admin: Administrator) -> None:
    """It is told what it waits for, that it is not over, and what ends it; and that does."""
    stubborn = tree.add("stubborn", STUBBORN)
    tree.svscan()
    until(lambda: (stubborn / "ready").exists(), "it is stubborn")
    pid = await_pid(stubborn)
    said = admin.types("stop", "-w", "2.5", "stubborn")
    assert said.status == 1
    assert said.errors == f"slashservice: waiting for stubborn (pid {pid}) to stop\n"
    still = rf"stubborn: still runs after \d+ s \(pid {pid}\), and is to end; "
    assert re.fullmatch(still + "slashservice kill stubborn ends it\n", said.out)
    said = admin.types("kill", "stubborn")
    assert said.status == 0 and not runs(pid) and in_status(stubborn) == 0
    assert said.lines[0].startswith(f"stubborn: killed (pid {pid}) after")


def test_what_leaves_others_behind(tree: Tree, admin: Administrator) -> None:
    forks = tree.add("forks", FORKS)
    tree.svscan()
    until(lambda: (forks / "ready").exists(), "it has forked")
    said = admin.types("stop", "forks")
    assert said.status == 0
    left = re.findall(r"(\d+) \(sleep\)", said.lines[1])
    assert len(left) == 2 and all(runs(int(pid)) for pid in left)
    assert "of its processes these still run" in said.lines[1]
    for pid in left:
        os.kill(int(pid), signal.SIGKILL)


def test_what_is_about_to_end_is_not_called_left(tree: Tree, admin: Administrator) -> None:
    """The children of a daemon may need a moment more than it to die of what it sends them."""
    forks = tree.add("forks", TELLS_ITS_CHILD)
    tree.svscan()
    until(lambda: (forks / "ready").exists(), "it has forked")
    said = admin.types("stop", "forks")
    assert said.status == 0 and len(said.lines) == 1, said.out
    assert not runs(int((forks / "child").read_text()))


@pytest.mark.parametrize("kind", ["good", "ends"])
def test_signals(tree: Tree, admin: Administrator, kind: str) -> None:
    script = "#!/bin/sh\ntrap : HUP\ntouch ready\nwhile :; do sleep 0.05; done\n"
    web = tree.add("web", script if kind == "good" else SLEEP)
    tree.svscan()
    pid = await_pid(web)
    until(lambda: kind == "ends" or (web / "ready").exists(), "it catches HUP")
    said = admin.types("reload", "web")
    assert said.status == 0
    if kind == "good":
        assert said.out == f"web: HUP is sent (pid {pid})\n"
    else:
        assert said.out.startswith(f"web: HUP was sent, and pid {pid} ended: HUP")
    await_pid(web)
    said = admin.types("kill", "-s", "sigusr1", "web")
    assert said.status == 0 and "USR1 was sent, and " in said.out and "started again" in said.out


def test_check_scripts(tree: Tree, admin: Administrator) -> None:
    """A start is over when the service is of use, as its check script says."""
    web = tree.add("web", down=True)
    (web / "check").write_text("#!/bin/sh\ntest -e of-use\n")
    (web / "check").chmod(0o755)
    tree.svscan()
    until(lambda: status_of(web), "it is there")
    process = subprocess.Popen(admin.words("start", "web"), stdout=subprocess.PIPE, text=True)
    await_pid(web)
    assert process.poll() is None
    (web / "of-use").touch()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and out == f"web: started (pid {in_status(web)})\n"
    (web / "of-use").unlink()
    said = admin.types("restart", "-w", "5", "web")  # it starts after a second, if not later
    assert said.status == 1
    still = rf"web: runs \(pid {in_status(web)}\), but after \d+ s its check script still says no\n"
    assert re.fullmatch(still, said.out)


def test_a_check_script_may_print(tree: Tree, admin: Administrator) -> None:
    """As all other scripts do, with their errors where their output goes."""
    web = tree.add("web")
    (web / "check").write_text("#!/bin/sh\nexec 2>&1\necho it works\n")
    (web / "check").chmod(0o755)
    tree.svscan()
    await_pid(web)
    assert admin.types("wait", "-t", "60", "web") == Said(0, "", "")


def test_the_run_that_was_made_the_last_one_ends(tree: Tree, admin: Administrator) -> None:
    """It has only just begun when it is told, so it is watched, and nothing follows it."""
    want = "od -An -tu1 -j17 -N1 supervise/status"
    web = tree.make("web", f"#!/bin/sh\nwhile [ $({want}) = {ord('u')} ]; do sleep 0.01; done\n")
    tree.svscan()
    (tree.scan / "web").symlink_to(web)
    pid = await_pid(web)
    said = admin.types("once", "-w", "30", "web")
    assert said.status == 0 and pid_of(web) == 0
    assert re.fullmatch(r"web: ran once, and ended after .* s: exit 0\n", said.out), (said, pid)


def test_interrupted(tree: Tree, admin: Administrator) -> None:
    stubborn = tree.add("stubborn", STUBBORN)
    tree.svscan()
    until(lambda: (stubborn / "ready").exists(), "it is stubborn")
    words = admin.words("stop", "stubborn")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: (now := status_of(stubborn)) and now.want == b"d", "it was told")
    until(lambda: catches(process.pid, signal.SIGINT), "it waits")
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (111, "")
    assert errors == (
        "slashservice: fatal: interrupted: stubborn was told, and is not waited for any longer\n"
    )
    assert admin.state("stubborn") == "stopping"


def test_what_is_not_there(tree: Tree, admin: Administrator) -> None:
    """The others are seen to all the same."""
    web = tree.add("web")
    (tree.scan / "dangling").symlink_to("/nowhere")
    tree.svscan()
    await_pid(web)
    left = tree.make("left")
    said = admin.types("stop", "nope", "dangling", left, "web")
    assert said.status == 1
    lines = dict(line.split(": ", 1) for line in said.lines)
    assert lines["nope"] == f"there is no service directory {tree.scan}/nope"
    assert lines["dangling"].startswith("there is no service directory")
    assert lines[str(left)] == "is not supervised"
    assert lines["web"].startswith("stopped")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["start"], "which service?"),
        (["stop", "--bogus", "web"], "there is no option --bogus"),
        (["stop", "-w"], "-w takes a value"),
        (["stop", "-w", "soon", "web"], "-w takes a number of seconds"),
        (["stop", "--wait=", "web"], "--wait was given nothing"),
        (["stop", "-s", "HUP", "web"], "there is no option -s"),
        (["kill", "-s", "NOPE", "web"], "NOPE is none of "),
    ],
)
def test_wrong_usage(admin: Administrator, words: list[str], what: str) -> None:
    said = admin.types(*words)
    assert said.status == 100 and said.out == ""
    assert said.errors.startswith(f"slashservice: usage: {what}")
    assert f"    slashservice {words[0]} " in said.errors


@pytest.mark.parametrize("verb", ["list", "start", "stop", "kill", "wait", "logs", "edit", "env"])
def test_help(admin: Administrator, verb: str) -> None:
    said = admin.types(verb, "--help")
    assert said.status == 0 and said.out.startswith(f"slashservice {verb} ") and not said.errors


SEED = int(os.environ.get("SLASHSERVICE_SEED", "14"))
STEPS = 15
KINDS = {"plain": SLEEP, "slow": SLOW, "forks": FORKS, "dies": DIES, "ends": ENDS.format(0)}
VERBS = ("start", "stop", "restart", "once", "pause", "cont", "reload", "kill")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_any_verbs_in_any_order(tree: Tree, admin: Administrator, kind: str) -> None:
    """Whatever was done before, what a verb says at its end is so."""
    chance = random.Random(f"{SEED} {kind}")
    service = tree.add("it", KINDS[kind], log=LOG)
    tree.svscan()
    until(lambda: status_of(service), "it is there")
    done = []
    for _ in range(STEPS):
        verb = chance.choice(VERBS)
        said = admin.types(verb, "-w", "20", "it")
        done.append(f"{verb}: {said}")
        assert said.status in (0, 1) and said.lines, done
        assert is_so(said.lines[0].removeprefix("it: "), service, kind), "\n".join(done)
        for pid in re.findall(r"(\d+) \(sleep\)", said.out):
            assert runs(int(pid)) or kind != "forks"
        time.sleep(chance.choice([0, 0, 0.3]))  # so long is nothing waited for: any moment will do
    shutil.rmtree(service / "log/main", ignore_errors=True)


def is_so(text: str, service: Path, kind: str) -> bool:
    """Tell whether what was said of a service is so; what dies may have died again since."""
    stays = kind in ("plain", "slow", "forks")
    now = status_of(service)
    assert now
    pid = int(found[1]) if (found := re.search(r"\(pid (\d+)", text)) else 0
    if text.startswith(("stopped", "is down already")):
        return pid_of(service) == 0 and now.want != b"u"
    if text.startswith(("started (", "restarted", "runs already", "is started")):
        return not stays or pid_of(service) == pid
    if text.startswith("started, and died"):
        return not stays
    if text.startswith("paused"):
        return not stays or (now.paused and pid_of(service) == pid)
    if text.startswith("goes on"):
        return not stays or not now.paused
    if text.startswith("killed"):
        return not runs(pid)
    if text.startswith("ran once"):
        return kind == "ends"
    return text.startswith(
        ("is down", "has nothing", "is not paused", "HUP ", "runs (pid", "is paused")
    )


def test_a_stopped_service_stays_so(tree: Tree, admin: Administrator) -> None:
    web = tree.add("web")
    tree.svscan()
    await_pid(web)
    assert admin.types("stop", "web").status == 0
    await_down(web)


def test_how_a_service_may_be_named(tree: Tree, admin: Administrator) -> None:
    """By its name, with the slash that a shell adds, or by its directory, from all verbs alike."""
    web = tree.add("web")
    tree.svscan()
    await_pid(web)
    for word in ("web", "web/", f"{tree.scan}/web", f"{tree.scan}/web/", web, f"{web}/"):
        for verb in ("list", "start", "why"):
            said = admin.types(verb, word)
            assert said.status == 0, (verb, word, said)
        assert admin.types("wait", "-w5", word).status == 0
    for words in (["list", "."], ["why", "."], ["start", "."]):
        command = [*admin.words(words[0]), *words[1:]]
        assert subprocess.run(command, cwd=web, stdout=subprocess.DEVNULL).returncode == 0


def test_kill_with_a_number(tree: Tree, admin: Administrator) -> None:
    web = tree.add("web")
    tree.svscan()
    pid = await_pid(web)
    for words in (["-9"], ["-15"], ["-s", "15"], ["-TERM"], ["-s9"]):
        said = admin.types("kill", *words, "-t5", "web")
        assert said.status == 0
        assert f"(pid {pid})" in said.out or f"pid {pid} ended" in said.out
        pid = await_pid(web, other_than=pid)
