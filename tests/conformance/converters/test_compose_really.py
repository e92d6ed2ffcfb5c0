"""Services of compose files, run by the real podman: what is in the file arrives in the container.

The containers, their image and their network are in a machine of the tests, see
``helpers/containers.py``.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.containers import IMAGE, PREPARE, groups_taken_away, prepare, runs_one
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

COMMAND = str(Path(sys.executable).parent / "slashservice")
PLACE = "/srv/shop"
AGENT = """#!/bin/sh
# Writes down what it is, then whatever signals it gets.
trap 'echo INT >>/data/got; exit 5' INT
trap 'echo TERM >>/data/got' TERM
id -u >/data/id; id -g >>/data/id; pwd >/data/pwd; umask >/data/umask
ulimit -n >/data/nofile; hostname >/data/hostname; cat /proc/self/oom_score_adj >/data/oom
env -0 >/data/env
for word; do printf '%s\\0' "$word"; done >/data/words
echo "says $1"
: >/data/up
while :; do sleep 0.05; done
"""
HEAD = "name: shop\nservices:\n"
SERVICE = "  {0}:\n    image: {1}\n    network_mode: none\n"
SLEEPER = f"{SERVICE}    init: true\n    command: sleep 1000\n"
FULL = (
    HEAD
    + SERVICE
    + """\
    entrypoint: ["/bin/sh", "/agent"]
    command: ["two words", "", "$$X", 'a"b']
    user: "1234:4321"
    working_dir: /tmp
    hostname: shop-front
    stop_signal: SIGINT
    environment:
      COLOUR: deep  blue
      LINES: "one\\ntwo"
      HOME: /data
      PATH: /bin
    env_file: shop.env
    ulimits: {{nofile: {{soft: 100, hard: 200}}, nproc: 1000}}
    volumes:
      - ./data:/data
      - {{type: bind, source: ./agent, target: /agent, read_only: true}}
"""
)


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A machine with slashservice, podman and the agent."""
    with groups_taken_away(), sandboxes(request) as start:
        made: Sandbox = start(["/sbin/init"], prepare=PREPARE, network=True)
        prepare(made)
        made.run(COMMAND, "install")
        made.put(f"{PLACE}/agent", AGENT)
        made.put(f"{PLACE}/shop.env", "TOKEN='secret $word'\n")
        yield made


class Shop:
    """Imports compose files into the machine, and looks at what becomes of them."""

    def __init__(self, machine: Sandbox, name: str) -> None:
        self.machine = machine
        self.name = name
        self.container = f"shop-{name}"
        self.data = machine.path(f"{PLACE}/data")
        machine.run("rm", "-rf", f"{PLACE}/data")
        self.data.mkdir()
        self.data.chmod(0o777)
        self.home = machine.path(f"/etc/slashservice/{name}")

    def imports(self, text: str, *words: str, status: int | None = 0) -> str:
        """Import a compose file; return what was said."""
        self.machine.put(f"{PLACE}/compose.yaml", text)
        file = f"{PLACE}/compose.yaml"
        return self.machine.run("slashservice", "import", *words, file, status=status)

    def types(self, verb: str, *words: str, status: int | None = 0) -> str:
        """Type a verb about the service."""
        return self.machine.run("slashservice", verb, *words, self.name, status=status)

    def pid(self) -> int:
        """Return the pid that is supervised, 0 for none."""
        found = re.search(
            r": up \(pid (\d+)\)", self.machine.run("svstat", f"/service/{self.name}")
        )
        return int(found[1]) if found else 0

    def command(self) -> bytes:
        """Return the command line of what is supervised."""
        try:
            return self.machine.path(f"/proc/{self.pid()}/cmdline").read_bytes()
        except FileNotFoundError:
            return b""

    def svscan(self) -> int:
        """Return the pid of svscan."""
        return int(self.machine.run("pgrep", "-fo", "[s]vscan", status=None).strip() or 0)

    def containers(self) -> list[dict[str, Any]]:
        """Return all containers of the service's name, whatever state they are in."""
        words = ("podman", "ps", "-a", "--format", "json", "--filter", f"name=^{self.container}$")
        found: list[dict[str, Any]] = json.loads(self.machine.run(*words))
        return found

    def running(self) -> dict[str, Any]:
        """Return the container, once there is just one that runs."""

        def one() -> dict[str, Any]:
            found = self.containers()
            runs = [each for each in found if each["State"] == "running"]
            return runs[0] if len(found) == len(runs) == 1 else {}

        return until(one, f"{self.container} runs")

    def deaths(self) -> list[str]:
        """Return how the service has ended so far."""
        path = self.home / "supervise/deaths"
        return path.read_text().splitlines() if path.exists() else []

    def wrote(self, name: str) -> str:
        """Return what the agent has written in a file."""
        return (self.data / name).read_text()

    def nothing_left(self) -> None:
        """Wait until nothing of the container is there."""
        until(lambda: not self.containers() and not self.processes(), "nothing of it is left")

    def processes(self) -> list[str]:
        """Return the processes that have the name of the container among their words."""
        lines = self.machine.run("ps", "-eo", "pid,args").splitlines()
        return [line for line in lines if self.container in line]


