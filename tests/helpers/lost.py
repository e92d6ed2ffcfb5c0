"""A host whose receipt is lost: installing on it as the verb does, and what may be left."""

from __future__ import annotations

from pathlib import Path

from helpers.images import Image, Snapshot
from helpers.installer import look_at

from slashservice.installer.cli.verbs_install import remembered
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan.options import Options
from slashservice.installer.plan.planner import make_plan
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import recovery, transaction
from slashservice.installer.record.receipt import Receipt
from slashservice.installer.record.theirs import respecting

STANDARD = {
    *("usr/local", "usr/local/bin", "usr/local/share", "usr/local/share/man"),
    *("usr/local/share/man/man8", "usr/local/lib", "srv", "srv/services", "etc/service", "usr"),
    *("etc/rc.conf.d", "etc/shepherd"),
}
"""Folders of which nobody can know whether we made them."""


def lose(host: Host) -> Receipt:
    """Remove the receipt; return what it said."""
    receipt = receipts.load(host)
    assert receipt is not None
    Path(host.real(receipts.path(host))).unlink()
    return receipt


def recover(host: Host, **options: object) -> Receipt | None:
    """Make a receipt of what is there."""
    chosen = Options(**options)  # type: ignore[arg-type]
    found = recovery.recover(look_at(host, chosen.init), INIT_SYSTEMS, chosen)
    return found.receipt if found else None


def install(host: Host, **options: object) -> bool:
    """Install as the verb does, with the present receipt or without one."""
    chosen = Options(**options)  # type: ignore[arg-type]
    old = receipts.load(host) or recover(host, **options)
    chosen = remembered(host, old, chosen)
    plan = make_plan(look_at(host, chosen.init), INIT_SYSTEMS, chosen)
    plan = respecting(host, plan, old)
    return transaction.install(host, plan, lambda line: None, old)


def told(snapshot: Snapshot) -> Snapshot:
    """A snapshot without the times of files, which nobody can know any more."""
    return {path: (*facts[:4], *facts[5:]) for path, facts in snapshot.items()}


def assert_gone(image: Image, before: Snapshot, unknown: frozenset[str] = frozenset()) -> None:
    """Assert that all is as it was, as far as that can be known."""
    after, before = told(image.snapshot()), told(before)
    left = set(after) - set(before) - STANDARD - unknown
    assert left == set(), left
    for path, facts in before.items():
        if path not in after:
            assert path in STANDARD
            continue
        there = image.path(path)
        if facts != after[path]:
            text = there.read_bytes()  # a newline that the last line lacked
            assert text.endswith(b"\n"), path
            there.write_bytes(text[:-1])
            assert told(image.snapshot())[path] == facts, path
