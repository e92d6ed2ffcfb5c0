"""Every kind of action that a receipt may name: their modules register them when loaded."""

from __future__ import annotations

import importlib
from typing import Any

from slashservice.installer.plan.actions import KINDS, Action

for _name in ("files", "handing", "links", "takeover", "telling", "tree"):
    importlib.import_module(f"slashservice.installer.plan.{_name}")


def action_from_json(plain: dict[str, Any]) -> Action:
    """Make an action from what its ``to_json`` gave."""
    return KINDS[plain["kind"]].from_json(plain)