@pytest.fixture
def shop(machine: Sandbox, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A service with a name of its own, which is removed behind the test."""
    name = re.sub(r"\W+", "-", request.node.name.replace("_", "-")).strip("-")
    made = Shop(machine, name.removeprefix("test-"))
    yield made
    made.types("remove", status=None)
    machine.run("podman", "rm", "-f", "-t", "0", made.container, status=None)


def test_all_arrives(shop: Shop) -> None:
    shop.imports(FULL.format(shop.name, IMAGE))
    until((shop.data / "up").exists, "it is up")
    assert shop.wrote("words").split("\0") == ["two words", "", "$X", 'a"b', ""]
    assert shop.wrote("id").split() == ["1234", "4321"]
    assert shop.wrote("pwd") == "/tmp\n"
    assert shop.wrote("hostname") == "shop-front\n"
    assert shop.wrote("nofile") == "100\n"
    variables = dict(one.split("=", 1) for one in shop.wrote("env").split("\0")[:-1])
    wanted = {"COLOUR": "deep  blue", "LINES": "one\ntwo", "HOME": "/data", "PATH": "/bin"}
    assert {name: variables.get(name) for name in wanted} == wanted
    assert variables["TOKEN"] == "secret $word"
    command = shop.command()
    assert b"podman\0run\0" in command and b"secret" not in command
    assert shop.running()["Image"] == f"{IMAGE}:latest"
    until(lambda: "says two words" in shop.types("logs"), "its log")
    assert "stopped after" in shop.types("stop")
    assert shop.wrote("got") == "INT\n"
    assert " exit 5 " in shop.deaths()[-1]
    shop.nothing_left()


def test_one_that_does_not_heed_its_signal(shop: Shop) -> None:
    """It is told once, has its time, and is killed; not told again by the engine, with ten more."""
    text = FULL.replace("SIGINT", "SIGTERM\n    stop_grace_period: 1500ms")
    shop.imports(text.format(shop.name, IMAGE))
    until((shop.data / "up").exists, "it is up")
    assert "stopped after" in shop.types("stop")
    shop.nothing_left()
    assert shop.wrote("got") == "TERM\n"
    assert f"signal {signal.SIGKILL.value} " in shop.deaths()[-1]


def test_restart(shop: Shop) -> None:
    shop.imports(HEAD + SLEEPER.format(shop.name, IMAGE))
    before = shop.running()
    assert "restarted" in shop.types("restart")
    until(lambda: shop.running()["Id"] != before["Id"], "another container")


def test_svscan_killed(shop: Shop) -> None:
    """The next one has the same container."""
    shop.imports(HEAD + SLEEPER.format(shop.name, IMAGE))
    pid, before = shop.pid(), shop.running()
    svscan = shop.svscan()
    shop.machine.run("kill", "-KILL", str(svscan))
    until(lambda: shop.svscan() not in (0, svscan), "another svscan")
    until(lambda: shop.pid() == pid, "it is supervised")
    assert shop.running()["Id"] == before["Id"]
    assert "stopped after" in shop.types("stop")
    shop.nothing_left()


def test_told_to_end_while_it_starts(shop: Shop) -> None:
    """However far its start has come, it ends, and leaves nothing."""
    shop.imports(HEAD + SLEEPER.format(shop.name, IMAGE), "--no-start")
    stages: dict[str, Callable[[], object]] = {
        "it is started": shop.pid,
        "it is the engine": lambda: b"podman" in shop.command(),
        "there is a container": shop.containers,
        "the container runs": shop.running,
    }
    for what, is_so in stages.items():
        shop.machine.run("svc", "-u", f"/service/{shop.name}")
        until(is_so, what)
        shop.types("stop")
        assert not shop.pid()
        shop.nothing_left()


def test_crash(shop: Shop) -> None:
    """The exit status of the container is that of the service."""
    text = HEAD + SERVICE + "    command: sh -c 'sleep 0.5; exit 3'\n"
    shop.imports(text.format(shop.name, IMAGE), status=1)
    until(lambda: len(shop.deaths()) >= 2, "it dies again")
    assert all(" exit 3 " in one for one in shop.deaths())


def test_killed_container(shop: Shop) -> None:
    shop.imports(HEAD + SLEEPER.format(shop.name, IMAGE))
    before = shop.running()
    shop.machine.run("podman", "kill", shop.container)
    until(lambda: shop.running()["Id"] != before["Id"], "another container")
    assert f" exit {128 + signal.SIGKILL} " in shop.deaths()[-1]


@pytest.mark.parametrize("which", ["client", "conmon", "both", "all"])
def test_killed_engine(shop: Shop, which: str) -> None:
    """What the engine's own processes leave behind is in nobody's way."""
    shop.imports(HEAD + SLEEPER.format(shop.name, IMAGE))
    client, before = shop.pid(), shop.running()
    (about,) = json.loads(shop.machine.run("podman", "inspect", shop.container))
    pids = {
        "client": [client],
        "conmon": [about["State"]["ConmonPid"]],
        "both": [client, about["State"]["ConmonPid"]],
        "all": [client, about["State"]["ConmonPid"], about["State"]["Pid"]],
    }[which]
    shop.machine.run("kill", "-KILL", *map(str, pids))
    until(lambda: shop.running()["Id"] != before["Id"], "another container")
    assert not shop.machine.path(f"/proc/{about['State']['Pid']}/root").exists(), "it lives"
    assert "stopped after" in shop.types("stop")
    shop.nothing_left()


@pytest.mark.parametrize("state", ["created", "running", "ended"])
def test_name_taken(shop: Shop, state: str) -> None:
    """A container of that name, which is there before the start, is removed."""
    words = {"created": ["create"], "running": ["run", "-d"], "ended": ["run"]}[state]
    options = [f"--name={shop.container}", "--network=none"]
    shop.machine.run(
        "podman", *words, *options, IMAGE, "sleep", "0" if state == "ended" else "1000"
    )
    (old,) = shop.containers()
    assert old["State"] in (state, "exited")
    shop.imports(HEAD + SLEEPER.format(shop.name, IMAGE))
    assert shop.running()["Id"] != old["Id"]


def test_on_failure(shop: Shop) -> None:
    """It is started again behind a failure, and down behind a good end."""
    text = (
        HEAD
        + SERVICE
        + """\
    restart: on-failure
    volumes: [./data:/data]
    command: ["sh", "-c", "echo >>/data/starts; sleep 0.5; test $$(wc -l </data/starts) = 2"]
"""
    )
    shop.imports(text.format(shop.name, IMAGE), status=None)  # it may have ended well by then
    until(lambda: len(shop.deaths()) == 2, "it has ended twice")
    until(lambda: "want up" not in shop.machine.run("svstat", f"/service/{shop.name}"), "it ends")
    assert [one.split()[2:4] for one in shop.deaths()] == [["exit", "1"], ["exit", "0"]]
    shop.nothing_left()


def test_network(shop: Shop) -> None:
    """The services of a file are in one network, which is made where it is missing."""
    runs_one(shop.machine, "podman")
    text = HEAD + SERVICE + "    command: httpd -f -p 80 -h /etc\n"
    shop.imports(text.replace("    network_mode: none\n", "").format(shop.name, IMAGE))
    words = ("run", "--rm", "--network=shop_default", IMAGE, "wget", "-qO-")
    page = f"http://{shop.name}/passwd"
    until(lambda: "app:x:1234" in shop.machine.run("podman", *words, page, status=None), "its page")
