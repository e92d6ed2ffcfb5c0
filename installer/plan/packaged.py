"""The plan for a host to which a package has brought all that a package may bring.

What is left is the line in somebody else's file, as inittab, and that svscan runs the new code.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from slashservice.installer import supervision
from slashservice.installer.detection.look import Look
from slashservice.installer.errors import Refusal
from slashservice.installer.host import package
from slashservice.installer.host.layout import layout
from slashservice.installer.plan.files import MakeScanDirectory
from slashservice.installer.plan.handing import HandOver
from slashservice.installer.plan.init_system import InitSystem, Site
from slashservice.installer.plan.options import Options
from slashservice.installer.plan.planner import (
    POLICY,
    POLICY_FORBIDS,
    Plan,
    distinct,
    may_start,
    parents,
)
from slashservice.installer.plan.rivalry import foreign_wirings
from slashservice.installer.plan.telling import Supervise

PYTHON = "/usr/bin/python3"


def runits(service_dir: str) -> str:
    """Say why svscan does not start on a directory, and what to type."""
    return (
        f"svscan is not started: {service_dir} is a link of Debian's runit to all services that "
        f"packages have for it. To have them started: touch {package.TAKEN}; if not: "
        "apt remove runit; then dpkg-reconfigure slashservice"
    )


def make(look: Look, systems: Mapping[str, InitSystem], *, fresh: bool) -> Plan:
    """Return the plan; :class:`Refusal` where nothing is to be wired.

    The package's own scripts start svscan where they can. Here it is started if the package is
    ``fresh`` and init itself has to. An administrator who has stopped it keeps it stopped.
    """
    host, verdict = look.host, look.verdict
    code = host.resolve(f"{package.HOME}/current")
    places = layout(package.NAME, os.path.basename(code))
    if not verdict.name or not systems[verdict.name].wired:
        raise Refusal(f"svscan starts once this host has an init: {'; '.join(verdict.reasons)}")
    if package.is_runits(host, places.service_dir):
        raise Refusal(runits(places.service_dir))
    init_system = systems[verdict.name]
    options = Options(scanned=places.service_dir)
    foreign_wirings(look, systems, places.service_dir, options)
    notes: list[str] = []
    running = host.live and bool(supervision.running(places.service_dir))
    fresh = fresh and not init_system.started_by_package
    start = verdict.live and host.live and (running or (fresh and may_start(host, notes)))
    if running and start and host.run([POLICY, "svscan", "restart"]).status == POLICY_FORBIDS:
        notes.append(f"{POLICY} forbids it: svscan runs on with the code of before")
        start = False
    wiring = init_system.beside_package(Site(host, places, look.evidence, verdict, PYTHON, start))
    respawns = init_system.respawns and not init_system.remembers
    over = [
        HandOver(one.service_dir, one.start, respawns, code=places.tree)
        for one in wiring
        if isinstance(one, Supervise) and one.started
    ]
    actions = [
        *parents(f"{places.service_dir}/x"),
        MakeScanDirectory(path=places.service_dir),
        *wiring,
        *over,
    ]
    return Plan(verdict, places, PYTHON, tuple(distinct(actions)), tuple(notes), options.choices())
