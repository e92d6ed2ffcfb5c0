"""A service directory of runit's or daemontools': it is copied as it is."""

from __future__ import annotations

import os

from slashservice.installer.converters import copying
from slashservice.installer.converters.losses import Losses
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.making import Drawn
from slashservice.installer.supervision import supervised

MOST_LINES = 400
"""Lines of a script that are looked at for the old path."""


def read(host: Host, path: str, losses: Losses, check: bool = True, down: bool = False) -> Drawn:
    """Return the service of the directory at ``path``, which may be a link to it."""
    whole = os.path.abspath(path)
    name = os.path.basename(whole)
    if not os.path.lexists(os.path.join(whole, "run")):
        raise Refusal(
            f"{path} is no service directory: there is no run in it",
            f"For those that are in it: slashservice import {os.path.join(path, '*')}",
        )
    if host.live and not down and supervised(whole):
        raise Refusal(
            f"{path} is supervised where it is: {name} would run twice",
            f"Stop it there first: sv exit {whole}, or svc -dx {whole}",
        )
    contents = copying.walk(os.path.realpath(whole), losses, name)
    for script in ("run", "finish", "log/run"):
        state = contents.get(script)
        lines = state.data.split(b"\n")[:MOST_LINES] if state else []
        for number, line in enumerate(lines, 1):
            if os.fsencode(whole) + b"/" in line and not line.lstrip().startswith(b"#"):
                losses.add(f"{name}/{script}:{number}", f"it names {whole}, where it was")
    settled = copying.settled(host, contents, losses, name)
    return copying.drawn(host, name, settled, path, check, down)
