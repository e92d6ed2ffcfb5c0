"""A container: svscan is the program it runs, so nothing is wired."""

from __future__ import annotations

from slashservice.installer.detection.general import CONTAINER
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.init_system import InitSystem, Site


class Container(InitSystem):
    """No init system at all: the code is put in place, and the entry point named."""

    name = CONTAINER
    title = "the container's runtime"
    respawns = False
    listed = 170
    wired = False
    reads_all = True

    def wire(self, site: Site) -> list[Action]:
        return []

    def notes(self, site: Site) -> list[str]:
        """Say what to make the entry point."""
        program, directory = site.svscan.split()
        return [f'make this the container\'s entry point: ["{program}", "{directory}"]']
