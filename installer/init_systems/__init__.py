"""The init systems, one module each. Adding one touches nothing else.

A module has a subclass of :class:`~slashservice.installer.plan.init_system.InitSystem`. It says
how the init system is detected, where that finds what it starts, how svscan is started and
stopped by it, and what can be wrong with its files. All modules of this folder are loaded,
and so registered.

The text of what is installed is in ``init_templates``. The shells' completions list the names
of init systems for typing; an init system that they don't list works all the same.
"""

from __future__ import annotations

import importlib
import pkgutil

from slashservice.installer.errors import WrongUse
from slashservice.installer.plan.init_system import REGISTERED as INIT_SYSTEMS
from slashservice.installer.plan.init_system import InitSystem

__all__ = ["INIT_SYSTEMS", "by_name"]


def load() -> None:
    """Load the modules of this folder, in whatever order: they register themselves."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)


def by_name(name: str) -> InitSystem:
    """Return the init system called ``name``; :class:`WrongUse` where there is none."""
    for one in INIT_SYSTEMS.values():
        if name in (one.name, *one.aliases):
            return one
    listed = ", ".join(INIT_SYSTEMS)
    raise WrongUse(f"there is no init system {name!r} here", f"There are {listed}.")


load()
