"""Show what is about to be written as a diff, and have the host's own tools judge it."""

from __future__ import annotations

import difflib
import os

from slashservice.installer.errors import Refusal
from slashservice.installer.host import scratch
from slashservice.installer.host.host import Host
from slashservice.installer.host.state import FileState

HOMES = (
    *("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"),
    "XDG_RUNTIME_DIR",
)
"""Variables by which programs find where to leave things."""


def judge(host: Host, check: tuple[str, ...], path: str, data: bytes) -> None:
    """Have the host's own tool look at a copy of what is about to be written at ``path``.

    ``check`` is a command to which the copy's name is added; where the host lacks it nothing
    is checked. It gets a home of its own, as ``init-checkconf`` leaves folders in one.
    :class:`Refusal` when it fails or, as ``systemd-analyze`` does, complains.
    """
    if not check or not host.live or host.which(check[0]) is None:
        return
    with scratch.folder() as folder:
        copy = os.path.join(folder, os.path.basename(path))
        with open(copy, "wb") as file:
            file.write(data)
        home = os.path.join(folder, "home")
        os.mkdir(home, 0o700)
        settings = [f"{name}={home}" for name in HOMES]
        outcome = host.run(["env", *settings, *check, copy])
    # systemd-analyze exits 0 all the same; what an older systemd ignores does no harm.
    complaints = [
        line
        for line in outcome.output.splitlines()
        if os.path.basename(path) in line and "ignoring" not in line
    ]
    if not outcome.good or (complaints and check[0] == "systemd-analyze"):
        raise Refusal(f"{check[0]} finds fault with {path}", *outcome.output.splitlines()[:5])


def unified_diff(path: str, now: FileState, wanted: FileState) -> str:
    """Return a unified diff between two states of ``path``; empty where they say the same."""
    if now.same_content(wanted) or "file" not in (now.kind, wanted.kind):
        return ""
    lines = difflib.unified_diff(
        now.data.decode(errors="replace").splitlines(keepends=True),
        wanted.data.decode(errors="replace").splitlines(keepends=True),
        path if now else "/dev/null",
        path if wanted else "/dev/null",
    )
    return "".join(
        line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines
    )
