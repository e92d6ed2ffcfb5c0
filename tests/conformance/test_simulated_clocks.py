"""The BSDs and macOS, simulated: no clock that is set has a daemon run twice, or not at all.

See :mod:`helpers.bsd_kernel` for what moves with the clock on which system. What is generated is
in ``tests/unit/platform/test_bsd_clocks.py``; here the commands themselves run.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import bsd_kernel
from helpers.processes import kill, killed
from helpers.services import await_pid, pid_of
from helpers.simulated import Services, machine, serving
from helpers.systems import Simulated

pytestmark = pytest.mark.root

DAY = 86400.5


@pytest.fixture(scope="module", params=bsd_kernel.SYSTEMS)
def simulated(request: pytest.FixtureRequest) -> Iterator[Simulated]:
    with machine(request.param) as made:
        yield made


@pytest.fixture
def services(simulated: Simulated, tmp_path: Path) -> Iterator[Services]:
    with serving(simulated, tmp_path / "tree") as made:
        yield made


def test_the_clock_is_set(services: Services) -> None:
    """Before svscan starts, while it runs, once it was killed, and once the next one runs."""
    tree, set_clock = services.tree, services.simulated.set_clock
    path, later = tree.add("a service"), tree.make("later")
    set_clock(-DAY)
    svscan = services.svscan()
    pids = {path: await_pid(path)}
    set_clock(0.7)
    (tree.scan / "later").symlink_to(later)
    pids[later] = await_pid(later)
    killed(svscan)
    set_clock(DAY)
    svscan = services.svscan()
    seen = tree.add("seen after them")
    await_pid(seen)
    set_clock(-3 * DAY)
    for service, pid in pids.items():
        assert (pid_of(service), tree.workers(service)) == (pid, [pid])
        assert services.command("svstat", service).startswith(f"{service}: up (pid {pid}) ")
    kill(pids[later], signal.SIGKILL)
    assert await_pid(later, other_than=pids[later]), "its death is seen, by looking"
    assert tree.workers(path) == [pids[path]], "and no other is seen that is none"
    tree.drain(svscan)
    assert tree.processes() == []


def test_nothing_is_adopted_from_another_life_of_the_machine(services: Services) -> None:
    """It has no clock that runs on without power, so the next life begins at the same time."""
    tree = services.tree
    services.simulated.reboot(clock=False)
    path, pid = services.left_running()
    services.simulated.reboot(clock=False)
    second = services.svscan()
    assert await_pid(path, other_than=pid)
    tree.drain(second)
