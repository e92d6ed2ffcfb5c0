"""Rules that belong to no single init system.

They are about hosts that must not be touched, or whose init system can't be told.

Each is a function of the evidence, and of the names of PID 1 that init systems are known by.
It returns a verdict or nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from slashservice.installer.detection.evidence import Evidence, Verdict

CONTAINER = "container"
"""The name of the init system that is none: in a container svscan is the program to run."""

OFFLINE = "offline"
UNKNOWN = "unknown"
"""Rules that others ask for by name."""

CONTAINERS = frozenset(
    (
        # what only containers have as PID 1: names that look like an init's
        *("tini", "docker-init", "dumb-init", "catatonit", "podman-init", "my_init"),
        # and programs that no machine boots with
        *("pause", "conmon", "bwrap", "sleep", "tail", "cat", "busybox", "java", "node", "nginx"),
    )
)
"""Names of a PID 1 that show a container by themselves."""

NOT_INITS = CONTAINERS | {"sh", "bash", "dash", "ash", "zsh", "ksh", "python", "python3"}
"""Names of a PID 1 that is no init system. A machine may be booted with a shell in its place."""

PUT_IN_PLACE = (
    "To put the commands in place without wiring anything:",
    "    slashservice install --init container",
)
KEEP = (
    "Have it keep this program running, and give it two minutes at TERM:",
    "    /command/svscanboot",
    *PUT_IN_PLACE,
)
RUN = (
    "Have its scripts run the first line at boot, and the second first of all at shutdown:",
    "    /command/pgrphack /command/svscanboot </dev/null >/dev/null 2>&1 &",
    "    /command/slashservice drain",
    *PUT_IN_PLACE,
)

UNSUPPORTED = {
    "system-manager": ("system-manager, of nosh", KEEP),
    "nitro": ("nitro", KEEP),
    "epoch": ("Epoch", KEEP),
    "runsvdir": ("runsvdir, without runit-init", KEEP),
    "s6-svscan": ("s6-svscan, without s6-linux-init", KEEP),
    "minit": ("minit", RUN),
    "ninit": ("ninit", RUN),
    "sinit": ("sinit", RUN),
}
"""Names of a PID 1 that nothing is wired into: what it is, and what to do there by hand."""

ENTRYPOINT = (
    "In a container svcontainer is the program to run: make it the entry point, as in",
    '    ENTRYPOINT ["/command/svcontainer"]',
    "To put the commands in place there without wiring anything:",
    "    slashservice install --init container",
)

DECLARATIONS = {
    "nixos": (
        "Declare a service there that runs svscan:",
        "    systemd.services.svscan = {",
        '      wantedBy = [ "multi-user.target" ];',
        '      serviceConfig = { ExecStart = "/path/to/svscan /service"; Type = "notify";',
        '        Restart = "always"; KillMode = "process"; TimeoutStopSec = 120; };',
        "    };",
    ),
    "guix": (
        "Declare a service there that runs svscan, among the services of the operating-system:",
        "    (simple-service 'svscan shepherd-root-service-type",
        "      (list (shepherd-service",
        "              (provision '(svscan))",
        "              (requirement '(user-processes))",
        '              (start #~(make-forkexec-constructor \'("/path/to/svscan" "/service")))',
        "              (stop #~(make-kill-destructor #:grace-period 120)))))",
    ),
}
"""What to declare on distributions that build /etc, by their ids."""

Names = Collection[str]


def immutable(evidence: Evidence) -> Verdict | None:
    """Tell distributions whose /etc is not the administrator's to edit."""
    if evidence.distribution.id not in DECLARATIONS:
        return None
    name = evidence.distribution.name or evidence.distribution.id
    return Verdict(
        "",
        (f"{name} builds /etc from its own configuration",),
        "immutable",
        live=False,
        advice=DECLARATIONS[evidence.distribution.id],
    )


