"""Which init system runs this host: one pure function of the evidence.

PID 1 decides, not which programs are installed: every host has leftovers of other init
systems, and each rule below is there because some known tool fell for one. The rules are
tried in order and the first that applies gives the verdict; a rule is a function that
returns a verdict or nothing. Hosts that don't run (images, chroots) are judged by what
their ``/sbin/init`` is (:mod:`~slashservice.installer.detection.detect_offline`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from slashservice.installer.detection.detect_offline import detect_offline, upstart_dialect
from slashservice.installer.detection.evidence import Evidence

CONTAINER = "container"

NOT_INITS = frozenset(
    (
        # what containers have as PID 1: names that look like an init's
        *("tini", "docker-init", "dumb-init", "catatonit", "podman-init", "my_init"),
        # and common programs
        *("pause", "conmon", "bwrap", "sleep", "tail", "cat", "busybox", "java", "node", "nginx"),
        *("sh", "bash", "dash", "ash", "zsh", "ksh", "python", "python3"),
    )
)

UNSUPPORTED = {
    "procd": "OpenWrt's procd",
    "shepherd": "GNU Shepherd",
    "launchd": "launchd",
    "minit": "minit",
    "sinit": "sinit",
    "ninit": "ninit",
}


@dataclass(frozen=True)
class Verdict:
    """What was concluded: ``name`` of the init system, or none and ``advice`` instead.

    ``live`` allows to start, reload and signal things; ``row`` is the rule that applied;
    ``detail`` what the init system's module needs to know beyond its name.
    """

    row: str
    name: str
    reasons: tuple[str, ...]
    live: bool = True
    detail: str = ""
    warnings: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the verdict as plain JSON values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


Rule = Callable[[Evidence], Verdict | None]

ENTRYPOINT = (
    "In a container svscan is the program to run: make it the entry point, as in",
    '    ENTRYPOINT ["/command/svscan", "/service"]',
    "To put the commands in place there without wiring anything:",
    "    slashservice install --init container",
)


def detect(evidence: Evidence, asked: str = "") -> Verdict:
    """Judge a host. ``asked`` is the administrator's own ``--init``, which is obeyed."""
    found = next(verdict for rule in RULES if (verdict := rule(evidence)) is not None)
    if not asked:
        return found
    warnings = found.warnings
    if found.name and found.name != asked:
        warnings += (f"this host looks like {found.name}: {found.reasons[0]}",)
    live = not (evidence.offline or evidence.chroot) and (
        found.live or (asked != CONTAINER and _is_another_init(evidence, found))
    )
    detail = upstart_dialect(evidence) if asked == "upstart" else found.detail
    return Verdict("0", asked, ("asked for with --init",), live, detail, warnings)


def _is_another_init(evidence: Evidence, found: Verdict) -> bool:
    """Tell whether PID 1 is an init system that we don't know, but whoever asks does."""
    mutable = immutable(evidence) is None
    return (
        found.row in ("12", "14")
        and mutable
        and bool(_comm(evidence))
        and _looks_like_init(evidence)
    )


def _comm(evidence: Evidence) -> str:
    return evidence.pid1.comm or ""


def _is_init(evidence: Evidence) -> bool:
    """Tell whether PID 1 may be an init system that merely calls itself ``init``."""
    return _comm(evidence) in ("", "init", "linuxrc")


def offline(evidence: Evidence) -> Verdict | None:
    """Row 1: an image, or somebody's chroot: judge by files, touch nothing that runs."""
    reason = evidence.offline
    if not reason and not evidence.own_proc:
        reason = "/proc belongs to another PID namespace"
    if not reason and evidence.chroot:
        reason = "we are in a chroot: PID 1 has another root directory"
    if not reason and evidence.chroot is None and evidence.platform == "linux":
        if not _looks_like_init(evidence):
            return None  # an unreadable PID 1 that is no init is a container's: row 12
        reason = "PID 1's root directory can't be seen, so it may not be ours"
    if not reason:
        return None
    name, reasons, warnings, advice, detail = detect_offline(evidence)
    return Verdict("1", name, (reason, *reasons), False, detail, warnings, advice)


