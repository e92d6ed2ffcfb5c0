"""One look at a host: the evidence, the verdict, and the host as far as it may be touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slashservice.installer.detection.detect import detect, obey
from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.knowledge import Knowledge
from slashservice.installer.detection.probe import probe
from slashservice.installer.host.host import Host


@dataclass(frozen=True)
class Look:
    """The evidence about a host, and the verdict on it.

    ``host`` is live only if things may be started there. ``found`` is what the evidence alone
    says; ``verdict`` is the same, unless the administrator asked for an init system.
    """

    host: Host
    evidence: Evidence
    found: Verdict
    verdict: Verdict


def look(
    host: Host,
    systems: Mapping[str, Knowledge],
    *,
    asked: str = "",
    before: str = "",
    offline: str = "",
) -> Look:
    """Look at ``host`` and judge it, once.

    ``asked`` names the init system that the administrator says it is; ``before`` the one that
    was asked for when slashservice was installed: things may be started if either allows it.
    ``offline`` says why the host must not be taken for a running one.
    """
    evidence = probe(host, systems, offline)
    found = detect(evidence, systems)
    verdict = obey(evidence, found, systems[asked], systems) if asked else found
    live = verdict.live
    if before in systems:
        live = live or obey(evidence, found, systems[before], systems).live
    return Look(host.seen_as(live=live), evidence, found, verdict)
