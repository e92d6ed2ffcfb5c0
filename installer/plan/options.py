"""The switches of ``slashservice install``, as the administrator set them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Options:
    """Empty strings mean "as is right for this host"."""

    init: str = ""
    layout: str = ""
    service_dir: str = ""
    python: str = ""
    start: bool = True
    enable: bool = True
    replace: bool = False
    no_rivals: tuple[str, ...] = ()

    def choices(self) -> dict[str, Any]:
        """Return what later runs shall remember, beside init system and places."""
        return {"no_rivals": list(self.no_rivals)}
