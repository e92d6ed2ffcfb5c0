"""Find the init system that will run an image: its files tell, as nothing runs."""

from __future__ import annotations

from collections.abc import Mapping

from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.general import OFFLINE
from slashservice.installer.detection.knowledge import Knowledge, in_order

ADVICE = ("Say which init system will run it with --init NAME.",)


def detect_offline(evidence: Evidence, systems: Mapping[str, Knowledge]) -> Verdict:
    """Judge by ``/sbin/init`` inside the root, or by the one init system that is there."""
    if evidence.platform != "linux":
        return _other_platform(evidence, systems)
    name, reason = _by_init(evidence, systems)
    others = tuple(one for one in evidence.inits_present if one != name)
    if name:
        warnings = (f"also present: {', '.join(others)}",) if others else ()
        return _verdict(evidence, systems[name], reason, warnings=warnings)
    if len(evidence.inits_present) == 1:
        name = evidence.inits_present[0]
        return _verdict(evidence, systems[name], reason, f"{name} is the only init system there")
    listed = ", ".join(evidence.inits_present) or "none"
    reasons = (reason, f"init systems present: {listed}")
    return Verdict("", reasons, OFFLINE, live=False, advice=ADVICE)


def _verdict(
    evidence: Evidence, system: Knowledge, *reasons: str, warnings: tuple[str, ...] = ()
) -> Verdict:
    """Return the verdict for one init system."""
    detail = system.dialect(evidence)
    return Verdict(system.name, reasons, OFFLINE, live=False, detail=detail, warnings=warnings)


def _by_init(evidence: Evidence, systems: Mapping[str, Knowledge]) -> tuple[str, str]:
    """Tell the init system by what ``/sbin/init`` is; of several signs the best counts."""
    if not evidence.init_program:
        return "", "it has no /sbin/init"
    reason = f"/sbin/init is {evidence.init_program}"
    signs = [
        (how_good, place, system.name, words)
        for place, system in enumerate(in_order(systems))
        for how_good, words in system.image_signs(evidence)
    ]
    if not signs:
        return "", reason
    _, _, name, words = min(signs)
    return name, reason + words


def _other_platform(evidence: Evidence, systems: Mapping[str, Knowledge]) -> Verdict:
    """Judge an image of another operating system."""
    platform = evidence.platform
    reason = f"it is a {platform} system"
    for system in systems.values():
        if platform in system.platforms:
            detail = system.dialect(evidence) or platform
            return Verdict(system.name, (reason,), OFFLINE, live=False, detail=detail)
    return Verdict("", (reason,), OFFLINE, live=False, detail=platform, advice=ADVICE)