def other_platform(evidence: Evidence) -> Verdict | None:
    """Row 2: where the operating system has but one init system."""
    names = {
        "darwin": "launchd",
        "freebsd": "freebsd",
        "dragonfly": "freebsd",
        "netbsd": "netbsd",
        "openbsd": "openbsd",
    }
    platform = evidence.platform
    if platform == "linux":
        return None
    if platform == "openbsd" and not evidence.has("/usr/sbin/rcctl"):
        return Verdict("2", "openbsd", ("OpenBSD, before rcctl: rc.local",), detail="rc.local")
    if platform in names:
        return Verdict("2", names[platform], (f"the platform is {platform}",), detail=platform)
    return Verdict("2", "", (f"the platform is {platform}",), advice=("It is not supported yet.",))


def systemd(evidence: Evidence) -> Verdict | None:
    """Row 3: systemd, which says so itself: /run/systemd/system is its word."""
    if not evidence.is_directory("/run/systemd/system"):
        return None
    comm, exe = evidence.pid1.comm, evidence.pid1.exe or evidence.init_program
    if comm == "systemd":
        why = "PID 1 is systemd"
    elif comm is None:
        why = "PID 1 can't be seen"
    elif comm == "init" and exe.endswith("/systemd"):
        why = f"PID 1 is init, which is {exe}"
    else:
        return None
    return Verdict("3", "systemd", ("/run/systemd/system is there", why))


def borrowed_run(evidence: Evidence) -> Verdict | None:
    """Row 3b: another machine's /run, mounted into a container."""
    if not evidence.is_directory("/run/systemd/system"):
        return None
    warning = f"/run/systemd/system is there, but PID 1 is {_comm(evidence)}: a host's /run?"
    verdict = container(evidence) or Verdict(
        "3b", "", (f"PID 1 is {_comm(evidence)}",), advice=ENTRYPOINT
    )
    return replace(verdict, row="3b", warnings=(warning,))


def openrc(evidence: Evidence) -> Verdict | None:
    """Row 4: OpenRC, whichever program is PID 1 below it."""
    if _comm(evidence) == "openrc-init":
        return Verdict("4", "openrc", ("PID 1 is openrc-init",), detail="openrc-init")
    if evidence.paths.get("/run/openrc/softlevel") == "file":
        why = "/run/openrc/softlevel says that OpenRC brought this host up"
        return Verdict("4", "openrc", (why,), detail=_comm(evidence))
    return None


def runit(evidence: Evidence) -> Verdict | None:
    """Row 5: runit as PID 1; runsvdir below another init is not this."""
    if _comm(evidence) == "runit":
        return Verdict("5", "runit", ("PID 1 is runit",))
    if _is_init(evidence) and evidence.has("/run/runit.stopit", "/run/runit/stopit"):
        alive = any(one.program == "runsvdir" for one in evidence.scanners)
        if alive and not evidence.inittab:
            return Verdict("5", "runit", ("runit's stopit file is there, and runsvdir runs",))
    return None


def s6(evidence: Evidence) -> Verdict | None:
    """Row 6: s6-linux-init."""
    if _comm(evidence) == "s6-svscan":
        if not evidence.has("/etc/s6-linux-init/current", "/run/s6-linux-init-container-results"):
            return Verdict(
                "6",
                CONTAINER,
                ("PID 1 is s6-svscan, without s6-linux-init: a container's",),
                live=False,
                advice=ENTRYPOINT,
            )
        return Verdict("6", "s6", ("PID 1 is s6-svscan",))
    return None


def dinit(evidence: Evidence) -> Verdict | None:
    """Row 7: dinit."""
    if _comm(evidence) == "dinit":
        return Verdict("7", "dinit", ("PID 1 is dinit",))
    if _is_init(evidence) and evidence.paths.get("/run/dinitctl") == "socket":
        return Verdict("7", "dinit", ("dinit's control socket /run/dinitctl is there",))
    return None


def finit(evidence: Evidence) -> Verdict | None:
    """Row 8: finit, whose initctl is not Upstart's."""
    if _comm(evidence) == "finit":
        return Verdict("8", "finit", ("PID 1 is finit",))
    if _is_init(evidence):
        exe = evidence.pid1.exe or evidence.init_program
        if exe.endswith("/finit") or evidence.has("/run/finit"):
            return Verdict("8", "finit", ("PID 1 is init, and that is finit",))
        if "finit" in evidence.initctl.lower():
            return Verdict("8", "finit", ("initctl is finit's",))
    return None


def upstart(evidence: Evidence) -> Verdict | None:
    """Row 9: Upstart, asked rather than guessed."""
    if not _is_init(evidence) or "upstart" not in evidence.initctl.lower():
        return None
    dialect = upstart_dialect(evidence)
    return Verdict("9", "upstart", (f"initctl says {evidence.initctl}",), detail=dialect)


