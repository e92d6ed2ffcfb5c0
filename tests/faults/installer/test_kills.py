"""Killed between any two steps, by SIGKILL: the next run finishes the work, or undoes it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from helpers.installer import plan_for

from slashservice.installer.host.host import Host
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction

RECEIPTS = ("var/lib/slashservice/receipt.json", "var/db/slashservice/receipt.json")


def quiet(line: str) -> None:
    """Take no notice of progress."""


class Deadly(Host):
    """A host on which the process dies ahead of one step."""

    def __init__(self, root: str, deadly: int) -> None:
        super().__init__(root)
        self.deadly = deadly

    def step(self, name: str, path: str) -> None:
        super().step(name, path)
        if self.changes == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)


def dies(work: Callable[[], object]) -> bool:
    """Do ``work`` in a child and tell whether that was killed; an error in it is an error."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status) == signal.SIGKILL
    assert status == 0
    return False


def but_the_receipt(found: dict) -> dict:
    """A snapshot without the receipt, which knows how often it took."""
    return {name: facts for name, facts in found.items() if name not in RECEIPTS}


def without_times(found: dict) -> dict:
    """A snapshot without the times of files."""
    return {
        name: tuple(fact for at, fact in enumerate(facts) if at != 4)
        for name, facts in found.items()
    }


@pytest.fixture
def steps(image, kind, small_source):
    """Install and uninstall once undisturbed; return how many steps each takes."""
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, **kind.options), quiet)
    there = host.changes
    installed = without_times(but_the_receipt(image.snapshot()))
    transaction.uninstall(host, quiet)
    return there, host.changes - there, installed


def test_install_again_finishes(image, kind, steps):
    before = image.snapshot()
    for deadly in range(1, steps[0] + 1):
        host = Deadly(str(image.root), deadly)
        plan = plan_for(host, **kind.options)
        assert dies(lambda host=host, plan=plan: transaction.install(host, plan, quiet))
        again = Host(str(image.root))
        transaction.install(again, plan_for(again, **kind.options), quiet)
        assert without_times(but_the_receipt(image.snapshot())) == steps[2], f"step {deadly}"
        assert transaction.uninstall(again, quiet) == []
        assert image.snapshot() == before, f"step {deadly}"


def test_uninstall_undoes(image, kind, steps):
    before = image.snapshot()
    for deadly in range(1, steps[0] + 1):
        host = Deadly(str(image.root), deadly)
        plan = plan_for(host, **kind.options)
        assert dies(lambda host=host, plan=plan: transaction.install(host, plan, quiet))
        assert transaction.uninstall(Host(str(image.root)), quiet) == []
        assert image.snapshot() == before, f"step {deadly}"


def test_an_interrupted_uninstall_is_finished_by_the_next(image, kind, steps):
    before = image.snapshot()
    for deadly in range(1, steps[1] + 1):
        host = Host(str(image.root))
        transaction.install(host, plan_for(host, **kind.options), quiet)
        dying = Deadly(str(image.root), deadly)
        assert dies(lambda dying=dying: transaction.uninstall(dying, quiet))
        left = receipts.load(host)
        assert left is None or left.phase in ("undoing", "installed")
        assert transaction.uninstall(Host(str(image.root)), quiet) == []
        assert image.snapshot() == before, f"step {deadly}"
