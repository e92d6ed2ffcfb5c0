"""The package as pip would install it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT

from slashservice.supervise.version import VERSION

LOCAL = ("--no-build-isolation", "--no-index", "--no-deps")
"""Have pip build with what is installed, and fetch nothing."""


@pytest.mark.slow
def test_nothing_but_slashservice_lands_at_the_top_of_site_packages(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", *LOCAL, "-w", tmp_path, CHECKOUT],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("slashservice-*.whl")
    assert wheel.name.startswith(f"slashservice-{VERSION}-")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"slashservice"}
    for path in (CHECKOUT / "supervise").rglob("*.py"):
        assert f"slashservice/{path.relative_to(CHECKOUT)}" in names
