"""Ansible, Puppet and Salt steer services on trees of ours and of C's: the same comes of it.

Each has modules of its own for daemontools and for runit. They run as published.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from helpers import foreign, foreign_engines
from helpers.foreign import Engine, Host
from helpers.foreign_engines import Step, Told
from helpers.keeping import sandboxes

pytestmark = pytest.mark.root

ROUNDS = int(os.environ.get("SLASHSERVICE_ROUNDS", "1"))
"""How often each engine is told to do each thing that it can."""

WITH_SALT = "SLASHSERVICE_SALT" in os.environ
"""Whether Salt is installed and asked, which is large."""

HASTY = {foreign.NEEDS: "N"}
"""Before what links a service and starts it at once: C's scanners are not there yet, and what is
said to start it is lost. It runs all the same, unless there is a file ``down``.
"""


def plays(module: str, host: Host, steps: list[Step]) -> list[Told]:
    return foreign_engines.play(host.machine, f"community.general.{module}", steps)


def ansible_verbs(module: str, name: str) -> list[dict[str, Any]]:
    states = ["started", "stopped", "restarted", "reloaded", "killed", "once"]
    verbs: list[dict[str, Any]] = [{}, *({"state": state} for state in states)]
    verbs += [{"enabled": True}, {"enabled": False}, {"enabled": True, "state": "started", **HASTY}]
    if module == "svc":
        verbs += [{"downed": True}, {"downed": False}]
    where = {"name": name, "service_dir": "/service", "service_src": foreign.SERVICES}
    return [{**where, **verb} for verb in verbs]


PATHS = ("svc_full", "src_full")


def ansible_said(what: dict[str, Any], said: dict[str, Any]) -> Any:
    """Where it changed something it tells the state without waiting for it to be so."""
    kept: dict[str, Any] = {key: said.get(key) for key in ("changed", "failed", "msg")}
    service = said.get("svc") or said.get("sv")
    if service and said["changed"]:
        kept["service"] = {key: service.get(key) for key in ("enabled", "downed", *PATHS)}
    elif service:
        kept["service"] = {
            **service,
            "pid": bool(service["pid"]),
            "duration": bool(service["duration"]),
        }
    return kept


def puppet_verbs(provider: str, name: str) -> list[dict[str, Any]]:
    verbs: list[dict[str, Any]] = [
        {"ensure": "running", **HASTY},
        {"ensure": "stopped"},
        {"enable": True},
        {"enable": False},
        {"ensure": "running", "enable": True, **HASTY},
        {"ensure": "stopped", "enable": False},
        {"ensure": "running", "refresh": True, **HASTY},
        {"ensure": "stopped", "refresh": True},
    ]
    if provider == "runit":  # it sleeps for as long as runsvdir may need
        verbs = [{**one, foreign.NEEDS: "L"} if foreign.NEEDS in one else one for one in verbs]
    return [
        {"name": name, "provider": provider, "path": foreign.SERVICES, **verb} for verb in verbs
    ]


FUNCTIONS = {
    "daemontools": "start stop term reload restart full_restart status available missing enabled"
    " disabled",
    "runit": "start stop reload restart full_restart status status_autostart available missing"
    " enabled disabled show enable disable",
}
"""What Salt's modules can do with a service."""

WITHOUT_ONE = {
    "daemontools": "get_all",
    "runit": "get_all get_enabled get_disabled get_svc_broken_path get_svc_alias"
    " get_svc_avail_path",
}
"""What they can do without naming one."""


def salt_verbs(module: str, name: str) -> list[dict[str, Any]]:
    one = {"on": name, "words": [name], "options": {}}
    verbs = [{**one, "call": f"{module}.{what}"} for what in FUNCTIONS[module].split()]
    verbs += [
        {**one, "call": f"{module}.{what}", "words": []} for what in WITHOUT_ONE[module].split()
    ]
    for state in ("service.running", "service.dead", "service.enabled", "service.disabled"):
        options: dict[str, Any] = {"name": name}
        if state in ("service.running", "service.dead"):
            options["init_delay"] = 1  # or it looks at once
        verbs.append({**one, "call": "state.single", "words": [state], "options": options})
    return verbs


def salt_said(what: dict[str, Any], said: Any) -> Any:
    """A state is told with times."""
    if what["call"] == "state.single" and isinstance(said, dict):
        return [
            {key: one.get(key) for key in ("result", "changes", "comment")} for one in said.values()
        ]
    return said


SALTS = {"svscan": "daemontools", "runsvdir": "runit"}


def calls(host: Host, steps: list[Step]) -> list[Told]:
    return foreign_engines.call(host.machine, SALTS[host.scanner], steps)


def applies(host: Host, steps: list[Step]) -> list[Told]:
    return foreign_engines.apply(host.machine, steps)


ANSIBLE = {
    scanner: Engine(partial(plays, module), partial(ansible_verbs, module), ansible_said)
    for scanner, module in {"svscan": "svc", "runsvdir": "runit"}.items()
}
PUPPET = {
    scanner: Engine(applies, partial(puppet_verbs, provider), lambda what, said: said)
    for scanner, provider in {"svscan": "daemontools", "runsvdir": "runit"}.items()
}
SALT = {
    scanner: Engine(calls, partial(salt_verbs, module), salt_said)
    for scanner, module in SALTS.items()
}


@pytest.fixture(scope="module")
def hosts(request: pytest.FixtureRequest, ours: Path) -> Iterator[dict[str, list[Host]]]:
    with sandboxes(request) as start:
        yield {
            scanner: foreign.together(
                [partial(foreign.host, start, ours, make, scanner) for make in ("C", "ours")]
            )
            for scanner in ("svscan", "runsvdir")
        }