def why_offline(evidence: Evidence, names: Names) -> str:
    """Say why a host must be judged by its files, nothing where it need not.

    It is an image, or somebody's chroot: nothing that runs may be touched.
    """
    if evidence.offline:
        return evidence.offline
    if not evidence.own_proc:
        return "/proc belongs to another PID namespace"
    if evidence.chroot:
        return "we are in a chroot: PID 1 has another root directory"
    # An unreadable PID 1 that is no init is a container's, which has a rule of its own.
    unseen = evidence.chroot is None and evidence.platform == "linux"
    if unseen and looks_like_init(evidence, names):
        return "PID 1's root directory can't be seen, so it may not be ours"
    return ""


def other_platform(evidence: Evidence) -> Verdict | None:
    """Tell an operating system whose init system nobody knows."""
    if evidence.platform == "linux":
        return None
    reason = f"the platform is {evidence.platform}"
    return Verdict("", (reason,), "platform", advice=("It is not supported yet.",))


def borrowed_run(evidence: Evidence, directory: str) -> Verdict | None:
    """Tell another machine's /run, mounted into a container."""
    if not evidence.is_directory(directory):
        return None
    warning = f"{directory} is there, but PID 1 is {evidence.comm}: a host's /run?"
    verdict = container(evidence) or Verdict(
        "", (f"PID 1 is {evidence.comm}",), "", advice=ENTRYPOINT
    )
    return replace(verdict, rule="borrowed /run", warnings=(warning,))


def container(evidence: Evidence) -> Verdict | None:
    """Tell a container, by a mark of one: a PID 1 that nobody knows is none."""
    if is_wsl(evidence):
        return None
    reasons: tuple[str, ...] = ()
    if evidence.container:
        reasons += (evidence.container,)
    if evidence.comm in CONTAINERS:
        reasons += (f"PID 1 is {evidence.comm}, which is no init system",)
    return in_container(CONTAINER, *reasons) if reasons else None


def in_container(rule: str, *reasons: str) -> Verdict:
    """Return the verdict of ``rule`` that a host is a container."""
    return Verdict(CONTAINER, reasons, rule, live=False, advice=ENTRYPOINT)


def wsl(evidence: Evidence) -> Verdict | None:
    """Tell Windows' own init, with no systemd."""
    if not is_wsl(evidence):
        return None
    return Verdict(
        "",
        ("this is WSL without systemd",),
        "WSL",
        live=False,
        advice=(
            "Put into /etc/wsl.conf, and restart with wsl --shutdown:",
            "    [boot]",
            "    systemd=true",
        ),
    )


def unknown(evidence: Evidence, names: Names) -> Verdict:
    """Say that the init system can't be told, or is known but not supported."""
    comm = evidence.pid1.comm
    if comm in UNSUPPORTED:
        what, advice = UNSUPPORTED[comm]
        return unsupported(f"PID 1 is {what}, which nothing can be wired into", advice)
    reason = f"PID 1 is {comm}" if comm else "PID 1 can't be seen"
    advice = ("If you know better, say so with --init NAME.",)
    if comm and not looks_like_init(evidence, names):
        reason += ", which is no init system that is known, and nothing shows a container"
        advice += ENTRYPOINT
    return unsupported(reason, advice)


def unsupported(reason: str, advice: tuple[str, ...]) -> Verdict:
    """Return the verdict that nothing can be wired in."""
    return Verdict("", (reason,), UNKNOWN, live=False, advice=advice)


def is_wsl(evidence: Evidence) -> bool:
    """Tell whether PID 1 is Windows' own."""
    comm = evidence.comm
    return "microsoft" in evidence.kernel.lower() and (comm == "init" or comm.startswith("init("))


def looks_like_init(evidence: Evidence, names: Names) -> bool:
    """Tell whether PID 1's name is one an init system may have; unseen counts as such."""
    comm = evidence.comm
    if comm in NOT_INITS or is_wsl(evidence):
        return False
    return not comm or "init" in comm or comm in names or comm in UNSUPPORTED
