"""Find what is wrong on a host, or soon will be: ``slashservice doctor``.

Each check is a function that yields findings, each a sentence and, where there is one, a
remedy. Nothing is changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

from slashservice.installer import supervision
from slashservice.installer.detection.look import Look
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.findings import Finding, Patient, made_ours
from slashservice.installer.host import package, processes, trust
from slashservice.installer.host.host import COMMAND_PATH
from slashservice.installer.host.marks import BrokenMarks, block, naming
from slashservice.installer.plan import packaged, proof, scripts
from slashservice.installer.plan.files import EditFile
from slashservice.installer.plan.init_system import InitSystem
from slashservice.installer.plan.labels import faults as label_faults
from slashservice.installer.plan.source import version
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import recovery
from slashservice.installer.record.receipt import Receipt
from slashservice.installer.record.theirs import idle_edits
from slashservice.installer.scanned import (
    logs,
    old_names,
    scan_directory,
    service_owners,
    services,
    supervisor,
)
from slashservice.installer.status import look

Check = Callable[[Patient], Iterator[Finding]]


def examine(seen: Look, systems: Mapping[str, InitSystem]) -> list[Finding]:
    """Return all that is found wrong with a host."""
    found = []
    receipt, closed = None, False
    try:
        receipt = receipts.load(seen.host)
    except receipts.Closed:
        closed = True
        what = f"files were not looked at: only root may read {receipts.path(seen.host)}"
        found.append(Finding(what, "sudo slashservice doctor", note=True))
    except Trouble as trouble:
        found.append(Finding(str(trouble), "\n    ".join(trouble.advice)))
    patient = Patient(seen, systems, receipt, closed)
    checks = [check for check in CHECKS if not (found and check is installation)]
    for check in checks:
        try:
            found += check(patient)
        except (Refusal, Trouble) as problem:
            found.append(Finding(str(problem), "\n    ".join(problem.advice)))
    return list(dict.fromkeys(found))


def installation(patient: Patient) -> Iterator[Finding]:
    """Is the installation complete, and as it was made?"""
    if patient.receipt is None:
        here = [*recovery.lost(patient.seen, patient.systems)]
        yield Finding(*(here or ["slashservice is not installed here", "slashservice install"]))
        return
    brought = package.found(patient.host)
    if brought and patient.receipt.layout == package.NAME:
        yield from _of_package(patient, brought)
    counts, *more = receipts.found(patient.host)
    for path in more:
        yield Finding(f"there are two receipts: {counts} counts, and {path}", f"rm {path}")
    if patient.receipt.phase != "installed":
        yield Finding(
            "an installer was interrupted",
            "slashservice install finishes it, slashservice uninstall undoes it",
        )
    edited = _edited(patient.receipt)
    idle = idle_edits(patient.host, patient.receipt)
    artefacts = look(patient.host, patient.receipt).artefacts
    for one in {(one.path, one.state): one for one in artefacts}.values():
        if one.state == "changed" and one.path in idle:
            boot = ": nothing starts svscan at boot" if one.enables else ""
            yield Finding(
                f"of slashservice's lines in {one.path} only the marks are left, or comments{boot}",
                "take out the marks, too; then slashservice install puts the lines in again",
            )
        elif one.state == "changed" and one.path in edited:
            yield Finding(
                f"{one.path} is changed: slashservice's own lines in it are not as it wrote them",
                "slashservice install leaves them so; without them and their marks it puts "
                "them in anew",
            )
        elif one.state == "changed":
            yield Finding(
                f"{one.path} is changed: it is not as slashservice wrote it",
                "slashservice install leaves it so; if it is removed before, it is made anew",
            )
        elif one.state == "missing":
            yield Finding(f"{one.path} is missing", "slashservice install mends it")


def _of_package(patient: Patient, brought: package.Package) -> Iterator[Finding]:
    """Is the package set up, and has it a scan directory of its own?"""
    state = package.amiss(patient.host, brought)
    if state:
        yield Finding(
            f"the package slashservice is not set up, its state is {state}: that failed, "
            "as on a full disk, or was interrupted",
            brought.mend,
        )
    if package.is_runits(patient.host, patient.service_dir):
        what, _, remedy = packaged.runits(patient.service_dir).partition(". ")
        yield Finding(what, remedy)


def _edited(receipt: Receipt | None) -> list[str]:
    """Return the files of others in which there are lines of ours."""
    entries = receipt.entries if receipt else ()
    return [one.action.path for one in entries if isinstance(one.action, EditFile)]


def marks(patient: Patient) -> Iterator[Finding]:
    """Are the marks around our lines whole, in all files that may have such lines?"""
    places = [place.path for one in patient.systems.values() for place in one.places]
    edited = _edited(patient.receipt)
    for path in dict.fromkeys(map(patient.host.resolve, (*edited, *places))):
        try:
            with naming(path):
                block(patient.host.read(path) or b"")
        except BrokenMarks as broken:
            yield Finding(broken.what, "\n    ".join(broken.advice))


def running(patient: Patient) -> Iterator[Finding]:
    """Does svscan run, as the child it should be?"""
    if patient.closed and patient.host.live and not supervision.running(patient.service_dir):
        yield Finding(f"no svscan runs on {patient.service_dir}", "sudo slashservice doctor")
    if patient.receipt is None or not patient.host.live or not _is_wired(patient):
        return
    pid = supervision.running(patient.service_dir)
    if not pid and not _is_left_stopped(patient):
        yield Finding(f"no svscan runs on {patient.service_dir}", "slashservice install starts it")
    chosen = patient.receipt.asked or not patient.receipt.entries
    if patient.verdict.name not in ("", patient.receipt.init) and not chosen:
        yield Finding(
            f"this host is run by {patient.verdict.name} now, "
            f"but svscan is wired into {patient.receipt.init}",
            "slashservice install wires it into the one that runs",
        )


def _is_left_stopped(patient: Patient) -> bool:
    """Tell whether svscan was not to be started, and the host has not booted since."""
    status = patient.host.stat(receipts.path(patient.host))
    chosen = patient.receipt is not None and patient.receipt.choices.get("start") is False
    return chosen and status is not None and status.st_mtime > processes.boot_time()


def _is_wired(patient: Patient) -> bool:
    """Tell whether there is an init system that svscan is wired into."""
    receipt = patient.receipt
    return receipt is not None and (
        receipt.init not in patient.systems or patient.systems[receipt.init].wired
    )


def rivals(patient: Patient) -> Iterator[Finding]:
    """Is there more than one supervisor for a directory, or slashservice twice?"""
    for what, remedy in recovery.twice(patient.seen, patient.systems, patient.receipt):
        yield Finding(what, remedy)
    by_directory: dict[str, list[str]] = {}
    wirings = patient.wirings
    ours = {one.directory for one in wirings if one.ours}
    for one in wirings:
        if not one.ours and (one.sure or one.path not in patient.no_rivals):
            perhaps = "" if one.sure else "perhaps "
            place = f"{one.path}:{one.line}: {perhaps}{one.program}"
            by_directory.setdefault(one.directory, []).append(place)
    for directory, places in by_directory.items():
        if directory in ours or len({place.split(":")[0] for place in places}) > 1:
            yield Finding(
                f"{directory} has more than one supervisor: {', '.join(places)}",
                "keep one; slashservice install --replace takes the place of svscan, "
                "--no-rival FILE says that FILE starts none",
            )
    running_there = [one for one in patient.evidence.scanners if not one.ours]
    for scanner in running_there:
        if supervision.running(scanner.directory):
            yield Finding(
                f"{scanner.program} (pid {scanner.pid}) scans {scanner.directory} beside svscan"
            )


def missing_programs(patient: Patient) -> Iterator[Finding]:
    """Does an init system start a program that isn't there, again and again?"""
    for one in patient.wirings:
        if one.sure and "/" in one.program and not patient.host.is_executable(one.program):
            yield Finding(
                f"{one.path} has {one.program} started, which is not there",
                "remove that line" if not one.ours else "slashservice install mends it",
            )


