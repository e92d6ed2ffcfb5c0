"""The doctor's checks of what svscan scans: its directory, the services in it, and their logs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from shlex import quote

from slashservice.installer import noted, vigil
from slashservice.installer.findings import Finding, Patient, made_ours
from slashservice.installer.host import trust
from slashservice.installer.host.host import Host
from slashservice.installer.logs import mistakes, troubles
from slashservice.installer.waiting import listed
from slashservice.supervise.admin import causes_of_ends, health, unsupervised
from slashservice.supervise.admin.case import Case
from slashservice.supervise.admin.causes import causes
from slashservice.supervise.admin.everything import Everything
from slashservice.supervise.printable import printable


def scan_directory(patient: Patient) -> Iterator[Finding]:
    """Is the scan directory there, and what is in it?"""
    host, directory = patient.host, patient.service_dir
    if patient.receipt and not host.is_directory(directory):
        real = quote(host.real(directory))
        yield Finding(f"the scan directory {directory} is missing", f"mkdir -p {real}")
    for name in host.list(directory):
        path = f"{directory}/{name}"
        if name.startswith(".") or _is_closed(host, f"{path}/run"):
            continue
        leads = None if host.stat(path) else host.readlink(path)
        if leads:
            yield Finding(f"{path} leads nowhere: {leads}", f"rm {quote(host.real(path))}")
        elif host.is_directory(path):
            yield from _run_script(host, path)
        else:
            what = f"{path} is a file, and no service directory"
            yield Finding(what, f"move it out of {directory}, or remove it")


def _is_closed(host: Host, path: str) -> bool:
    """Tell whether we may not look at a file, or not execute what its owner may."""
    try:
        mode = os.stat(host.real(path)).st_mode
    except PermissionError:
        return True
    except OSError:
        return False
    return os.geteuid() != 0 and mode & 0o111 in (0o100, 0o110)


def _run_script(host: Host, service: str) -> Iterator[Finding]:
    """Is there something to run?"""
    run = f"{service}/run"
    if host.is_executable(run):
        return
    if host.is_file(run):
        yield Finding(f"{run} is not executable", f"chmod +x {quote(host.real(run))}")
        return
    what = f"{run} is {'no file' if host.stat(run) else 'missing'}"
    if host.readlink(service) is not None:
        yield Finding(what, f"write it, or take the service away: rm {quote(host.real(service))}")
    else:
        yield Finding(what, f"write it, or move {service} to somewhere else")


RUN_BY_SVSCAN = ("", "/run", "/log", "/log/run", "/supervise", "/log/supervise")
"""What svscan runs of a service, or believes: the directory itself, and these in it."""


def service_owners(patient: Patient) -> Iterator[Finding]:
    """Can others than root change what root's svscan runs?

    A run script may change to another account at once; until then it runs as root.
    """
    host, directory = patient.host, patient.service_dir
    if patient.receipt is None:
        return
    told = {trust.distrust(host, directory)}  # that is found with the interpreter
    for name in sorted(host.list(directory)):
        service = f"{directory}/{name}"
        if name.startswith(".") or not host.is_directory(service):
            continue
        for part in RUN_BY_SVSCAN:
            path = host.resolve(service) + part if part else service
            part, how = trust.suspect(host, path) if host.lstat(path) else ("", "")
            why = f"{part} {how}" if how else ""
            if why and why not in told:
                mend = made_ours(host, part, how)
                yield Finding(
                    f"svscan runs {service} as {'you' if host.home else 'root'}, but {why}",
                    f"{mend}, and run nothing but what is yours"
                    if host.home
                    else f"{mend}; or have its user run an svscan of their own",
                )
            told.add(why)


def supervisor(patient: Patient) -> Iterator[Finding]:
    """Does the svscan that runs do its work, and could another one take over from it?"""
    yield from (Finding(*fault) for fault in vigil.faults(patient.host, patient.service_dir))


def logs(patient: Patient) -> Iterator[Finding]:
    """Can all logs be written, and where they should be?"""
    for one in troubles(patient.host, patient.service_dir):
        yield Finding(str(one), one.remedy)
    yield from (Finding(*found) for found in mistakes(patient.host, patient.service_dir))


def services(patient: Patient) -> Iterator[Finding]:
    """Does each service run that should? ``slashservice why`` looks closer at one."""
    if not (patient.receipt or patient.closed) or not patient.host.live:
        return
    now = time.time()
    everything = Everything(patient.service_dir)
    left = unsupervised.left(everything.services)
    if left and not everything.svscan:
        yield Finding(
            f"nobody supervises what still runs: {listed(list(map(printable, left)))}",
            unsupervised.ADOPTED,
        )
    shut = [one for one in everything.services if health.state(one, now) == health.CLOSED]
    if shut:
        were = "was" if len(shut) == 1 else "were"
        what = f"{len(shut)} of the services {were} not looked at: only root may do that"
        yield Finding(what, "sudo slashservice doctor", note=True)
    ailing = []
    for seen in everything.services:
        state = health.state(seen, now)
        case = Case(seen, patient.service_dir, everything.svscan, now)
        remedy = f"slashservice why {quote(seen.name)}"
        told = state in (health.FAILING, health.FAILED, health.UNLINKED) or (
            (state == health.NOT_SUPERVISED and everything.svscan) or seen.is_deleted
        )
        if told:
            first = next((cause.what for cause in causes(case) if not cause.is_note), "")
            name = printable(seen.name)
            yield Finding(f"{name} is {state}" + (f": {first}" if first else ""), remedy)
        ailing += [(seen.name, cause.what, remedy) for cause in causes_of_ends.log(case)]
    reported = (
        {one.service for one in troubles(patient.host, patient.service_dir)} if ailing else ()
    )
    for name, what, remedy in ailing:
        if name not in reported:
            yield Finding(f"{printable(name)}: {what}", remedy)


def old_names(patient: Patient) -> Iterator[Finding]:
    """Has a service files that daemontools passed over, and that mean something here?"""
    if patient.receipt is not None:
        for what, remedy in noted.old_names(patient.host, patient.receipt):
            yield Finding(what, remedy, note=True)
