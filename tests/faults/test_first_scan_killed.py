"""SIGKILL in a first scan: of svscan, of its spawner, of both. No daemon runs twice, none is lost.

The scripts do what scripts do: they change directory and PATH, drop the environment, exec twice,
become another account. Each run notes its pid in a file of its service, so two of them are seen.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from helpers.processes import killed, runs
from helpers.services import await_pid, contents, is_supervised, write_script
from helpers.tree import Tree
from helpers.waiting import until

SERVICES = 60
ROUNDS = 4
SEED = int(os.environ.get("SLASHSERVICE_SEED", "0")) or random.randrange(1, 1 << 32)
"""Printed by a failing test; put it into the environment to have the same again."""

WAYS = (
    "exec sleep 1000",
    "cd /var; exec sleep 1000",
    "PATH=/opt/x/bin:$PATH; cd /var; exec sleep 1000",
    "cd /; exec env -i sleep 1000",
    "cd /; exec env -i /bin/sh -c 'exec env -i sleep 1000'",
    "cd /; exec setpriv --reuid=65534 --regid=65534 --clear-groups env -i sleep 1000",
    "cd /; exec unshare -r chroot / env -i /bin/sleep 1000",
    "exec 0<&- 1>&- 2>&-; cd /; exec env -i sleep 1000",
    "cd /; exec env -i su -s /bin/sh nobody -c 'exec sleep 1000'",
    "cd /; ulimit -n 64; exec nice -n 1 env -i sleep 1000",
)


def script(path: Path, way: str) -> str:
    return f"#!/bin/sh\necho $$ >>{path}/starts\n{way}\n"


def spawners(svscan: int) -> list[int]:
    """Return the pids of children of svscan that are still svscan."""
    found = []
    for word in Path(f"/proc/{svscan}/task/{svscan}/children").read_text().split():
        try:
            if b"svscan" in Path(f"/proc/{word}/cmdline").read_bytes():
                found.append(int(word))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


@pytest.mark.root
@pytest.mark.parametrize("victims", ["svscan", "spawner", "both"])
@pytest.mark.parametrize("log", [None, "#!/bin/sh\nexec /usr/bin/multilog ./main\n"])
def test_every_daemon_runs_once(tree: Tree, victims: str, log: str | None) -> None:
    print(f"SLASHSERVICE_SEED={SEED}")
    random_ = random.Random(SEED)
    for number in range(ROUNDS):
        paths = []
        for index in range(SERVICES):
            name = f"r{number}-{index:02}"
            path = tree.add(name, script(tree.real / name, WAYS[index % len(WAYS)]), log)
            path.chmod(0o777)
            paths.append(path)
        svscan = tree.svscan()
        time.sleep(random_.uniform(0.02, 0.35))  # no wait, but the moment of the attack
        if victims == "svscan":
            killed(svscan)
        else:
            if victims == "both":
                os.kill(svscan.pid, signal.SIGSTOP)
            for pid in spawners(svscan.pid):
                os.kill(pid, signal.SIGKILL)
            if victims == "both":
                killed(svscan)
        if victims != "spawner":
            svscan = tree.svscan()
        for path in paths:
            pid = await_pid(path)
            until(lambda: started(path), "it has said so")  # noqa: B023
            alive = [one for one in started(path) if runs(one)]
            assert alive == [pid], (path.name, alive, pid)
        for path in paths:
            (tree.scan / path.name).unlink()
            tree.svc("-dx", path, *([path / "log"] if log else []))
        for path in paths:
            until(lambda: not is_supervised(path), "it has ended")  # noqa: B023
        tree.drain(svscan)
        assert not [pid for path in paths for pid in started(path) if runs(pid)]


@pytest.mark.root
@pytest.mark.parametrize("milliseconds", [150, 200, 240])
def test_one_that_is_slow_to_make_its_session_runs_once(tree: Tree, milliseconds: int) -> None:
    """On a busy machine svscan gives a spawner up whose child has had no processor yet."""
    paths = [tree.make(f"s{number}") for number in range(12)]
    for path in paths:
        write_script(path / "run", script(path, WAYS[0]))
        (tree.scan / path.name).symlink_to(path)
    slowly = ["/usr/bin/strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=setsid"]
    slowly += ["-e", f"inject=setsid:delay_enter={1000 * milliseconds}"]
    tree.svscan(slowly)
    for path in paths:
        pid = await_pid(path)
        until(lambda: started(path), "it has said so")  # noqa: B023
        assert [one for one in started(path) if runs(one)] == [pid], path.name


def started(path: Path) -> list[int]:
    """Return the pids of all runs of a service."""
    return [int(word) for word in contents(path / "starts").split()]
