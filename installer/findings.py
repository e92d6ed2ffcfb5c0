"""What the doctor works with: the host under examination, and what was found wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from shlex import quote

from slashservice.installer import supervision
from slashservice.installer.detection.evidence import Evidence, Verdict, Wiring
from slashservice.installer.detection.look import Look
from slashservice.installer.detection.wirings import in_force
from slashservice.installer.host.host import Host
from slashservice.installer.plan.init_system import InitSystem
from slashservice.installer.record.receipt import Receipt
from slashservice.supervise.protocol.names import SCAN_DIRECTORY


@dataclass(frozen=True)
class Finding:
    """Something wrong, and what to do about it; or a mere ``note``, where nothing is wrong."""

    what: str
    remedy: str = ""
    note: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Patient:
    """The host under examination. If ``closed``, there is a receipt that only root may read."""

    seen: Look
    systems: Mapping[str, InitSystem]
    receipt: Receipt | None
    closed: bool = False

    @property
    def host(self) -> Host:
        """The host itself."""
        return self.seen.host

    @property
    def evidence(self) -> Evidence:
        """All that is known about it."""
        return self.seen.evidence

    @property
    def verdict(self) -> Verdict:
        """The conclusion."""
        return self.seen.verdict

    @property
    def service_dir(self) -> str:
        """The scan directory."""
        if self.closed:
            return supervision.without_receipt(self.host.root)
        return self.receipt.service_dir if self.receipt else SCAN_DIRECTORY

    @property
    def no_rivals(self) -> tuple[str, ...]:
        """The files that, as the administrator has said, start no other svscan."""
        choices = self.receipt.choices if self.receipt else {}
        return tuple(choices.get("no_rivals", ()))

    @property
    def wirings(self) -> tuple[Wiring, ...]:
        """The wirings that the init system reads."""
        return in_force(self.evidence.wirings, self.systems, self.verdict.name)


def made_ours(host: Host, part: str, why: str) -> str:
    """Return what to type so that nobody but root can change a file or directory."""
    real = quote(host.real(part))
    if why.startswith("belongs"):
        is_link = host.readlink(part) is not None
        return f"chown -h root {real}" + ("" if is_link else f" && chmod go-w {real}")
    return f"chmod go-w {real}"
