"""Where an init system can't be wired into, or is told more than its files say."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
from helpers import images, judges
from helpers.images import Image, MakeImage, Snapshot
from helpers.installer import Running, look_at, plan_for

from slashservice.installer.detection.detect import detect
from slashservice.installer.detection.evidence import (
    Distribution,
    Evidence,
    FirstProcess,
    Wiring,
)
from slashservice.installer.detection.probe import PROGRAM_LIMIT, _first_process, _initctl, probe
from slashservice.installer.detection.wirings import strangers
from slashservice.installer.errors import Refusal
from slashservice.installer.host import processes
from slashservice.installer.host.host import Host, Outcome
from slashservice.installer.host.layout import layout
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.init_systems.container import Container
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import WriteFile
from slashservice.installer.plan.init_system import Site
from slashservice.installer.plan.source import Source
from slashservice.installer.plan.takeover import _keeper
from slashservice.installer.plan.telling import RunCommand, Supervise
from slashservice.installer.record import transaction


def quiet(line: str) -> None:
    """Take no notice of progress."""


def refused(image: Image, **options: object) -> str:
    """Check that a plan is refused; return why."""
    with pytest.raises(Refusal) as refusal:
        plan_for(Host(str(image.root)), **options)
    return refusal.value.what


def site(host: Host, init: str, start: bool = True) -> Site:
    """All that the init system's module knows of a host."""
    seen = look_at(host, init)
    return Site(host, layout("slashpackage", "1"), seen.evidence, seen.verdict, "/python", start)


def wired(host: Host, init: str, start: bool = True) -> list[Action]:
    """Wire svscan into a host."""
    return INIT_SYSTEMS[init].wire(site(host, init, start))


class TestRefused:
    """What the init system needs is not there."""

    def test_busybox_without_an_inittab(self, make_image: MakeImage, small_source: Source) -> None:
        image = make_image("busybox")
        image.path("/etc/inittab").unlink()
        assert "runs what is built into it" in refused(image)

    def test_sysvinit_without_an_inittab(self, make_image: MakeImage, small_source: Source) -> None:
        image = make_image("sysvinit-debian")
        image.path("/etc/inittab").unlink()
        assert refused(image) == "there is no /etc/inittab to put a line into"

    def test_init_d_without_runlevels(self, make_image: MakeImage, small_source: Source) -> None:
        why = "there are no runlevel folders (/etc/rc0.d and so on) to link into"
        assert refused(make_image("systemd"), init="initd") == why

    def test_runit_without_enabled_services(
        self, make_image: MakeImage, small_source: Source
    ) -> None:
        image = make_image("runit-void")
        image.path("/etc/runit/runsvdir/default").rmdir()
        assert refused(image) == "runit's directory of enabled services was not found"

    def test_s6_without_early_services(self, make_image: MakeImage, small_source: Source) -> None:
        image = make_image("s6")
        image.path("/etc/s6-linux-init/current/run-image/service").rmdir()
        assert "run-image/service was not found" in refused(image)

    def test_systemd_with_a_package_s_unit(
        self, make_image: MakeImage, small_source: Source
    ) -> None:
        image = make_image("systemd").file("/usr/lib/systemd/system/svscan.service")
        assert refused(image).endswith("already: /usr/lib/systemd/system/svscan.service")

    def test_an_rc_local_for_env(self, make_image: MakeImage, small_source: Source) -> None:
        image = make_image("rclocal-sysvinit").program("/usr/bin/env")
        image.program("/etc/rc.d/rc.local", "#!/usr/bin/env sh\n")
        plan_for(Host(str(image.root)), init="rclocal")
        image.program("/etc/rc.d/rc.local", "#!/usr/bin/env perl\n")
        assert "is no shell script: #!/usr/bin/env perl" in refused(image, init="rclocal")