def interpreter(patient: Patient) -> Iterator[Finding]:
    """Is the interpreter there, and nobody's but root's?"""
    if patient.receipt is None:
        return
    python = patient.receipt.python
    if not patient.host.is_executable(python):
        yield Finding(f"the interpreter {python} is gone", "slashservice install finds another")
        return
    home = patient.host.home
    why = trust.distrust(patient.host, python)
    if why:
        whose = "your" if home else "root's"
        yield Finding(f"{whose} services run on {python}, but {why}", "install with --python")
    code = ("/command", "/package/admin", "/usr/local/lib/slashservice")
    for path in (patient.service_dir, *((patient.host.receipts,) if home else code)):
        part, why = trust.suspect(patient.host, path) if patient.host.lstat(path) else ("", "")
        if why:
            whose = "you" if home else "root"
            what = f"others than {whose} can change what it runs: {part} {why}"
            yield Finding(what, made_ours(patient.host, part, why))


def init_system_files(patient: Patient) -> Iterator[Finding]:
    """Are the files right that init systems read?"""
    for init_system in patient.systems.values():
        for what, remedy in init_system.faults(patient.seen):
            yield Finding(what, remedy)


def scripts_of_others(patient: Patient) -> Iterator[Finding]:
    """Do the scripts that a line was put into run, and come to it? rc.local has its own check."""
    for entry in patient.receipt.entries if patient.receipt else ():
        edit = entry.action
        if not isinstance(edit, EditFile) or not edit.script or edit.path.endswith("rc.local"):
            continue
        text = patient.host.read(edit.path) or b""
        fault = scripts.fault(patient.host, edit.path, text, edit.script)
        where = proof.misplaced(patient.host, text)
        if fault:
            yield Finding(fault.what, fault.remedy)
        elif where:
            what = f"slashservice's line in {edit.path} {where}"
            yield Finding(what, "slashservice install moves it up")


