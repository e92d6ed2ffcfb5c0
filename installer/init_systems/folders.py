"""Folders of start-up links: OpenRC's runlevels, systemd's ``*.wants``."""

from __future__ import annotations

from slashservice.installer.host.host import Host


def links_below(host: Host, base: str, name: str) -> list[str]:
    """Return what is called ``name`` in the folders directly below ``base``."""
    paths = [
        f"{base}/{inner}/{name}"
        for inner in host.list(base)
        if host.is_directory(f"{base}/{inner}")
    ]
    return [path for path in paths if host.lstat(path) is not None]
