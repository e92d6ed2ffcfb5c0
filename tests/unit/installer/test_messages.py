"""Refusals and notes say what is useful where they are read."""

from __future__ import annotations

import dataclasses

import pytest
from helpers.images import MakeImage
from helpers.installer import Running, look_at, plan_for

from slashservice.installer.cli.verbs_install import next_steps
from slashservice.installer.detection.detect import detect
from slashservice.installer.detection.evidence import Evidence, FirstProcess
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan.options import Options
from slashservice.installer.plan.planner import make_plan


def test_an_openrc_without_its_default_runlevel(
    make_image: MakeImage, small_source: object
) -> None:
    image = make_image("openrc-gentoo")
    image.path("/etc/runlevels/default").rmdir()
    with pytest.raises(Refusal, match="there is no /etc/runlevels/default"):
        plan_for(Host(str(image.root)), init="openrc")


def test_an_image_of_an_unknown_init(make_image: MakeImage, small_source: object) -> None:
    image = make_image("container").program("/usr/sbin/init", b"\x7fELF\0strange\0")
    with pytest.raises(Refusal) as refusal:
        plan_for(Host(str(image.root)))
    assert f"it is an image at {image.root}; /sbin/init is /usr/sbin/init" in refusal.value.what


def test_a_chroot_without_proc(make_image: MakeImage, small_source: object) -> None:
    image = make_image("sysvinit-debian")
    seen = look_at(Host(str(image.root)))

    class Here(Running):
        """What a chroot without /proc looks like from within."""

    host = Here(image.root)
    host.root = "/"
    evidence = Evidence(pid1=FirstProcess(None))
    unknown = detect(evidence, INIT_SYSTEMS)
    host.lstat = lambda path: None  # type: ignore[method-assign]
    look = dataclasses.replace(seen, host=host, evidence=evidence, found=unknown, verdict=unknown)
    with pytest.raises(Refusal, match="PID 1 can't be seen") as refusal:
        make_plan(look, INIT_SYSTEMS, Options())
    assert refusal.value.advice[0] == "Here is no /proc, which shows it: mount -t proc proc /proc"


@pytest.mark.parametrize("exe", ["/usr/lib/systemd/systemd", "/usr/lib/systemd/systemd (deleted)"])
def test_a_systemd_that_has_been_upgraded(exe: str) -> None:
    """PID 1 runs on from a file that is no more."""
    evidence = Evidence(
        pid1=FirstProcess("init", exe, ("/sbin/init",)), paths={"/run/systemd/system": "directory"}
    )
    assert detect(evidence, INIT_SYSTEMS).name == "systemd"


def test_a_busybox_that_has_been_upgraded() -> None:
    evidence = Evidence(pid1=FirstProcess("init", "/bin/busybox (deleted)", ("init",)))
    assert detect(evidence, INIT_SYSTEMS).name == "busybox"


@pytest.mark.parametrize(
    ("kind", "stopped"), [("rclocal-systemd", True), ("rclocal-sysvinit", True), ("busybox", False)]
)
def test_nothing_stops_the_services_at_shutdown(
    kind: str, stopped: bool, make_image: MakeImage, small_source: object
) -> None:
    image = make_image(kind)
    if kind == "busybox":
        image.program("/etc/rc.local", "#!/bin/sh\n")
        image.program("/etc/init.d/rcS", "#!/bin/sh\n/etc/rc.local\n")
    notes = plan_for(Host(str(image.root)), init="rclocal").notes
    assert any("/command/slashservice drain /service" in note for note in notes) != stopped


@pytest.mark.parametrize(
    ("path", "user", "words"),
    [
        ("/usr/local/bin:/usr/bin", "", "slashservice add"),
        ("/command:/usr/bin", "", "slashservice add"),
        ("/sbin:/bin:/usr/sbin:/usr/bin", "", "/usr/local/bin/slashservice add"),
        ("/sbin:/bin", "ada", "sudo /usr/local/bin/slashservice add"),
        ("/usr/local/bin", "ada", "sudo slashservice add"),
    ],
)
def test_what_to_type_is_found_there(
    path: str,
    user: str,
    words: str,
    make_image: MakeImage,
    small_source: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """sudo has a PATH of its own, which may be without /usr/local/bin."""
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("SUDO_USER", user)
    plan = plan_for(Host(str(make_image("systemd").root)))
    assert f"    {words} NAME -- COMMAND...    makes one, with a log" in next_steps(plan, live=True)
