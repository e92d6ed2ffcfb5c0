"""Load all code that a svscan may come to need, at its start.

A package is upgraded by having its files replaced while svscan runs, which reads parts of its
code late. Until the next svscan takes over, this one lives by what it has.
"""

from __future__ import annotations

import importlib
import os

from slashservice.supervise.protocol.places import HOME

WINGS = ("platform", "chain", "protocol", "scripts", "logs", "hosting", "services")
"""The folders that svscan and what it forks import; each only those ahead of it."""


def load() -> None:
    """Import every module of these; those of other systems, which this one can't, are left."""
    for wing in WINGS:
        try:
            names = sorted(os.listdir(os.path.join(HOME, "supervise", wing)))
        except OSError:
            continue
        for name in names:
            module, ending = os.path.splitext(name)
            if ending == ".py" and module != "__init__":
                try:
                    importlib.import_module(f"slashservice.supervise.{wing}.{module}")
                except Exception:
                    pass  # another system's; and nothing here is worth not starting
