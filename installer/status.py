"""Tell what is installed on a host, and whether it runs: ``slashservice status``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from slashservice.installer import supervision
from slashservice.installer.errors import Refusal
from slashservice.installer.host import processes
from slashservice.installer.host.host import Host
from slashservice.installer.logs import Trouble, troubles
from slashservice.installer.plan.actions import PathAction
from slashservice.installer.plan.handing import HandOver
from slashservice.installer.plan.tree import InstallTree
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record.receipt import Receipt
from slashservice.installer.vigil import DRAINED, GOES_ON
from slashservice.installer.waiting import listed
from slashservice.supervise.admin import unsupervised
from slashservice.supervise.admin.everything import Everything
from slashservice.supervise.printable import printable


@dataclass(frozen=True)
class Artefact:
    """One thing the installer put in place; ``state`` is ok, changed, broken or missing."""

    path: str
    state: str
    enables: bool


@dataclass(frozen=True)
class Status:
    """The state of an installation, at a glance. ``receipt`` is ``None`` if there is none.

    ``version`` and ``code`` are of the svscan that runs with ``pid``: the version of its code,
    and the folder that it is in, empty where that is not known. ``tree`` is the folder with the
    code that is installed.
    """

    receipt: Receipt | None
    artefacts: tuple[Artefact, ...] = ()
    pid: int = 0
    version: str = ""
    code: str = ""
    tree: str = ""
    parent: str = ""
    services: int = 0
    drained: bool = False
    left: tuple[str, ...] = ()
    """What still runs of services that nobody supervises, as ``web (pid 7)``."""
    troubles: tuple[Trouble, ...] = ()
    closed: str = ""
    """The receipt, if we may not read it: then nothing is known of what is installed."""
    service_dir: str = ""
    """The scan directory, if that is so."""

    @property
    def good(self) -> bool:
        """Whether all is in place, and svscan runs."""
        if self.closed:
            return bool(self.pid) and not self.drained
        if self.receipt is None or self.receipt.phase != "installed":
            return False
        in_place = all(one.state == "ok" for one in self.artefacts)
        return bool(self.pid) and in_place and not self.runs_other_code and not self.drained

    @property
    def runs_other_code(self) -> bool:
        """Whether svscan is known to run other code than is installed."""
        return bool(self.code and self.tree) and self.code != self.tree

    @property
    def exchange(self) -> str:
        """What to do about a svscan that runs other code: not every installation starts it."""
        receipt = self.receipt
        if receipt and any(isinstance(one.action, HandOver) for one in receipt.entries):
            return "slashservice install exchanges it, and no service restarts"
        return "whoever starts svscan here has to start it anew; slashservice drain ends it"

    def to_json(self) -> dict[str, Any]:
        """Return the status as plain JSON values."""
        receipt = self.receipt
        return {
            "installed": receipt is not None or bool(self.closed),
            "closed": self.closed,
            "version": receipt.version if receipt else "",
            "init": receipt.init if receipt else "",
            "layout": receipt.layout if receipt else "",
            "service_dir": receipt.service_dir if receipt else self.service_dir,
            "phase": receipt.phase if receipt else "",
            "artefacts": [vars(one) for one in self.artefacts],
            "svscan": {
                "pid": self.pid,
                "parent": self.parent,
                "version": self.version,
                "code": self.code,
                "drained": self.drained,
            },
            "services": self.services,
            "left": list(self.left),
            "log_troubles": [vars(one) for one in self.troubles],
        }


def look(host: Host, receipt: Receipt | None = None) -> Status:
    """Look at the installation on ``host``; its ``receipt`` is read where it isn't given."""
    try:
        receipt = receipt or receipts.load(host)
    except receipts.Closed:
        return _from_outside(host)
    if receipt is None:
        return Status(None)
    artefacts = tuple(
        Artefact(_path(entry.action), _state(host, entry.action), entry.action.enables)
        for entry in receipt.entries
        if not entry.retired and isinstance(entry.action, (PathAction, InstallTree))
    )
    found = troubles(host, receipt.service_dir)
    return replace(
        _running(host, receipt.service_dir),
        receipt=receipt,
        artefacts=artefacts,
        tree=receipts.tree(receipt),
        troubles=found,
    )


def _running(host: Host, directory: str) -> Status:
    """Look at the svscan on a directory, and at its services."""
    here = host.live or host.root == "/"  # svscan may run also where we may start nothing
    pid = supervision.running(directory) if here else 0
    version, code = supervision.code(directory, pid) if pid else ("", "")
    names = [name for name in host.list(directory) if not name.startswith(".")]
    services = [name for name in names if _is_service(host, f"{directory}/{name}")]
    return Status(
        None,
        pid=pid,
        version=version,
        code=code,
        parent=processes.parent_of(pid) if pid else "",
        services=len(services),
        drained=bool(pid) and supervision.is_drained(directory, pid),
        left=_left(directory) if here and not pid else (),
    )


def _from_outside(host: Host) -> Status:
    """Look at what everybody may see, where only root may read what is installed."""
    directory = supervision.without_receipt(host.root)
    return replace(_running(host, directory), closed=receipts.path(host), service_dir=directory)


def _is_service(host: Host, path: str) -> bool:
    """Tell whether an entry of a scan directory is a service; what is closed to us may be one."""
    try:
        return host.is_directory(path)
    except PermissionError:
        return True


def _left(directory: str) -> tuple[str, ...]:
    """Return what a svscan that is gone has left running."""
    return tuple(map(printable, unsupervised.left(Everything(directory).services)))


def _path(action: object) -> str:
    assert isinstance(action, (PathAction, InstallTree))
    return action.path


def _state(host: Host, action: PathAction | InstallTree) -> str:
    """Judge one artefact."""
    try:
        if action.done(host):
            return "ok"
    except Refusal:
        return "broken"
    return "changed" if host.lstat(action.path) else "missing"


def lines(status: Status) -> list[str]:
    """Say a status in lines."""
    receipt = status.receipt
    if receipt is None and not status.closed:
        return ["slashservice is not installed"]
    if receipt is None:
        said = [f"slashservice is installed, and scans {status.service_dir}"]
    else:
        where = receipt.service_dir
        said = [f"slashservice {receipt.version}, started by {receipt.init}, scans {where}"]
    if receipt and receipt.phase != "installed":
        said.append(
            "an installer was interrupted: slashservice install finishes it, "
            "slashservice uninstall undoes it"
        )
    if status.pid:
        child = f", child of {status.parent}" if status.parent else ""
        which = f", version {status.version}" if status.version else ""
        many = f"{status.services} service{'s' * (status.services != 1)}"
        said.append(f"svscan runs: pid {status.pid}{which}{child}; {many}")
        if status.drained:
            said += [f"  {DRAINED}", f"  {GOES_ON}"]
        if status.runs_other_code:
            said.append(
                f"  its code is that in {status.code}, not what is installed: {status.exchange}"
            )
    else:
        said.append("svscan does not run")
        if status.left:
            said += [
                f"  nobody supervises what still runs: {listed(status.left)}",
                f"  {unsupervised.ADOPTED}",
            ]
    said += [f"  {one}" for one in status.troubles]
    width = max((len(one.path) for one in status.artefacts), default=0)
    shown = [one for one in status.artefacts if one.state != "ok" or one.enables]
    if status.closed:
        said.append(
            f"  files and logs were not looked at: only root may read {status.closed}; "
            "sudo slashservice status"
        )
    return [*said, *(f"  {one.path:<{width}}  {one.state}" for one in shown)]
