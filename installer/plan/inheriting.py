"""Which directory ``--replace`` is about, where none is named: the one that runsvdir has.

C's svscan has ``/service``, as ours. runsvdir has another one on each distribution.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping

from slashservice.installer.detection.look import Look
from slashservice.installer.detection.wirings import RUNSVDIR, in_force
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.plan.init_system import InitSystem
from slashservice.installer.plan.options import Options

NAMES = ("/var/service", "/run/runit/service", "/etc/service", "/service")
"""What people call that directory: on Void, on Artix, on Debian, and at runit's author's."""


def choose(look: Look, systems: Mapping[str, InitSystem], options: Options) -> Options:
    """Return the options, with the directory of the runsvdir whose place is to be taken.

    :class:`Refusal` where there are several, or where other options make no sense with that.
    """
    if not options.service_dir and not options.scanned:
        directory = _taken(look, systems) or (_directory(look, systems) if options.replace else "")
        if directory:
            options = dataclasses.replace(options, service_dir=directory)
    if options.enable is False and _inherits(look, systems, options.service_dir):
        raise Refusal(
            "svscan can't have the place of runsvdir and not be started at boot",
            "Leave out --no-enable. With --no-start it comes into force at the next boot.",
        )
    return options


def _taken(look: Look, systems: Mapping[str, InitSystem]) -> str:
    """Return what a runsvdir scans whose place svscan has already, as lines of ours are there."""
    init_system = systems[look.verdict.name]
    found = [one for one in look.evidence.wirings if init_system.inherits(one) and not one.active]
    return called(look.host, found[0].directory) if found else ""


def _directory(look: Look, systems: Mapping[str, InitSystem]) -> str:
    """Return what the host's runsvdir scans, empty if there is none or svscan runs, too."""
    host = look.host
    init_system = systems[look.verdict.name]
    wirings = [
        one
        for one in in_force(look.evidence.wirings, systems, look.found.name)
        if one.sure and not one.ours
    ]
    if any(os.path.basename(one.program) in ("svscan", "svscanboot") for one in wirings):
        return ""
    own = [one.directory for one in wirings if init_system.inherits(one)]
    others = [one.directory for one in wirings if _is_runsvdir(one.program)]
    found = list({host.resolve(one): called(host, one) for one in own or others}.values())
    if len(found) > 1:
        raise Refusal(
            f"runsvdir supervises {', '.join(found)}",
            "Say with --service-dir which of them slashservice is to take.",
        )
    return found[0] if found and host.is_directory(found[0]) else ""


def _is_runsvdir(program: str) -> bool:
    return os.path.basename(program) in (RUNSVDIR, "runsvdir-start") or program == "/etc/runit/2"


def called(host: Host, directory: str) -> str:
    """Return the name by which people know a directory."""
    same = [one for one in NAMES if host.resolve(one) == host.resolve(directory)]
    return same[0] if same else directory


def _inherits(look: Look, systems: Mapping[str, InitSystem], service_dir: str) -> bool:
    """Tell whether svscan gets its place on the directory from the init system's own runsvdir."""
    init_system = systems[look.verdict.name]
    scanned = look.host.resolve(service_dir) if service_dir else ""
    return any(
        init_system.inherits(one) and look.host.resolve(one.directory) == scanned
        for one in look.evidence.wirings
    )