def shadows(patient: Patient) -> Iterator[Finding]:
    """Does a command of the same name come first?"""
    if patient.receipt is None or patient.receipt.layout != "fhs":
        return
    for folder in COMMAND_PATH:
        if folder == "/usr/local/bin":
            return
        for name in ("svc", "svstat", "svscan"):
            if patient.host.lstat(f"{folder}/{name}"):
                yield Finding(f"{folder}/{name} comes before ours on most PATHs")


def selinux(patient: Patient) -> Iterator[Finding]:
    """Are our files labelled so that init systems may run them, and will they stay so?"""
    yield from (Finding(*found) for found in label_faults(patient.host))


def age(patient: Patient) -> Iterator[Finding]:
    """Is the installed version the one that runs now, here and as svscan?"""
    if patient.receipt is None:
        return
    seen = look(patient.host, patient.receipt)
    if seen.runs_other_code:
        yield Finding(
            f"svscan (pid {seen.pid}) runs version {seen.version} from {seen.code}, "
            f"and {seen.tree} is installed",
            seen.exchange,
        )
    if patient.receipt.version != version():
        yield Finding(
            f"version {patient.receipt.version} is installed, this is {version()}",
            "slashservice install upgrades; no service restarts",
        )


def search_path(patient: Patient) -> Iterator[Finding]:
    """Will the administrator's shell find the commands?"""
    folders = os.environ.get("PATH", "").split(":")
    own = patient.host.commands
    if own and patient.receipt and own not in folders:
        yield Finding(f"{own} is not on your PATH", f"PATH={own}:$PATH, in your ~/.profile")
    if patient.receipt and patient.host.live and patient.receipt.layout == "slashpackage":
        linked = patient.host.lstat("/usr/local/bin/svstat") and "/usr/local/bin" in folders
        if "/command" not in folders and not linked:
            yield Finding("/command is not on your PATH", "PATH=/command:$PATH")


CHECKS: tuple[Check, ...] = (
    installation,
    marks,
    running,
    supervisor,
    rivals,
    missing_programs,
    interpreter,
    init_system_files,
    scripts_of_others,
    scan_directory,
    service_owners,
    services,
    logs,
    old_names,
    shadows,
    selinux,
    age,
    search_path,
)
