"""The switches of ``slashservice install``, as the administrator set them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Options:
    """Empty strings, and ``None``, mean "as is right for this host".

    ``scanned`` is the scan directory of the present installation. ``force`` takes any other.
    """

    init: str = ""
    layout: str = ""
    service_dir: str = ""
    python: str = ""
    start: bool | None = None
    enable: bool | None = None
    replace: bool = False
    no_rivals: tuple[str, ...] = ()
    scanned: str = ""
    force: bool = False

    def choices(self) -> dict[str, Any]:
        """Return what later runs shall remember, beside init system and places."""
        return {
            "no_rivals": sorted(set(self.no_rivals)),
            "start": self.start is not False,
            "enable": self.enable is not False,
            "python": self.python,
        }
