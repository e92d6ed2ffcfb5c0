"""The decision table: every rule, and every false positive that some known tool fell for."""

from __future__ import annotations

import dataclasses
import json

import pytest

from slashservice.installer.detection import detect as rules
from slashservice.installer.detection.evidence import (
    Distribution,
    Evidence,
    FirstProcess,
    InittabLine,
    Scanner,
    Verdict,
    Wiring,
)
from slashservice.installer.detection.general import ENTRYPOINT
from slashservice.installer.init_systems import INIT_SYSTEMS

SYSTEMD_DIRECTORY = {"/run/systemd/system": "directory"}
INITCTL = {"/run/initctl": "fifo"}
REAL_INITTAB = (
    InittabLine(1, "id", "2", "initdefault", ""),
    InittabLine(2, "si", "", "sysinit", "/etc/init.d/rcS"),
    InittabLine(3, "1", "2345", "respawn", "/sbin/getty tty1"),
)
INITDEFAULT_ONLY = REAL_INITTAB[:1]
WSL = "Linux version 5.15.90.1-microsoft-standard-WSL2"


def detect(evidence: Evidence, asked: str = "") -> Verdict:
    """Judge a host, with all init systems there are."""
    found = rules.detect(evidence, INIT_SYSTEMS)
    return rules.obey(evidence, found, INIT_SYSTEMS[asked], INIT_SYSTEMS) if asked else found


def host(comm: str | None, *, exe: str | None = None, **facts: object) -> Evidence:
    """A live Linux host with that PID 1."""
    return Evidence(pid1=FirstProcess(comm, exe), **facts)  # type: ignore[arg-type]


