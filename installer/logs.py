"""What keeps logs from being written, as their log services have it in ``supervise/trouble``."""

from __future__ import annotations

import time
from dataclasses import dataclass

from slashservice.installer.host.host import Host
from slashservice.supervise.protocol import status

FILE = "log/supervise/trouble"
STATUS = "log/supervise/status"


@dataclass(frozen=True)
class Trouble:
    """Why the log of ``service`` can't be written, and since when (Unix time)."""

    service: str
    text: str
    since: float

    def __str__(self) -> str:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        return f"the log of {self.service} has been in trouble since {when}: {self.text}"


def troubles(host: Host, service_dir: str) -> tuple[Trouble, ...]:
    """Return the trouble of all hosted logs; what may not be read counts as none."""
    found = []
    for name in host.list(service_dir):
        path = f"{service_dir}/{name}/{FILE}"
        try:
            now = status.unpack(host.read(f"{service_dir}/{name}/{STATUS}") or b"")
            if now and not now.pid and now.want == b"d":
                continue  # what kept it from starting, before it was told to stay down
            about = host.stat(path)
            text = host.read(path) if about else None
        except OSError:
            continue
        if about and text and not name.startswith("."):
            line = "".join(
                c if c.isprintable() else "?" for c in text.decode("utf-8", "replace").strip()
            )
            found.append(Trouble(name, line, about.st_mtime))
    return tuple(found)
