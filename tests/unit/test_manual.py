"""The manual pages: there is one for every command, and mandoc finds nothing to say."""

from __future__ import annotations

import subprocess

import pytest
from helpers.checkout import CHECKOUT

from slashservice.supervise.chain import launchers

MANUAL = CHECKOUT / "docs" / "man"


@pytest.mark.parametrize("name", launchers.COMMANDS)
def test_every_command_has_a_page(name: str) -> None:
    text = (MANUAL / f"{name}.8").read_text()
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "SEE ALSO"):
        assert f".Sh {heading}" in text


def test_the_pages_are_clean() -> None:
    pages = sorted(str(page) for page in MANUAL.glob("*.8"))
    found = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *pages], capture_output=True, text=True
    )
    assert found.stdout == ""
    assert found.returncode == 0
