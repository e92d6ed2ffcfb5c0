"""Killed between any two steps, by SIGKILL: the next run finishes the work, or undoes it."""

from __future__ import annotations

import pytest
from helpers.images import Image, Kind, Snapshot
from helpers.installer import Deadly, dies, plan_for

from slashservice.installer.host.host import LASTING, RECEIPT, STATE_FOLDERS, Host
from slashservice.installer.plan.source import Source
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction

RECEIPTS = tuple(f"{one}/{RECEIPT}".lstrip("/") for one in (*STATE_FOLDERS, LASTING))


def quiet(line: str) -> None:
    """Take no notice of progress."""


def but_the_receipt(found: Snapshot) -> Snapshot:
    """A snapshot without the receipt, which knows how often it took."""
    return {name: facts for name, facts in found.items() if name not in RECEIPTS}


def without_times(found: Snapshot) -> Snapshot:
    """A snapshot without the times of files."""
    return {
        name: tuple(fact for at, fact in enumerate(facts) if at != 4)
        for name, facts in found.items()
    }


Steps = tuple[int, int, Snapshot]


@pytest.fixture
def steps(image: Image, kind: Kind, small_source: Source) -> Steps:
    """Install and uninstall once undisturbed; return how many steps each takes."""
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, **kind.options), quiet)
    there = host.changes
    installed = without_times(but_the_receipt(image.snapshot()))
    transaction.uninstall(host, quiet)
    return there, host.changes - there, installed


def test_install_again_finishes(image: Image, kind: Kind, steps: Steps) -> None:
    before = image.snapshot()
    for deadly in range(1, steps[0] + 1):
        host = Deadly(str(image.root), deadly)
        plan = plan_for(host, **kind.options)
        assert dies(lambda: transaction.install(host, plan, quiet))  # noqa: B023
        again = Host(str(image.root))
        transaction.install(again, plan_for(again, **kind.options), quiet)
        assert without_times(but_the_receipt(image.snapshot())) == steps[2], f"step {deadly}"
        assert transaction.uninstall(again, quiet) == []
        assert image.snapshot() == before, f"step {deadly}"


def test_uninstall_undoes(image: Image, kind: Kind, steps: Steps) -> None:
    before = image.snapshot()
    for deadly in range(1, steps[0] + 1):
        host = Deadly(str(image.root), deadly)
        plan = plan_for(host, **kind.options)
        assert dies(lambda: transaction.install(host, plan, quiet))  # noqa: B023
        assert transaction.uninstall(Host(str(image.root)), quiet) == []
        assert image.snapshot() == before, f"step {deadly}"


def test_an_interrupted_uninstall_is_finished_by_the_next(
    image: Image, kind: Kind, steps: Steps
) -> None:
    before = image.snapshot()
    for deadly in range(1, steps[1] + 1):
        host = Host(str(image.root))
        transaction.install(host, plan_for(host, **kind.options), quiet)
        dying = Deadly(str(image.root), deadly)
        assert dies(lambda: transaction.uninstall(dying, quiet))  # noqa: B023
        left = receipts.load(host)
        assert left is None or left.phase in ("undoing", "installed")
        assert transaction.uninstall(Host(str(image.root)), quiet) == []
        assert image.snapshot() == before, f"step {deadly}"