Engines = dict[str, Engine]
"""The scanner of the hosts, and what steers services there."""


def same(hosts: dict[str, list[Host]], engines: Engines) -> None:
    """Have engines do all that they can in any order, on hosts of both makes."""
    seed = random.randrange(2**32)
    steps = {
        scanner: foreign.sequence(engine, random.Random(seed), ROUNDS)
        for scanner, engine in engines.items()
    }
    jobs = [
        partial(foreign.answers, engine, host, steps[scanner])
        for scanner, engine in engines.items()
        for host in hosts[scanner]
    ]
    told = foreign.together(jobs)
    for scanner, theirs, mine in zip(engines, told[::2], told[1::2], strict=True):
        for number, (their, our) in enumerate(zip(theirs, mine, strict=True)):
            so_far = json.dumps(steps[scanner][: number + 1])
            assert our == their, f"{scanner}, step {number} of {so_far} (seed {seed})"


def test_ansible(hosts: dict[str, list[Host]]) -> None:
    same(hosts, ANSIBLE)


def test_puppet(hosts: dict[str, list[Host]]) -> None:
    same(hosts, PUPPET)


if WITH_SALT:

    def test_salt(hosts: dict[str, list[Host]]) -> None:
        same(hosts, SALT)

    def test_salt_call(hosts: dict[str, list[Host]]) -> None:
        """The command itself, and a state that is as wanted the second time."""
        machine = on_ours(hosts, "called").machine
        for changes in (True, False):
            options = ("--local", "-c", "/srv/salt", "--out=json")
            words = ("state.single", "service.running", "name=called", "init_delay=1")
            said = machine.run(f"{foreign_engines.salt()}/salt-call", *options, *words)
            (state,) = json.loads(said[said.index("{") :])["local"].values()
            assert (state["result"], bool(state["changes"])) == (True, changes)


def on_ours(hosts: dict[str, list[Host]], name: str, linked: bool = True) -> Host:
    """Return the host of our svscan, with a service more, which is not to start by itself."""
    _, host = hosts["svscan"]
    host.service(name, linked=linked, down=True)
    return host


def test_ours_is_there_at_once(hosts: dict[str, list[Host]]) -> None:
    """What starts a service right behind its link is lost on C's trees, for up to five seconds."""
    host = on_ours(hosts, "fresh", linked=False)
    what = {"name": "fresh", "service_dir": "/service", "service_src": foreign.SERVICES}
    steps = [Step("", {**what, "enabled": True, "state": "started"})]
    steps.append(Step("", {**what, "state": "reloaded"}))
    started, reloaded = plays("svc", host, steps)
    assert started.said["changed"]
    assert started.state["up"]
    assert started.state["down file"]
    assert reloaded.state["signals"] == ["start", foreign.OURS_ALONE]


def test_modules_for_runit_on_our_svscan(hosts: dict[str, list[Host]]) -> None:
    """All is as on runsvdir, but that a service whose link has gone stays supervised, and down."""
    host = on_ours(hosts, "moved")
    what = {"name": "moved", "service_dir": "/service", "service_src": foreign.SERVICES}
    verbs: list[dict[str, Any]] = [{"state": "started"}, {"state": "started"}, {"enabled": False}]
    verbs += [{"enabled": True}, {"state": "started"}, {"state": "killed"}, {"state": "once"}]
    told = plays("runit", host, [Step("", {**what, **verb}) for verb in verbs])
    assert [one.said["changed"] for one in told] == [True, False, True, True, True, True, True]
    assert [one.state["up"] for one in told] == [True, True, False, False, True, False, True]
    assert [one.state["linked"] for one in told] == [True, True, False, True, True, True, True]


def test_what_ignores_term_is_killed(hosts: dict[str, list[Host]]) -> None:
    """``sv`` waits for seven seconds, then ``force-stop`` kills, and ``stop`` gives up."""
    what = {"name": "stubborn", "service_dir": "/service", "service_src": foreign.SERVICES}
    steps = [Step("", {**what, "state": state}) for state in ("stopped", "killed", "started")]
    for host in hosts["runsvdir"]:
        host.service("stubborn", script=foreign.STUBBORN)
        host.machine.run(foreign_engines.LOOK, "stubborn")
    jobs = [
        partial(foreign.answers, ANSIBLE["runsvdir"], host, steps) for host in hosts["runsvdir"]
    ]
    theirs, mine = foreign.together(jobs)
    assert mine == theirs
    assert [state["up"] for _, _, state in mine] == [True, False, True]


def test_puppet_apply(hosts: dict[str, list[Host]]) -> None:
    """The command itself, and a manifest that is as wanted the second time."""
    machine = on_ours(hosts, "applied", linked=False).machine
    options = "provider => daemontools, path => '/srv/sv', ensure => running, enable => true"
    manifest = f"service {{ 'applied': {options} }}"
    words = ("puppet", "apply", "--detailed-exitcodes", "-e", manifest)
    said = machine.run(*words, status=2)
    assert "ensure changed 'stopped' to 'running'" in said
    assert "changed" not in machine.run(*words)
    assert json.loads(machine.run(foreign_engines.LOOK, "applied"))["up"]


def test_a_half_made_environment_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_engines, "FOLDER", tmp_path / "environments")
    monkeypatch.setattr(foreign_engines, "VENV", ("venv", "--without-pip"))
    left = tmp_path / "environments/engine/left"

    def broken(folder: Path, _python: Path) -> None:
        left.touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        foreign_engines.made("engine", broken)
    assert left.exists()
    python = foreign_engines.made("engine", lambda *_: None)
    assert not left.exists()
    assert python.exists()
    assert foreign_engines.made("engine", broken) == python  # it is there, and nothing is done