class TestShown:
    """What is not written is shown, so that somebody else can."""

    def test_a_manifest_where_svscan_does_not_run(
        self, in_memory: Path, small_source: Source
    ) -> None:
        image = Image(in_memory / "root")
        images.smf(image)
        with pytest.raises(Refusal, match="does not run on Solaris and illumos yet") as refusal:
            plan_for(Host(str(image.root)))
        judges.smf_manifest("\n".join(refusal.value.advice[1:]))

    @pytest.mark.parametrize("where", ["", "/gnu/store/x/shepherd.conf", "/srv/other.scm"])
    def test_a_service_where_shepherd_s_configuration_can_t_be_edited(
        self, where: str, make_image: MakeImage
    ) -> None:
        image = make_image("shepherd")
        if where.startswith("/gnu"):
            image.file(where)
        if not where:
            image.path("/etc/shepherd.scm").unlink()
        host = Host(str(image.root))
        words = ("shepherd", "--config", where) if where else ("shepherd",)
        evidence = Evidence(pid1=FirstProcess("shepherd", None, words))
        seen = dataclasses.replace(site(host, "shepherd"), evidence=evidence)
        with pytest.raises(Refusal, match="can't be edited, which shepherd reads") as refusal:
            INIT_SYSTEMS["shepherd"].wire(seen)
        judges.shepherd_configuration("\n".join(refusal.value.advice[1:]))


def test_openwrt_keeps_the_receipt_where_it_lasts(
    make_image: MakeImage, small_source: Source
) -> None:
    host = Host(str(make_image("procd").root))
    plan = plan_for(host)
    assert any("/var is in memory here" in note for note in plan.notes)
    transaction.install(host, plan, quiet)
    assert host.is_file("/usr/lib/slashservice/receipt.json")
    assert host.list("/tmp") == []
    assert look_at(host).evidence.wirings[0].active
    transaction.uninstall(host, quiet)
    assert not host.lstat("/usr/lib/slashservice")


def test_another_svscan_of_procd_is_unlinked(make_image: MakeImage, small_source: Source) -> None:
    image = make_image("procd").program("/usr/bin/svscan")
    text = "#!/bin/sh /etc/rc.common\nprocd_set_param command /usr/bin/svscan /service\n"
    image.program("/etc/init.d/daemontools", text)
    assert not look_at(Host(str(image.root))).evidence.wirings[0].active
    image.link("/etc/rc.d/S50daemontools", "../init.d/daemontools")
    before = image.snapshot()
    host = Host(str(image.root))
    assert "another svscan" in refused(image)
    transaction.install(host, plan_for(host, replace=True), quiet)
    assert not image.path("/etc/rc.d/S50daemontools").is_symlink()
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


@pytest.mark.parametrize("state", ["stopping", "maintenance", "running"])
def test_a_systemd_that_stops_is_not_reloaded(state: str, make_image: MakeImage) -> None:
    answers = {"systemctl is-system-running": Outcome(1, state)}
    host = Running(make_image("systemd").root, answers)
    if state == "running":
        assert [one.do for one in wired(host, "systemd") if isinstance(one, RunCommand)]
    else:
        with pytest.raises(Refusal, match=f"systemd is {state}: install when"):
            wired(host, "systemd")


class TestNotes:
    """What the administrator is told."""

    @pytest.mark.parametrize(("start", "said"), [(True, []), (False, ["runit starts what"])])
    def test_runit_starts_all_the_same(
        self, start: bool, said: list[str], make_image: MakeImage
    ) -> None:
        host = Running(make_image("runit-void").root)
        notes = INIT_SYSTEMS["runit"].notes(site(host, "runit", start))
        assert [note[:17] for note in notes] == said

    @pytest.mark.parametrize("mode", [0o644, 0o755])
    def test_a_shutdown_script_that_is_switched_off(
        self, mode: int, make_image: MakeImage, small_source: Source
    ) -> None:
        image = make_image("slackware").file("/etc/rc.d/rc.local_shutdown", "#!/bin/sh\n", mode)
        notes = plan_for(Host(str(image.root))).notes
        assert any(
            "does not run: chmod +x /etc/rc.d/rc.local_shutdown" in note for note in notes
        ) == (mode == 0o644)

    @pytest.mark.parametrize("kind", ["dinit", "dinit-chimera", "dinit-artix"])
    def test_a_dinit_whose_order_nobody_knows(
        self, kind: str, make_image: MakeImage, small_source: Source
    ) -> None:
        notes = plan_for(Host(str(make_image(kind).root))).notes
        assert any("may start before file systems" in note for note in notes) == (kind == "dinit")

    def test_nothing_waits_where_no_script_runs_at_shutdown(
        self, make_image: MakeImage, small_source: Source
    ) -> None:
        image = make_image("sysvinit-debian")
        for level in "0123456S":
            image.path(f"/etc/rc{level}.d").rmdir()
        plan = plan_for(Host(str(image.root)))
        assert any("services get three seconds to stop" in note for note in plan.notes)
        assert not any(isinstance(action, WriteFile) for action in plan.actions)


