"""The switches of ``slashservice install``, as the administrator set them."""

from __future__ import annotations

from dataclasses import dataclass


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
