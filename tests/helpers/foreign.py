"""Machines of two makes, ours and C's, on which engines of others steer the same services.

On a machine of ours the commands in ``/usr/bin`` are ours, as engines call some of them by that
path. Everything else is the same: the services in ``/srv/sv``, linked into ``/service``.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from helpers import foreign_engines, foreign_look
from helpers.foreign_engines import Step, Told
from helpers.sandbox import Sandbox
from helpers.services import RECORDER

NAMES = (
    *("svc", "svok", "svstat", "svscan", "supervise", "multilog", "readproctitle"),
    *("sv", "runsv", "runsvdir", "svlogd", "chpst"),
)
"""The commands that a machine has from one make."""


SERVICES = "/srv/sv"
PREPARE = f"""
rm -rf root/service root/etc/service root/var/service root/command
mkdir -p root/service root{SERVICES} root/etc/sv
rm -f root/usr/bin/systemctl
mount -t sysfs -o ro none root/sys
ln -s /service root/etc/service
ln -s /service root/var/service
"""

START = 'say("start %d" % os.getpid())'
RUN = RECORDER.replace(START, f'open("begun", "w").close()\n{START}')
STUBBORN = RUN.replace("if number == signal.SIGTERM:", "if number == signal.SIGQUIT:")
"""Ignores TERM."""

LOGS = {"svscan": "multilog t", "runsvdir": "svlogd -tt"}
"""A logger for each scanner."""


class Host(NamedTuple):
    """A machine with services that a scanner of one make watches."""

    machine: Sandbox
    make: str
    scanner: str

    def service(
        self,
        name: str,
        linked: bool = True,
        down: bool = False,
        log: bool = False,
        script: str = RUN,
    ) -> None:
        """Make a service."""
        self.machine.put(f"{SERVICES}/{name}/run", script)
        if down:
            self.machine.path(f"{SERVICES}/{name}/down").touch()
        if log:
            logger = f"#!/bin/sh\nexec {LOGS[self.scanner]} ./main\n"
            self.machine.path(f"{SERVICES}/{name}/log/main").mkdir(parents=True)
            self.machine.put(f"{SERVICES}/{name}/log/run", logger)
        if linked:
            self.machine.path(f"/service/{name}").symlink_to(f"{SERVICES}/{name}")


STATES: dict[str, dict[str, Any]] = {
    "plain": {},
    "logged": {"log": True},
    "idle": {"down": True},
    "apart": {"linked": False},
}
"""The services that each host has, and what is special with them."""

NOWHERE = "nowhere"
"""A service that is not there."""


def host(start: Callable[..., Sandbox], ours: Path, make: str, scanner: str) -> Host:
    """Start a machine with a scanner of ours, or of C's, and services in the states above."""
    prepare = PREPARE
    if make == "ours":
        for name in NAMES:
            prepare += f"rm -f root/usr/bin/{name}\nln -s {ours}/{name} root/usr/bin/{name}\n"
    machine = start(["catatonit", "--", "sh", "-c", WAITS, scanner], prepare, seen=[ours.parent])
    made = Host(machine, make, scanner)
    machine.put(foreign_engines.LOOK, Path(foreign_look.__file__).read_text())
    machine.put("/srv/scanner", scanner)
    for name, special in STATES.items():
        made.service(name, **special)
    machine.path("/srv/go").touch()
    for name in STATES:
        machine.run(foreign_engines.LOOK, name)
    return made


WAITS = 'until [ -e /srv/go ]; do sleep 0.05; done; exec "$0" /service'

NUMBERS = [
    (r"\bpid \d+", "pid N"),
    (r"\b\d+ seconds", "N seconds"),
    (r"\b\d+s\b", "Ns"),
    (r"^\d+$", "N"),
]


def same_numbers(said: Any) -> Any:
    """Return what was said without what differs from one time to the next."""
    if isinstance(said, dict):
        return {key: same_numbers(value) for key, value in said.items()}
    if isinstance(said, list):
        return [same_numbers(one) for one in said]
    if isinstance(said, str):
        for pattern, instead in NUMBERS:
            said = re.sub(pattern, instead, said)
    return said


class Engine(NamedTuple):
    """What runs steps on a host, the verbs it has, and what of its answers can be compared."""

    run: Callable[[Host, list[Step]], list[Told]]
    verbs: Callable[[str], list[dict[str, Any]]]
    comparable: Callable[[dict[str, Any], Any], Any]


BEFORE = ["", "", "u", "d", "o", "p", "dN", "uD", "L"]
"""What is written to a service, now and then, before a step."""

NEEDS = "needs"
"""The key of a verb that says what is written before, as else makes differ by their haste."""


def sequence(engine: Engine, dice: random.Random, rounds: int) -> list[Step]:
    """Return each verb as often as there are rounds, in any order, at any service in any state."""
    steps = []
    for _ in range(rounds):
        for verb in dice.sample(range(len(engine.verbs(NOWHERE))), len(engine.verbs(NOWHERE))):
            name = dice.choice([*STATES, NOWHERE]) if dice.random() < 0.5 else "plain"
            what = dict(engine.verbs(name)[verb])
            before = what.pop(NEEDS, dice.choice(BEFORE))
            steps.append(Step("" if name == NOWHERE else before, what))
    return steps


OURS_ALONE = "SIGUSR1"
"""What the C svc can't send; it says so, and engines pass over that."""


def answers(engine: Engine, host: Host, steps: list[Step]) -> list[Any]:
    """Run the steps; return what is to be the same on all hosts."""
    told = engine.run(host, steps)
    for one in told:
        one.state["signals"] = [signal for signal in one.state["signals"] if signal != OURS_ALONE]
    return [
        (step, same_numbers(engine.comparable(step.what, one.said)), one.state)
        for step, one in zip(steps, told, strict=True)
    ]


def together(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run functions side by side; return what they return."""
    with ThreadPoolExecutor(len(jobs)) as threads:
        return [one.result() for one in [threads.submit(job) for job in jobs]]
