"""A container, which has no init system: svcontainer is the program that it runs."""

from __future__ import annotations

from typing import Any

from slashservice.installer.detection.general import CONTAINER
from slashservice.installer.host.host import Host
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.init_system import InitSystem, Site


class Container(InitSystem):
    """No init system at all: the code is put in place, and the entry point named."""

    name = CONTAINER
    title = "the container's runtime"
    listed = 170
    respawns = False
    wired = False
    reads_all = True

    def facts(self, host: Host, *, running: bool) -> dict[str, Any]:
        return {"container": self._sign(host) if running else ""}

    def wire(self, site: Site) -> list[Action]:
        return []

    def notes(self, site: Site) -> list[str]:
        """Say what to make the entry point."""
        program, directory = site.layout.command("svcontainer"), site.service_dir
        return [f'make this the container\'s entry point: ["{program}", "{directory}"]']

    def _sign(self, host: Host) -> str:
        """Say what shows that this is a container, nothing if nothing does."""
        for path in ("/.dockerenv", "/run/.containerenv"):
            if host.lstat(path):
                return f"{path} is there"
        named = (host.read("/run/systemd/container") or b"").decode(errors="replace").strip()
        if named:
            return f"/run/systemd/container says {named}"
        for word in (host.read("/proc/1/environ") or b"").split(b"\0"):
            if word.startswith((b"container=", b"KUBERNETES_SERVICE_HOST=")):
                return f"PID 1 has {word.decode(errors='replace')} in its environment"
        kind = host.run(["systemd-detect-virt", "--container"], timeout=10)
        if kind.good and kind.output not in ("", "none", "wsl"):
            return f"systemd-detect-virt says {kind.output}"
        return ""
