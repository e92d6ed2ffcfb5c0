"""Commands start fast because of what they leave unimported."""

from __future__ import annotations

import subprocess

import pytest
from helpers.checkout import CHECKOUT

from slashservice.supervise.chain import launchers

COSTLY = {"argparse", "asyncio", "logging", "re", "subprocess", "typing"}
"""No command needs any of these to start."""

COSTLY_FOR_SHORT_ONES = COSTLY | {"collections", "contextlib", "ctypes", "enum", "signal"}

LONG_RUNNING = {"loghost", "supervise", "svscan", "svscanboot"}

SHOW_IMPORTS = """
import sys
slashservice = type(sys)("slashservice")
slashservice.__path__ = [{home!r}]
sys.modules["slashservice"] = slashservice
from slashservice.supervise.program import load
load({name!r})
print(*sys.modules)
"""


@pytest.mark.parametrize("name", launchers.COMMANDS)
def test_costly_modules_stay_out(name: str) -> None:
    home = str(CHECKOUT)
    shown = subprocess.run(
        ["/usr/bin/python3", "-IS", "-c", SHOW_IMPORTS.format(home=home, name=name)],
        capture_output=True,
        text=True,
        check=True,
    )
    costly = COSTLY if name in LONG_RUNNING else COSTLY_FOR_SHORT_ONES
    assert costly.isdisjoint(shown.stdout.split())
