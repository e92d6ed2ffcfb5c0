"""Every kind of host: what is planned, to the byte; and that all of it can be undone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.images import Image, Kind
from helpers.installer import Breaking, look_at, plan_for

from slashservice.installer.errors import Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.plan.planner import Plan
from slashservice.installer.plan.source import Source
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction

GOLDEN = Path(__file__).parent / "golden"


def quiet(line: str) -> None:
    """Take no notice of progress."""


def narrate(host: Host, plan: Plan) -> str:
    """Say a plan as ``--dry-run`` does."""
    said = [f"{plan.verdict.name}: {'; '.join(plan.verdict.reasons)}"]
    for action in transaction.pending(host, plan, None):
        said.append(action.describe())
        said += [f"    {line}".rstrip() for line in action.diff(host).splitlines()]
    said += [f"note: {note}" for note in plan.notes]
    return "\n".join(said).replace(host.root, "ROOT") + "\n"


def test_an_image_is_taken_for_what_it_is(image: Image, kind: Kind) -> None:
    found = look_at(Host(str(image.root))).verdict
    if "init" not in kind.options:
        assert (found.name, found.rule, found.live) == (kind.init, "offline", False)


def test_the_plan_is_the_golden_one(
    kind_name: str, kind: Kind, image: Image, small_source: Source
) -> None:
    host = Host(str(image.root))
    said = narrate(host, plan_for(host, **kind.options))
    golden = GOLDEN / f"{kind_name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(said)
    assert said == golden.read_text()


def test_planning_changes_nothing(kind: Kind, image: Image, small_source: Source) -> None:
    before = image.snapshot()
    host = Host(str(image.root))
    narrate(host, plan_for(host, **kind.options))
    assert image.snapshot() == before
    assert host.changes == 0


def test_what_is_installed_is_complete_and_stays_so(
    kind: Kind, image: Image, small_source: Source
) -> None:
    host = Host(str(image.root))
    assert transaction.install(host, plan_for(host, **kind.options), quiet)
    once = image.snapshot()
    receipt = receipts.load(host)
    assert receipt is not None and receipt.phase == "installed"
    assert all(entry.action.done(host) for entry in receipt.entries)
    assert not transaction.install(host, plan_for(host, **kind.options), quiet)
    assert image.snapshot() == once


def test_uninstalling_brings_back_every_byte(
    kind: Kind, image: Image, small_source: Source
) -> None:
    before = image.snapshot()
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, **kind.options), quiet)
    assert image.snapshot() != before
    assert transaction.uninstall(host, quiet) == []
    assert image.snapshot() == before


def test_a_failure_anywhere_puts_everything_back(
    kind: Kind, image: Image, small_source: Source
) -> None:
    before = image.snapshot()
    host = Host(str(image.root))
    plan = plan_for(host, **kind.options)
    transaction.install(host, plan, quiet)
    steps = host.changes
    transaction.uninstall(host, quiet)
    for failing in range(1, steps):
        broken = Breaking(str(image.root), failing)
        with pytest.raises((OSError, Trouble)):
            transaction.install(broken, plan_for(broken, **kind.options), quiet)
        assert image.snapshot() == before, f"step {failing}"