def busybox(evidence: Evidence) -> Verdict | None:
    """Row 10: BusyBox init."""
    exe = evidence.pid1.exe or evidence.init_program
    if _is_init(evidence) and evidence.pid1.comm and "busybox" in exe.rsplit("/", 1)[-1]:
        return Verdict("10", "busybox", (f"PID 1 is {exe}",))
    return None


def sysvinit(evidence: Evidence) -> Verdict | None:
    """Row 11: sysvinit with an inittab that is a real one, not another init's leftover."""
    if _comm(evidence) != "init" or not evidence.has("/run/initctl", "/dev/initctl"):
        return None
    actions = {line.action for line in evidence.inittab}
    if "initdefault" not in actions or not actions & {"respawn", "sysinit"}:
        return None
    reasons = ("PID 1 is init, with a control FIFO", "/etc/inittab starts things")
    if evidence.distribution.id == "slackware" or evidence.has("/etc/slackware-version"):
        return Verdict("11", "slackware", reasons)
    return Verdict("11", "sysvinit", reasons)


def container(evidence: Evidence) -> Verdict | None:
    """Row 12: a container, or a PID 1 that is no init system."""
    if _is_wsl(evidence):
        return None
    comm = _comm(evidence)
    reasons: tuple[str, ...] = ()
    if evidence.container:
        reasons += (evidence.container,)
    if comm and not _looks_like_init(evidence):
        reasons += (f"PID 1 is {comm}, which is no init system",)
    if not reasons:
        return None
    return Verdict("12", CONTAINER, reasons, live=False, advice=ENTRYPOINT)


def wsl(evidence: Evidence) -> Verdict | None:
    """Row 13: Windows' own init, with no systemd."""
    if not _is_wsl(evidence):
        return None
    return Verdict(
        "13",
        "",
        ("this is WSL without systemd",),
        live=False,
        advice=(
            "Put into /etc/wsl.conf, and restart with wsl --shutdown:",
            "    [boot]",
            "    systemd=true",
        ),
    )


def unknown(evidence: Evidence) -> Verdict:
    """Row 14: we don't know, and say so."""
    comm = evidence.pid1.comm
    what = UNSUPPORTED.get(comm or "", "")
    reason = f"PID 1 is {comm}" if comm else "PID 1 can't be seen"
    if what:
        reason += f": {what}"
    advice: tuple[str, ...] = ("If you know better, say so with --init NAME.",)
    if evidence.distribution.id in ("nixos", "guix"):
        advice = ("On this distribution the system's own configuration must declare the service.",)
    return Verdict("14", "", (reason,), live=False, advice=advice)


def _is_wsl(evidence: Evidence) -> bool:
    comm = _comm(evidence)
    return "microsoft" in evidence.kernel.lower() and (comm == "init" or comm.startswith("init("))


def _looks_like_init(evidence: Evidence) -> bool:
    """Tell whether PID 1's name is one an init system may have; unseen counts as such."""
    comm = _comm(evidence)
    if comm in NOT_INITS or _is_wsl(evidence):
        return False
    known = {"systemd", "runit", "s6-svscan", "dinit", "finit", *UNSUPPORTED}
    return not comm or "init" in comm or comm in known


def immutable(evidence: Evidence) -> Verdict | None:
    """Before all else: distributions whose /etc is not the administrator's to edit."""
    if evidence.distribution.id not in ("nixos", "guix"):
        return None
    name = evidence.distribution.name or evidence.distribution.id
    return Verdict(
        "14",
        "",
        (f"{name} builds /etc from its own configuration",),
        live=False,
        advice=(
            "Declare a service there that runs svscan, for NixOS:",
            "    systemd.services.svscan = {",
            '      wantedBy = [ "multi-user.target" ];',
            '      serviceConfig = { ExecStart = "/path/to/svscan /service"; Type = "notify";',
            '        Restart = "always"; KillMode = "process"; TimeoutStopSec = 120; };',
            "    };",
        ),
    )


RULES: tuple[Rule, ...] = (
    immutable,
    offline,
    other_platform,
    systemd,
    borrowed_run,
    openrc,
    runit,
    s6,
    dinit,
    finit,
    upstart,
    busybox,
    sysvinit,
    container,
    wsl,
    unknown,
)