def test_scripts_without_a_folder_are_put_into_the_usual_one(
    make_image: MakeImage, small_source: Source
) -> None:
    image = make_image("sysvinit-debian")
    image.path("/etc/init.d").rmdir()
    paths = [getattr(action, "path", "") for action in plan_for(Host(str(image.root))).actions]
    assert "/etc/init.d/svscan" in paths


def test_scripts_that_run_side_by_side_wait_for_ours(
    make_image: MakeImage, small_source: Source
) -> None:
    image = make_image("sysvinit-debian")
    image.file("/etc/init.d/.depend.start", "TARGETS = a b\nb: a\n")
    image.file("/etc/init.d/.depend.stop", "TARGETS = a b\nb: a\n")
    before: Snapshot = image.snapshot()
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    assert image.path("/etc/init.d/.depend.start").read_text() == "TARGETS = a b svscan\nb: a\n"
    stop = image.path("/etc/init.d/.depend.stop").read_text()
    assert stop == "TARGETS = a b svscan\nb: a svscan\na: svscan\n"
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


@pytest.mark.parametrize(
    ("init", "processes", "base"),
    [
        ("s6-linux-init -c /srv/s6 -- $@", {}, "/srv/s6"),
        ('s6-linux-init -m 022 -c "/srv/s6" -- $@', {}, "/srv/s6"),
        ("# s6-linux-init -c /srv/other\ns6-linux-init -c /srv/s6", {}, "/srv/s6"),
        ("s6-linux-init -c /nowhere", {}, ""),
        ("s6-linux-init -m 022", {}, ""),
        ("", {1: "s6-svscan", 7: "s6-linux-init-shutdownd\0-c\0/srv/s6\0-g\x003000\0"}, "/srv/s6"),
        ("", {1: "s6-svscan", 7: "s6-linux-init-shutdownd\0-c\0"}, ""),
        ("", {1: "init", 7: "s6-linux-init-shutdownd\0-c\0/srv/s6\0"}, ""),
    ],
)
def test_s6_linux_init_says_where_it_was_made(
    init: str, processes: dict[int, str], base: str, tmp_path: Path
) -> None:
    image = (
        Image(tmp_path).folders("/srv/s6").program("/sbin/init", f"#!/bin/execlineb -P\n{init}\n")
    )
    for pid, words in processes.items():
        image.file(f"/proc/{pid}/comm", words.partition("\0")[0][:15] + "\n")
        image.file(f"/proc/{pid}/cmdline", words)
    found = INIT_SYSTEMS["s6"].facts(Running(image.root), running=True)
    assert found == {"s6_base": base}


def test_a_running_s6_gets_a_service_at_once(make_image: MakeImage) -> None:
    actions = wired(Running(make_image("s6").root), "s6")
    paths = [action.path for action in actions if isinstance(action, WriteFile)]
    assert "/run/service/svscan/run" in paths
    assert "/etc/s6-linux-init/current/run-image/service/svscan/run" in paths
    (start,) = (action for action in actions if isinstance(action, Supervise))
    stop = "s6-svc -wD -T 130000 -d /run/service/svscan"
    assert " ".join(start.stop) == stop
    assert RunCommand(do=("s6-svscanctl", "-an", "/run/service"), why="s6 sees it") in actions
    later = wired(Running(make_image("s6", "later").root), "s6", start=False)
    assert not any("/run/" in getattr(action, "path", "") for action in later)


@pytest.mark.parametrize(
    ("init", "path", "forget", "restart"),
    [
        ("systemd", "/etc/systemd/system/x.service", "systemctl stop", "systemctl start"),
        ("upstart", "/etc/init/x.conf", "initctl stop x", "initctl start x"),
        ("openrc", "/etc/init.d/x", "rc-service x zap", "rc-service x start"),
        ("openrc", "/etc/inittab", "", ""),
        ("busybox", "/etc/inittab", "", ""),
    ],
)
def test_what_an_init_system_remembers(init: str, path: str, forget: str, restart: str) -> None:
    wiring = Wiring(path, "svscan", "/usr/bin/svscan")
    found = [" ".join(words) for words in _keeper(INIT_SYSTEMS[init], (wiring,))]
    name = " x.service" if init == "systemd" else ""
    assert found == [forget + name, restart + name]


def test_by_default_it_has_nothing_to_forget() -> None:
    assert INIT_SYSTEMS["busybox"].forget(["x"]) == ()
    assert INIT_SYSTEMS["busybox"].restart(["x"]) == ()


