"""Which init system an image will be run by: judged by its files, as nothing runs."""

from __future__ import annotations

import re

from slashservice.installer.detection.evidence import Evidence

BY_PROGRAM = {
    "systemd": "systemd",
    "busybox": "busybox",
    "runit": "runit",
    "runit-init": "runit",
    "openrc-init": "openrc",
    "s6-linux-init": "s6",
    "dinit": "dinit",
    "finit": "finit",
}

Finding = tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...], str]
"""Name, reasons, warnings, advice, detail."""

ADVICE = ("Say which init system will run it with --init NAME.",)


def detect_offline(evidence: Evidence) -> Finding:
    """Judge by ``/sbin/init`` inside the root, or by the one init system that is there."""
    if evidence.platform != "linux":
        return _other_platform(evidence)
    name, reason = _by_init(evidence)
    detail = upstart_dialect(evidence) if name == "upstart" else ""
    others = tuple(one for one in evidence.inits_present if one != name)
    if name:
        warnings = (f"also present: {', '.join(others)}",) if others else ()
        return name, (reason,), warnings, (), detail
    if len(evidence.inits_present) == 1:
        name = evidence.inits_present[0]
        detail = upstart_dialect(evidence) if name == "upstart" else ""
        return name, (reason, f"{name} is the only init system there"), (), (), detail
    listed = ", ".join(evidence.inits_present) or "none"
    return "", (reason, f"init systems present: {listed}"), (), ADVICE, ""


def _by_init(evidence: Evidence) -> tuple[str, str]:
    """Tell the init system by what ``/sbin/init`` is."""
    program = evidence.init_program
    if not program:
        return "", "it has no /sbin/init"
    reason = f"/sbin/init is {program}"
    if any("openrc" in line.process for line in evidence.inittab):
        return "openrc", f"{reason}, and /etc/inittab has it run OpenRC"
    base = program.rsplit("/", 1)[-1]
    for known, name in BY_PROGRAM.items():
        if base == known or (known == "busybox" and base.startswith("busybox")):
            return name, reason
    for mark in ("s6", "upstart", "sysvinit"):
        if mark in evidence.init_marks:
            reason += f", which is {mark}'s"
            if mark == "sysvinit" and evidence.has("/etc/slackware-version"):
                return "slackware", reason
            if mark == "sysvinit" and "openrc" in evidence.init_marks:
                return "openrc", f"{reason}, and /etc/init.d/rc has it run OpenRC"
            return mark, reason
    return "", reason


def _other_platform(evidence: Evidence) -> Finding:
    """Judge an image of another operating system."""
    platform = evidence.platform
    reason = (f"it is a {platform} system",)
    if platform == "openbsd" and not evidence.has("/usr/sbin/rcctl"):
        return "openbsd", reason, (), (), "rc.local"
    names = {"darwin": "launchd", "freebsd": "freebsd", "dragonfly": "freebsd"}
    names.update(netbsd="netbsd", openbsd="openbsd")
    name = names.get(platform, "")
    return name, reason, (), () if name else ADVICE, platform


def upstart_dialect(evidence: Evidence) -> str:
    """Tell which of Upstart's three job formats the host reads: by version, then directory.

    Version 0.2 had one job file format, 0.3 another, both in ``/etc/event.d``; from 0.5 on
    jobs are ``/etc/init/*.conf``.
    """
    found = re.search(r"(\d+)\.(\d+)", evidence.initctl)
    if found:
        version = (int(found.group(1)), int(found.group(2)))
        if version < (0, 3):
            return "event.d-1"
        return "event.d-2" if version < (0, 5) else "init"
    if evidence.is_directory("/etc/event.d") and not evidence.is_directory("/etc/init"):
        return "event.d-2"
    return "init"
