"""What the scripts of a distribution's package have done: svscan wired, handed over, unwired.

The scripts are thin, and this is called by them alone. It never fails: what can't be done is said
in one line, and the package is set up or removed all the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from slashservice.installer import supervision
from slashservice.installer.brought import Brought
from slashservice.installer.detection.look import Look
from slashservice.installer.host import package
from slashservice.installer.host.host import Host
from slashservice.installer.host.state import FileState
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan import packaged
from slashservice.installer.plan.planner import POLICY, POLICY_FORBIDS
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction
from slashservice.installer.record.theirs import respecting

Say = Callable[[str], None]


def configure(look: Look, say: Say, *, fresh: bool) -> None:
    """Wire svscan in where the package's own files do not, and have it run the new code."""
    host = look.host
    old = receipts.load(host)
    if old is not None and old.layout != package.NAME:
        say(
            f"slashservice {old.version} is here already, not from this package: "
            "slashservice uninstall, then dpkg-reconfigure slashservice"
        )
        return
    plan = packaged.make(look, INIT_SYSTEMS, fresh=fresh)
    with transaction.exclusive(host):
        transaction.install(host, respecting(host, plan, old), say, old)
    for note in plan.notes:
        say(note)


def triggered(host: Host, say: Say) -> None:
    """Look at what other packages have brought or taken away."""
    receipt = receipts.load(host)
    if receipt is None or receipt.layout != package.NAME:
        return
    if not package.is_runits(host, receipt.service_dir):
        with transaction.exclusive(host):
            _keep_directory(host, receipt.service_dir, say)
            Brought(host, receipt.service_dir, say).update()


def _keep_directory(host: Host, service_dir: str, say: Say) -> None:
    """Have the scan directory lead to where it led before runit was purged, with its own link."""
    kept = os.fsdecode((host.read(package.TAKEN) or b"").strip())
    leads_nowhere = host.readlink(service_dir) is not None and not host.is_directory(service_dir)
    if leads_nowhere and kept.startswith("/") and host.is_directory(kept):
        host.put(service_dir, FileState("link", target=kept))
        say(f"{service_dir} leads to {kept} now, as what it led to is gone with runit")


def removing(host: Host, say: Say) -> None:
    """Stop the services and unwire svscan, as the package goes; services stay where they are."""
    receipt = receipts.load(host)
    if receipt is None or receipt.layout != package.NAME:
        return
    stays = host.live and host.run([POLICY, "svscan", "stop"]).status == POLICY_FORBIDS
    if stays:
        host = host.seen_as(live=False)
    with transaction.exclusive(host):
        for note in transaction.uninstall(host, say):
            say(note)
        directory = receipt.service_dir
        if host.live and supervision.running(directory):
            supervision.drain(directory)
        if not stays:
            Brought(host, directory, say).take_out()