@pytest.mark.parametrize(
    ("path", "content", "sign"),
    [
        ("/.dockerenv", "", "/.dockerenv is there"),
        ("/run/.containerenv", "", "/run/.containerenv is there"),
        ("/run/systemd/container", "lxc\n", "/run/systemd/container says lxc"),
        (
            "/proc/1/environ",
            "PATH=/bin\0container=podman\0",
            "PID 1 has container=podman in its environment",
        ),
        (
            "/proc/1/environ",
            "KUBERNETES_SERVICE_HOST=10.0.0.1\0",
            "PID 1 has KUBERNETES_SERVICE_HOST=10.0.0.1 in its environment",
        ),
        ("/etc/hostname", "x", "systemd-detect-virt says docker"),
    ],
)
def test_what_shows_a_container(path: str, content: str, sign: str, tmp_path: Path) -> None:
    answers = {"systemd-detect-virt --container": Outcome(0, "docker")}
    host = Running(Image(tmp_path).file(path, content).root, answers)
    assert Container().facts(host, running=True) == {"container": sign}
    assert Container().facts(host, running=False) == {"container": ""}


@pytest.mark.parametrize("virt", [Outcome(0, "wsl"), Outcome(0, "none"), Outcome(1, "lxc")])
def test_what_shows_none(virt: Outcome, tmp_path: Path) -> None:
    host = Running(tmp_path, {"systemd-detect-virt": virt})
    assert Container().facts(host, running=True) == {"container": ""}


class TestEvidence:
    """What is gathered of a host."""

    def test_a_program_too_large_to_be_an_init_is_not_read(self, make_image: MakeImage) -> None:
        image = make_image("sysvinit-debian")
        assert look_at(Host(str(image.root))).evidence.init_marks == ("sysvinit",)
        with image.path("/usr/sbin/init").open("r+b") as program:
            program.truncate(PROGRAM_LIMIT + 1)
        assert look_at(Host(str(image.root))).evidence.init_marks == ()

    def test_a_distribution_that_can_t_be_named(self, make_image: MakeImage) -> None:
        image = make_image("systemd")
        assert look_at(Host(str(image.root))).evidence.distribution.id == "debian"
        image.path("/etc/os-release").write_bytes(b"ID=\xff\n")
        assert look_at(Host(str(image.root))).evidence.distribution == Distribution()

    @pytest.mark.parametrize("folder", ["/run/systemd/system", "/srv"])
    def test_initctl_is_asked_where_nothing_else_tells(
        self, folder: str, make_image: MakeImage
    ) -> None:
        host = Running(
            make_image("upstart").folders(folder).root,
            {"initctl version": Outcome(0, "init (upstart 1.5)\nmore")},
        )
        said = "init (upstart 1.5)" if folder == "/srv" else ""
        assert _initctl(host, INIT_SYSTEMS) == said

    @pytest.mark.parametrize(
        "exe", ["/lib/systemd/systemd", "/lib/systemd/systemd (deleted)", None]
    )
    def test_an_init_that_was_upgraded_is_the_same(
        self, exe: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        described = ("init", exe, ("/sbin/init",))
        monkeypatch.setattr(processes, "describe", lambda pid: described)
        assert _first_process().exe == ("/lib/systemd/systemd" if exe else None)

    def test_a_scanner_that_has_one_directory(self, make_image: MakeImage) -> None:
        """The script's path alone says which: it is not told."""
        image = make_image("systemd").program("/etc/rc.local", "#!/bin/sh\n/etc/runit/2 &\n")
        (wiring,) = probe(Host(str(image.root)), INIT_SYSTEMS).wirings
        assert (wiring.program, wiring.directory) == ("/etc/runit/2", "/etc/service")

    def test_an_image_of_an_unknown_system(self) -> None:
        found = detect(Evidence(offline="it is an image", platform="aix"), INIT_SYSTEMS)
        assert (found.name, found.rule, found.detail) == ("", "offline", "aix")
        assert found.reasons == ("it is an image", "it is a aix system")
        assert not found.live

    def test_an_image_s_proc_is_not_this_host_s(self, tmp_path: Path) -> None:
        image, pid = Image(tmp_path), os.getpid()
        image.file(f"/proc/{pid}/comm", "svscan\n").file(f"/proc/{pid}/cmdline", "svscan\0/x\0")
        assert strangers(Host(str(tmp_path)), "/x") == []
        assert strangers(Running(tmp_path), "/x") == [pid]
        image.file("/x/.svscan/pid", f"{pid}\n")
        assert strangers(Running(tmp_path), "/x") == []
