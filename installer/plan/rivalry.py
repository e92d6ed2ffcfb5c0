"""Refuse a scan directory that another supervisor has, unless its place shall be taken."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from slashservice.installer.detection.evidence import Wiring
from slashservice.installer.detection.look import Look
from slashservice.installer.detection.wirings import RUNSVDIR, in_force
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.plan.init_system import InitSystem
from slashservice.installer.plan.options import Options

SVSCANS = ("svscan", "svscanboot")
LAUNCHES = b'sys.modules["slashservice"]'
"""What each of our commands says in its first lines."""

LAUNCHER_LIMIT = 1024
ELSEWHERE = "Or give slashservice another directory with --service-dir."


def foreign_wirings(
    look: Look, systems: Mapping[str, InitSystem], service_dir: str, options: Options
) -> tuple[Wiring, ...]:
    """Return other supervisors' wirings of our scan directory.

    :class:`Refusal` where it is not said that their place shall be taken, or that one which
    may start a scanner starts none (``options.no_rivals``).
    """
    scanned = look.host.resolve(service_dir)
    wirings = tuple(
        wiring
        for wiring in in_force(look.evidence.wirings, systems, look.found.name)
        if not wiring.ours
        and look.host.resolve(wiring.directory) == scanned
        and (wiring.sure or wiring.path not in options.no_rivals)
    )
    running = [
        one
        for one in look.evidence.scanners
        if not one.ours and look.host.resolve(one.directory) == scanned
    ]
    if not wirings and not running:
        return ()
    sure = [one for one in wirings if one.sure]
    where = [one.where for one in sure]
    where += [f"process {one.pid}: {one.program} {one.directory}" for one in running]
    names = {os.path.basename(one.program) for one in sure} | {one.program for one in running}
    if sure and not running and not options.replace:
        _refuse_our_own(look.host, sure)
    strangers = names - {*SVSCANS, RUNSVDIR, "runsvdir-start", "2"}
    if strangers:
        raise Refusal(
            f"{', '.join(sorted(strangers))} supervises {service_dir} already",
            *where,
            "Give slashservice another directory with --service-dir.",
        )
    if names and not options.replace:
        raise Refusal(
            f"{_called(names)} supervises {service_dir} already",
            *where,
            "With --replace slashservice takes its place; uninstalling gives it back.",
            ELSEWHERE,
        )
    doubtful = [one for one in wirings if not one.sure]
    if doubtful and not options.replace:
        files = dict.fromkeys(one.path for one in doubtful)
        raise Refusal(
            f"it can't be told whether something else has {service_dir} supervised at boot",
            *(one.where for one in doubtful),
            f"If not: {' '.join(f'--no-rival {path}' for path in files)}",
            "If so, --replace puts it out of force; uninstalling gives it back.",
            ELSEWHERE,
        )
    return wirings


def _called(names: Collection[str]) -> str:
    """Return words for scanners of these names."""
    return "another svscan" if set(names) & set(SVSCANS) else RUNSVDIR


def _refuse_our_own(host: Host, wirings: list[Wiring]) -> None:
    """Refuse lines that somebody has written and that start slashservice's own svscan."""
    if not all(_starts_ours(host, one) for one in wirings):
        return
    raise Refusal(
        f"slashservice's own {os.path.basename(wirings[0].program)} is started already, "
        f"by {'a line' if len(wirings) == 1 else 'lines'} that slashservice did not write",
        *(one.where for one in wirings),
        "slashservice has a line of its own there, between marks. Put this one out of force:",
        *(_out_of_force(one) for one in wirings),
        "With --replace slashservice does that; uninstalling gives it back.",
    )


def _starts_ours(host: Host, wiring: Wiring) -> bool:
    """Tell whether the program that is started is one of our commands, or will be."""
    path = wiring.program if "/" in wiring.program else host.which(wiring.program) or ""
    if host.lstat(path) is None:
        return path.startswith("/command/")
    return LAUNCHES in (host.read(path) or b"")[:LAUNCHER_LIMIT]


def _out_of_force(wiring: Wiring) -> str:
    """Return the command that does it."""
    if wiring.path.endswith(".service"):
        return f"    systemctl disable {os.path.basename(wiring.path)}"
    last = wiring.line + wiring.text.count("\n")
    lines = f"{wiring.line},{last}" if last > wiring.line else f"{wiring.line}"
    return f"    sed -i '{lines}s/^/#/' {wiring.path}"