RULES = {
    "offline: --root": (
        Evidence(offline="it is an image", init_program="/sbin/runit-init"),
        "runit",
        "offline",
    ),
    "offline: SYSTEMD_OFFLINE": (
        host("systemd", offline="SYSTEMD_OFFLINE is set", init_program="/lib/systemd/systemd"),
        "systemd",
        "offline",
    ),
    "offline: chroot": (
        host("systemd", chroot=True, init_program="/usr/sbin/openrc-init"),
        "openrc",
        "offline",
    ),
    "offline: another PID namespace's /proc": (
        host("systemd", own_proc=False, init_program="/lib/systemd/systemd"),
        "systemd",
        "offline",
    ),
    "offline: unreadable root of a PID 1 that is an init": (
        host("systemd", chroot=None, init_program="/lib/systemd/systemd"),
        "systemd",
        "offline",
    ),
    "launchd: macOS": (Evidence(platform="darwin"), "launchd", "launchd"),
    "freebsd: FreeBSD": (Evidence(platform="freebsd"), "freebsd", "freebsd"),
    "freebsd: DragonFly": (Evidence(platform="dragonfly"), "freebsd", "freebsd"),
    "netbsd: NetBSD": (Evidence(platform="netbsd"), "netbsd", "netbsd"),
    "openbsd: OpenBSD": (
        Evidence(platform="openbsd", paths={"/usr/sbin/rcctl": "file"}),
        "openbsd",
        "openbsd",
    ),
    "openbsd: OpenBSD without rcctl": (Evidence(platform="openbsd"), "openbsd", "openbsd"),
    "platform: Windows": (Evidence(platform="win32"), "", "platform"),
    "platform: AIX": (Evidence(platform="aix"), "", "platform"),
    "smf: Solaris": (Evidence(platform="sunos"), "smf", "smf"),
    "systemd: systemd": (host("systemd", paths=SYSTEMD_DIRECTORY), "systemd", "systemd"),
    "systemd: systemd behind hidepid": (host(None, paths=SYSTEMD_DIRECTORY), "systemd", "systemd"),
    "systemd: systemd called init": (
        host("init", exe="/lib/systemd/systemd", paths=SYSTEMD_DIRECTORY),
        "systemd",
        "systemd",
    ),
    "systemd: systemd called init, exe hidden": (
        host("init", init_program="/usr/lib/systemd/systemd", paths=SYSTEMD_DIRECTORY),
        "systemd",
        "systemd",
    ),
    "systemd: systemd-nspawn": (
        host("systemd", paths=SYSTEMD_DIRECTORY, container="PID 1 has container=systemd-nspawn"),
        "systemd",
        "systemd",
    ),
    "borrowed /run: a host's /run in a container": (
        host("sleep", paths=SYSTEMD_DIRECTORY),
        "container",
        "borrowed /run",
    ),
    "borrowed /run: a host's /run beside another init": (
        host("runit", paths=SYSTEMD_DIRECTORY),
        "",
        "borrowed /run",
    ),
    "openrc: openrc-init": (host("openrc-init"), "openrc", "openrc"),
    "openrc: OpenRC over sysvinit": (
        host("init", paths={"/run/openrc/softlevel": "file", **INITCTL}, inittab=REAL_INITTAB),
        "openrc",
        "openrc",
    ),
    "openrc: OpenRC over BusyBox": (
        host("init", exe="/bin/busybox", paths={"/run/openrc/softlevel": "file"}),
        "openrc",
        "openrc",
    ),
    "runit: runit": (host("runit"), "runit", "runit"),
    "runit: runit called init": (
        host(
            "init",
            paths={"/run/runit.stopit": "file"},
            scanners=(Scanner(7, "runsvdir", "/etc/service"),),
        ),
        "runit",
        "runit",
    ),
    "s6: s6-linux-init": (
        host("s6-svscan", paths={"/etc/s6-linux-init/current": "directory"}),
        "s6",
        "s6",
    ),
    "s6: Artix": (
        host("s6-svscan", paths={"/etc/s6/current": "directory"}),
        "s6",
        "s6",
    ),
    "s6: told another base directory": (host("s6-svscan", s6_base="/srv/s6"), "s6", "s6"),
    "s6: all of it in a container": (
        host("s6-svscan", s6_base="/etc/s6/current", container="PID 1 has container=lxc"),
        "s6",
        "s6",
    ),
    "s6: s6-overlay": (
        host("s6-svscan", paths={"/run/s6-linux-init-container-results": "directory"}),
        "container",
        "s6",
    ),
    "container: s6-svscan alone": (
        host("s6-svscan", container="/.dockerenv is there"),
        "container",
        "container",
    ),
    "unknown: s6-svscan alone, and no container": (host("s6-svscan"), "", "unknown"),
    "unknown: Obarun's 66, where s6-linux-init was once": (
        host("s6-svscan", paths={"/run/66": "directory", "/etc/s6/current": "directory"}),
        "",
        "unknown",
    ),
    "unknown: Obarun's 66": (
        host("s6-svscan", paths={"/run/66": "directory"}, container="PID 1 has container=lxc"),
        "",
        "unknown",
    ),
    **{
        f"unknown: {comm}": (host(comm), "", "unknown")
        for comm in ("system-manager", "nitro", "epoch", "runsvdir", "minit", "sinit", "ninit")
    },
    "dinit: dinit": (host("dinit"), "dinit", "dinit"),
    "dinit: dinit called init": (host("init", paths={"/run/dinitctl": "socket"}), "dinit", "dinit"),
    "finit: finit": (host("finit"), "finit", "finit"),
    "finit: finit called init": (host("init", exe="/sbin/finit"), "finit", "finit"),
    "finit: finit's initctl": (host("init", initctl="Finit v4.2"), "finit", "finit"),
    "finit: finit's run directory": (
        host("init", paths={"/run/finit": "directory"}),
        "finit",
        "finit",
    ),
    "upstart: Upstart": (host("init", initctl="init (upstart 1.12.1)"), "upstart", "upstart"),
    "busybox: BusyBox": (host("init", exe="/bin/busybox"), "busybox", "busybox"),
    "busybox: BusyBox, exe hidden": (
        host("init", init_program="/bin/busybox.static"),
        "busybox",
        "busybox",
    ),
    "sysvinit: sysvinit": (
        host("init", paths=INITCTL, inittab=REAL_INITTAB),
        "sysvinit",
        "sysvinit",
    ),
    "sysvinit: sysvinit, old FIFO": (
        host("init", paths={"/dev/initctl": "fifo"}, inittab=REAL_INITTAB),
        "sysvinit",
        "sysvinit",
    ),
    "slackware: Slackware": (
        host(
            "init",
            paths={"/etc/slackware-version": "file", **INITCTL},
            inittab=REAL_INITTAB,
            distribution=Distribution("slackware"),
        ),
        "slackware",
        "slackware",
    ),
    "container: docker": (host("tini", container="/.dockerenv is there"), "container", "container"),
    "container: a program that no machine boots with": (host("sleep"), "container", "container"),
    "container: any program as PID 1, in a container": (
        host("postgres", container="/.dockerenv is there"),
        "container",
        "container",
    ),
    "unknown: any program as PID 1": (host("postgres"), "", "unknown"),
    "unknown: booted with a shell": (host("bash"), "", "unknown"),
    "container: dumb-init, whose name says init": (host("dumb-init"), "container", "container"),
    "container: an init that can't be told, in a container": (
        host("init", container="/run/.containerenv is there"),
        "container",
        "container",
    ),
    "WSL: WSL": (host("init", kernel=WSL), "", "WSL"),
    "WSL: WSL's init with a number": (host("init(Ubuntu)", kernel=WSL), "", "WSL"),
    "procd: OpenWrt": (
        host("procd", inittab=REAL_INITTAB, inits_present=("busybox", "procd")),
        "procd",
        "procd",
    ),
    "shepherd: Shepherd": (host("shepherd"), "shepherd", "shepherd"),
    "shepherd: Shepherd, called as its interpreter": (
        Evidence(pid1=FirstProcess("guile", "/usr/bin/guile", ("guile", "/usr/bin/shepherd"))),
        "shepherd",
        "shepherd",
    ),
    "unknown: Guile, but not shepherd": (host("guile"), "", "unknown"),
    "immutable: Guix": (
        host("shepherd", distribution=Distribution("guix")),
        "",
        "immutable",
    ),
    "unknown: some init": (host("init"), "", "unknown"),
    "unknown: PID 1 hidden, and nothing else known": (host(None), "", "unknown"),
    "immutable: NixOS": (
        host("systemd", paths=SYSTEMD_DIRECTORY, distribution=Distribution("nixos")),
        "",
        "immutable",
    ),
}

