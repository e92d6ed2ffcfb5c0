"""Find the init system that runs a host: one pure function of the evidence.

PID 1 decides, not which programs are installed: every host has leftovers of other init
systems, and each rule is there because some tool once took such a leftover for the init
system. The rules are tried in order and the first that applies gives the verdict. Each init
system's rule is in its module, with its place in the order
(:class:`~slashservice.installer.detection.knowledge.Knowledge`). Hosts that don't run (images,
chroots) are judged by what their ``/sbin/init`` is
(:mod:`~slashservice.installer.detection.detect_offline`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from slashservice.installer.detection import general
from slashservice.installer.detection.detect_offline import detect_offline
from slashservice.installer.detection.evidence import Evidence, Verdict
from slashservice.installer.detection.general import OFFLINE, UNKNOWN
from slashservice.installer.detection.knowledge import Knowledge, in_order

Systems = Mapping[str, Knowledge]
Rule = Callable[[Evidence, Systems], Verdict | None]


def detect(evidence: Evidence, systems: Systems) -> Verdict:
    """Judge a host by its evidence alone, knowing ``systems``."""
    rules = [*RULES, *((one.order, _rule_of(one)) for one in systems.values())]
    in_turn = sorted(rules, key=lambda numbered: numbered[0])
    verdicts = (rule(evidence, systems) for _, rule in in_turn)
    return next(verdict for verdict in verdicts if verdict is not None)  # unknown, if no other


def obey(evidence: Evidence, found: Verdict, asked: Knowledge, systems: Systems) -> Verdict:
    """Return the verdict that the administrator's own ``--init`` gives: it is obeyed.

    ``found`` is what the evidence alone says.
    """
    warnings = found.warnings
    if found.name and found.name != asked.name:
        warnings += (f"this host looks like {found.name}: {found.reasons[0]}",)
    live = not (evidence.offline or evidence.chroot) and (
        found.live or (asked.wired and _is_another_init(evidence, found, systems))
    )
    return Verdict(
        asked.name,
        ("asked for with --init",),
        "asked for",
        asked=True,
        live=live,
        detail=asked.dialect(evidence) or found.detail,
        warnings=warnings,
    )


def _rule_of(system: Knowledge) -> Rule:
    """Return an init system's own rule."""
    return lambda evidence, systems: system.judge(evidence)


def _names(systems: Systems) -> frozenset[str]:
    """Return the names of PID 1 that init systems are known by."""
    return frozenset(name for one in systems.values() for name in one.pid1)


def _is_another_init(evidence: Evidence, found: Verdict, systems: Systems) -> bool:
    """Tell whether PID 1 is an init system that we don't know, but whoever asks does."""
    return (
        found.rule in (general.CONTAINER, UNKNOWN)
        and bool(evidence.comm)
        and general.looks_like_init(evidence, _names(systems))
    )


def _offline(evidence: Evidence, systems: Systems) -> Verdict | None:
    """Judge an image, or somebody's chroot, by its files; nothing that runs may be touched."""
    reason = general.why_offline(evidence, _names(systems))
    if not reason:
        return None
    found = detect_offline(evidence, systems)
    return replace(found, reasons=(reason, *found.reasons), rule=OFFLINE, live=False)


def _borrowed_run(evidence: Evidence, systems: Systems) -> Verdict | None:
    """Tell another machine's /run, by the directory of an init system that does not run."""
    for one in in_order(systems):
        verdict = general.borrowed_run(evidence, one.run_directory)
        if one.run_directory and verdict is not None:
            return verdict
    return None


RULES: tuple[tuple[int, Rule], ...] = (
    (0, lambda evidence, systems: general.immutable(evidence)),
    (10, _offline),
    # 20 to 28: operating systems that have one init system
    (29, lambda evidence, systems: general.other_platform(evidence)),
    # 30: systemd
    (35, _borrowed_run),
    # 40 to 110: the other init systems of Linux
    (120, lambda evidence, systems: general.container(evidence)),
    (130, lambda evidence, systems: general.wsl(evidence)),
    (140, lambda evidence, systems: general.unknown(evidence, _names(systems))),
)
"""The rules that are no init system's own, with their places in the order."""
