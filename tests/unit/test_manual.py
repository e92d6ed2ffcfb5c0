"""The manual pages: there is one for every command, and mandoc finds nothing to say."""

from __future__ import annotations

import os
import subprocess

import pytest
from helpers.checkout import CHECKOUT

from slashservice.installer.noted import NAMES
from slashservice.supervise.chain import launchers
from slashservice.supervise.protocol import names

MANUAL = CHECKOUT / "docs" / "man"


@pytest.mark.parametrize("name", launchers.COMMANDS)
def test_every_command_has_a_page(name: str) -> None:
    text = (MANUAL / f"{name}.8").read_text()
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "SEE ALSO"):
        assert f".Sh {heading}" in text


def test_the_pages_are_clean() -> None:
    pages = sorted(str(page) for page in MANUAL.glob("*.[58]"))
    found = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *pages], capture_output=True, text=True
    )
    assert found.stdout == ""
    assert found.returncode == 0


def own_names() -> list[str]:
    """The names that svscan knows in a service directory, but for those of its own folder."""
    values = [value for name, value in vars(names).items() if not name.startswith("SCANNER")]
    found = [os.path.basename(os.fsdecode(one)) for one in values if isinstance(one, bytes)]
    return sorted({one for one in found if not one.endswith(".new")} | set(NAMES))


@pytest.mark.parametrize("name", own_names())
def test_the_page_of_a_service_has_every_name(name: str) -> None:
    """Each is what an item is about, and it is said whose it is."""
    text = (MANUAL / "service.5").read_text().replace(r"\-", "-")
    items = [line for line in text.splitlines() if line.startswith(".It Pa ")]
    about = {word.strip(",/") for line in items for word in line.split(" Pq ")[0].split()[2:]}
    about |= {word.split("/")[0] for word in about}
    assert name == "supervise" or name in about
    assert all(" Pq " in line for line in items)
    assert f"Pa {name}" in text
