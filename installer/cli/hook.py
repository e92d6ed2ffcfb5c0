"""``hook WORD...``: what a package's maintainer scripts call. No command for people.

``configure [OLD-VERSION]``, ``remove`` and ``triggered``. It always exits 0, and says in one line
what went wrong: an error of ours is no reason for a package to be left half installed.
"""

from __future__ import annotations

import os
import sys

from slashservice.installer import streams


def run(vendor: str = "") -> None:
    """Do what the words say. Never returns."""
    streams.guard()
    if vendor:
        sys.path.append(vendor)
    try:
        _run(sys.argv[1:])
    except Exception as error:
        from slashservice.installer.errors import internal

        said = getattr(error, "what", "") or (str(error) if _is_told(error) else internal(error))
        first, *_ = said.split("\n")
        streams.complain(f"slashservice: warning: {first}\n")
    streams.flush()
    streams.end(0)


def _is_told(error: Exception) -> bool:
    from slashservice.installer.errors import Refusal, Trouble
    from slashservice.installer.interrupts import Interrupted

    return isinstance(error, (Refusal, Trouble, Interrupted, OSError))


def _run(words: list[str]) -> None:
    from slashservice.installer import package_hooks
    from slashservice.installer.detection.look import look
    from slashservice.installer.host.host import Host
    from slashservice.installer.init_systems import INIT_SYSTEMS

    os.umask(0o022)
    host = Host(os.environ.get("DPKG_ROOT", "") or "/")
    offline = "SYSTEMD_OFFLINE is set" if os.environ.get("SYSTEMD_OFFLINE") == "1" else ""
    seen = look(host, INIT_SYSTEMS, offline=offline)

    def say(line: str) -> None:
        streams.say(f"slashservice: {line}" if line else "")

    if words[:1] == ["configure"]:
        package_hooks.configure(seen, say, fresh=not any(words[1:]))
    elif words[:1] == ["triggered"]:
        package_hooks.triggered(seen.host, say)
    elif words[:1] == ["remove"]:
        package_hooks.removing(seen.host, say)