FALSE_POSITIVES = {
    "inittab for initdefault only, on Upstart": (
        host("init", initctl="init (upstart 0.6.5)", paths=INITCTL, inittab=INITDEFAULT_ONLY),
        "upstart",
    ),
    "inittab for initdefault only, init unknown": (
        host("init", paths=INITCTL, inittab=INITDEFAULT_ONLY),
        "",
    ),
    "a complete inittab on systemd": (
        host("systemd", paths={**SYSTEMD_DIRECTORY, **INITCTL}, inittab=REAL_INITTAB),
        "systemd",
    ),
    "/run/systemd without system: elogind": (
        host("init", paths={"/run/systemd": "directory", **INITCTL}, inittab=REAL_INITTAB),
        "sysvinit",
    ),
    "/run/systemd/system as a file": (
        host(
            "init",
            paths={"/run/systemd/system": "file", **INITCTL},
            inittab=REAL_INITTAB,
            inits_present=("systemd",),
        ),
        "sysvinit",
    ),
    "systemctl and systemd installed below sysvinit": (
        host("init", paths=INITCTL, inittab=REAL_INITTAB, inits_present=("systemd",)),
        "sysvinit",
    ),
    "systemd-initctl's FIFO": (host("systemd", paths={**SYSTEMD_DIRECTORY, **INITCTL}), "systemd"),
    "runit's FIFO": (host("runit", paths=INITCTL), "runit"),
    "/etc/init left by packages": (
        host("systemd", paths={**SYSTEMD_DIRECTORY, "/etc/init": "directory"}),
        "systemd",
    ),
    "upstart's initctl installed below systemd": (
        host("systemd", paths=SYSTEMD_DIRECTORY, initctl="init (upstart 1.13)"),
        "systemd",
    ),
    "finit's initctl is not Upstart's": (
        host("init", initctl="Finit 4.3", paths={"/etc/init": "directory"}),
        "finit",
    ),
    "OpenRC's programs installed below systemd": (
        host("systemd", paths=SYSTEMD_DIRECTORY, inits_present=("systemd", "openrc")),
        "systemd",
    ),
    "OpenRC's runlevels below sysvinit, not running": (
        host(
            "init", paths={"/etc/runlevels/default": "directory", **INITCTL}, inittab=REAL_INITTAB
        ),
        "sysvinit",
    ),
    "runsvdir as a service of sysvinit": (
        host(
            "init",
            paths={"/run/runit.stopit": "file", **INITCTL},
            inittab=REAL_INITTAB,
            scanners=(Scanner(7, "runsvdir", "/etc/service"),),
        ),
        "sysvinit",
    ),
    "/sbin/init links to systemd, PID 1 is an agent": (
        host(
            "process_api",
            chroot=None,
            init_program="/usr/lib/systemd/systemd",
            inits_present=("systemd",),
            systemd_version=252,
        ),
        "",
    ),
    "an svscanboot line in an inittab that nobody reads": (
        host(
            "systemd",
            paths=SYSTEMD_DIRECTORY,
            inittab=(InittabLine(9, "SV", "123456", "respawn", "/command/svscanboot"),),
            wirings=(Wiring("/etc/inittab", "SV:...", "/command/svscanboot"),),
        ),
        "systemd",
    ),
    "Kubernetes with hostPID: PID 1 is the host's": (
        host("systemd", chroot=True, paths=SYSTEMD_DIRECTORY, container="/run/.containerenv"),
        "",
    ),
}


