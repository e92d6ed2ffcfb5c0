"""The collection before Ansible's own judges."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.fleet import COLLECTION, environment
from helpers.sanity import judged

from slashservice.supervise.version import VERSION


@pytest.mark.slow
def test_the_linter_has_nothing_to_say(tmp_path: Path) -> None:
    """What it is not to look for has its reason in ``.ansible-lint``."""
    linter = environment() / "ansible-lint"
    judged([linter, "--nocolor", "--project-dir", "."], COLLECTION, tmp_path)


def test_its_version_is_that_of_slashservice() -> None:
    assert f"\nversion: {VERSION}\n" in (COLLECTION / "galaxy.yml").read_text()
    assert re.search(rf"^## {re.escape(VERSION)}", (COLLECTION / "CHANGELOG.md").read_text(), re.M)
