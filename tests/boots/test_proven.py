"""``docs/proven.md`` says what these tests say, if they pass."""

from __future__ import annotations

import subprocess
import sys

from helpers.boots import proven
from helpers.checkout import CHECKOUT


def collected() -> set[str]:
    """Return the ids of all tests that the document is made of."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/boots"]
    done = subprocess.run(
        [*command, "tests/unit/installer", "tests/conformance/installer"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line for line in done.stdout.splitlines() if "::" in line}


def test_every_upgrade_is_of_a_way_that_the_document_tells_of() -> None:
    prefix = proven.UPGRADES.removesuffix("{}]")
    upgrades = {line for line in collected() if line.startswith(prefix)}
    titles = [one.title for one in proven.BOOTED]
    told = {proven.UPGRADES.format(proven.WAYS.get(title, title)) for title in titles}
    assert upgrades and upgrades <= told


def test_the_document_is_what_a_run_writes() -> None:
    tests = collected()
    assert proven.DOCUMENT.read_text() == proven.document(dict.fromkeys(tests, True))
    named = {test for one in proven.CHECKED for test in one.tests}
    named |= {proven.IMAGES.format(kind) for one in proven.CHECKED for kind in one.kinds}
    assert named <= tests
    for one in proven.BOOTED:
        assert tests & set(one.ways.values()), one.title


def test_the_document_leaves_nothing_out() -> None:
    assert not proven.missing()


def test_what_failed_is_not_proven() -> None:
    assert "booted" not in proven.document({}).removeprefix(proven.HEAD)
    passed = {proven.EMULATED.format("sysvinit"): True, proven.CYCLE.format("debian"): False}
    text = proven.document(passed)
    assert "| sysvinit | booted emulated |" in text
    assert "| devuan | sysvinit | not had; its init system booted |" in text
    assert "| systemd | no |" in text