@pytest.mark.parametrize("case", RULES)
def test_rule(case: str) -> None:
    evidence, name, rule = RULES[case]
    found = detect(evidence)
    assert (found.name, found.rule, found.asked) == (name, rule, False)
    assert found.reasons
    assert found.name or found.advice


@pytest.mark.parametrize("case", FALSE_POSITIVES)
def test_false_positive(case: str) -> None:
    evidence, name = FALSE_POSITIVES[case]
    assert detect(evidence).name == name


@pytest.mark.parametrize("case", RULES)
def test_the_evidence_survives_json(case: str) -> None:
    evidence = RULES[case][0]
    assert Evidence.from_json(json.loads(json.dumps(evidence.to_json()))) == evidence


def test_evidence_of_an_older_version_has_defaults() -> None:
    assert Evidence.from_json({"platform": "linux", "unheard_of": 1}) == Evidence()


def test_only_a_running_host_is_live() -> None:
    for evidence, _, rule in RULES.values():
        if rule in ("offline", "container", "WSL", "unknown", "immutable"):
            assert not detect(evidence).live


class TestAsked:
    def test_is_obeyed(self) -> None:
        found = detect(host("systemd", paths=SYSTEMD_DIRECTORY), "systemd")
        assert (found.name, found.asked, found.warnings) == ("systemd", True, ())

    def test_contradiction_is_a_warning(self) -> None:
        found = detect(host("systemd", paths=SYSTEMD_DIRECTORY), "rclocal")
        assert found.name == "rclocal"
        assert "looks like systemd" in found.warnings[0]

    def test_does_not_bring_a_container_to_life(self) -> None:
        assert not detect(host("sleep"), "systemd").live

    def test_is_believed_of_an_init_that_nobody_knows(self) -> None:
        assert detect(host("init"), "initd").live
        assert detect(host("init", container="/run/.containerenv"), "initd").live
        assert not detect(host("init", container="/run/.containerenv"), "container").live

    def test_is_not_believed_where_etc_is_built(self) -> None:
        evidence = host("shepherd", distribution=Distribution("guix"))
        assert not detect(evidence, "initd").live

    def test_does_not_bring_an_image_to_life(self) -> None:
        assert not detect(Evidence(offline="it is an image"), "systemd").live


@pytest.mark.parametrize(
    ("version", "paths", "dialect"),
    [
        ("init (upstart 0.3.9)", {}, "event.d"),
        ("init (upstart 0.6.5)", {}, "init"),
        ("init (upstart 1.12.1)", {"/etc/event.d": "directory"}, "init"),
        ("upstart", {"/etc/event.d": "directory"}, "event.d"),
        ("upstart", {"/etc/event.d": "directory", "/etc/init": "directory"}, "init"),
    ],
)
def test_upstart_is_told_apart_by_version_then_directory(
    version: str, paths: dict[str, str], dialect: str
) -> None:
    assert detect(host("init", initctl=version, paths=paths)).detail == dialect


