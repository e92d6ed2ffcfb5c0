"""Every kind of action that a receipt may name: their modules register them when loaded."""

from __future__ import annotations

import importlib
from typing import Any

from slashservice.installer.plan.actions import KINDS, Action

for _name in ("accounts", "files", "handing", "labels", "links", "takeover", "telling", "tree"):
    importlib.import_module(f"slashservice.installer.plan.{_name}")


class UnknownKindError(LookupError):
    """A receipt has an action of a kind that this version does not know."""


def action_from_json(plain: dict[str, Any]) -> Action:
    """Make an action from what its ``to_json`` gave."""
    if plain["kind"] not in KINDS:
        raise UnknownKindError(plain["kind"])
    return KINDS[plain["kind"]].from_json(plain)