class TestOffline:
    @pytest.mark.parametrize(
        ("facts", "name"),
        [
            ({"init_program": "/usr/lib/systemd/systemd"}, "systemd"),
            ({"init_program": "/bin/busybox"}, "busybox"),
            ({"init_program": "/usr/bin/runit-init"}, "runit"),
            ({"init_program": "/sbin/openrc-init"}, "openrc"),
            ({"init_program": "/usr/bin/dinit"}, "dinit"),
            ({"init_program": "/usr/sbin/finit"}, "finit"),
            ({"init_program": "/usr/bin/shepherd"}, "shepherd"),
            ({"init_program": "/sbin/init", "init_marks": ("procd",)}, "procd"),
            ({"init_program": "/sbin/init", "init_marks": ("sysvinit",)}, "sysvinit"),
            ({"init_program": "/sbin/init", "init_marks": ("sysvinit", "openrc")}, "openrc"),
            ({"init_program": "/sbin/init", "init_marks": ("upstart",)}, "upstart"),
            ({"init_program": "/sbin/init", "init_marks": ("s6",)}, "s6"),
            ({"init_program": "/sbin/init"}, ""),
            ({"inits_present": ("systemd",)}, "systemd"),
            ({"inits_present": ("systemd", "runit")}, ""),
            ({}, ""),
        ],
    )
    def test_init_decides(
        self,
        facts: dict[str, str | tuple[str, ...]] | dict[str, str] | dict[str, tuple[str, ...]],
        name: str,
    ) -> None:
        found = detect(Evidence(offline="it is an image", **facts))
        assert found.name == name
        assert not found.live

    def test_other_inits_are_a_warning(self) -> None:
        evidence = Evidence(
            offline="x", init_program="/lib/systemd/systemd", inits_present=("systemd", "runit")
        )
        assert detect(evidence).warnings == ("also present: runit",)

    def test_alpine_is_openrc_not_busybox(self) -> None:
        line = InittabLine(1, "", "", "sysinit", "/sbin/openrc sysinit")
        evidence = Evidence(offline="x", init_program="/bin/busybox", inittab=(line,))
        assert detect(evidence).name == "openrc"


def test_a_container_is_told_what_to_run() -> None:
    assert detect(host("sleep")).advice == ENTRYPOINT


def test_a_verdict_is_json() -> None:
    found = detect(host("systemd", paths=SYSTEMD_DIRECTORY))
    assert json.loads(json.dumps(found.to_json()))["name"] == "systemd"
    assert dataclasses.asdict(found) == found.to_json()


def test_a_program_that_nobody_knows_is_no_container_for_sure() -> None:
    found = detect(host("postgres"))
    assert found.reasons[0].endswith("nothing shows a container")
    assert found.advice[-len(ENTRYPOINT) :] == ENTRYPOINT
    assert found.advice[0] == "If you know better, say so with --init NAME."


@pytest.mark.parametrize(
    ("comm", "lines"),
    [
        ("nitro", ["/command/svscanboot"]),
        (
            "sinit",
            ["/command/pgrphack /command/svscanboot </dev/null", "/command/slashservice drain"],
        ),
    ],
)
def test_what_to_run_is_told_where_nothing_can_be_wired_in(comm: str, lines: list[str]) -> None:
    advice = detect(host(comm)).advice
    told = [line.strip() for line in advice if line.startswith("    ")]
    assert [one for one in lines if any(line.startswith(one) for line in told)] == lines
    assert told[-1] == "slashservice install --init container"
    assert not detect(host(comm), "container").live
    assert detect(host(comm), "initd").live


def test_s6_overlay_is_told_of_a_longrun() -> None:
    found = detect(host("s6-svscan", paths={"/run/s6-linux-init-container-results": "file"}))
    assert found.advice[: len(ENTRYPOINT)] == ENTRYPOINT
    assert "longrun" in found.advice[len(ENTRYPOINT)]
    assert not found.live


@pytest.mark.parametrize("asked", ["", "s6"])
@pytest.mark.parametrize(
    ("facts", "base"),
    [
        ({"s6_base": "/srv/s6", "paths": {"/etc/s6/current": "directory"}}, "/srv/s6"),
        ({"paths": {"/etc/s6/current": "directory"}}, "/etc/s6/current"),
        ({"paths": {"/etc/s6-linux-init/current": "directory"}}, "/etc/s6-linux-init/current"),
    ],
)
def test_the_base_directory_of_s6(facts: dict[str, object], base: str, asked: str) -> None:
    assert detect(host("s6-svscan", **facts), asked).detail == base  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("id_", "word"), [("nixos", "serviceConfig"), ("guix", "shepherd-service")]
)
def test_what_to_declare_is_in_the_distribution_s_own_words(id_: str, word: str) -> None:
    found = detect(host("systemd", paths=SYSTEMD_DIRECTORY, distribution=Distribution(id_)))
    assert any(word in line for line in found.advice)


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ((), ""),
        (("--silent",), ""),
        (("-c", "/srv/x.scm"), "/srv/x.scm"),
        (("--config", "/srv/x.scm"), "/srv/x.scm"),
        (("--config=/srv/x.scm", "-S"), "/srv/x.scm"),
    ],
)
def test_the_configuration_of_shepherd(words: tuple[str, ...], path: str) -> None:
    evidence = Evidence(pid1=FirstProcess("shepherd", None, ("/usr/bin/shepherd", *words)))
    assert detect(evidence).detail == path
