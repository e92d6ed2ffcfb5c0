"""runit's stage 2: what of it is recognised; svscan has its place there, and gives it back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from helpers.images import Image, MakeImage
from helpers.installer import Deadly as DeadlyHost
from helpers.installer import dies, look_at, plan_for
from helpers.lost import install, lose
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slashservice.installer.detection.evidence import Scanner
from slashservice.installer.doctor import examine
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan.options import Options
from slashservice.installer.plan.planner import make_plan
from slashservice.installer.plan.source import Source
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction

STAGE = "/etc/runit/2"
LAST = "/etc/runit/3"
DOTS = "." * 40
NUMBERS = count()

BEGINNINGS = (
    "#!/bin/sh\n",
    "#!/bin/sh -e\n# stage 2\nPATH=/usr/bin\n\n[ -x /etc/rc.local ] && /etc/rc.local\n",
    "#!/bin/sh\nSVDIR=/etc/service\nif [ -e /x ]; then\n    echo x\nfi\nrunsvchdir default\n",
)
BECOMES = (
    "exec runsvdir -P {0}\n",
    "exec runsvdir -P {0} 'log: {1}'\n",
    "exec env - PATH=$PATH runsvdir -P {0} 'log: {1}'\n",
    "exec env - PATH=$PATH \\\nrunsvdir -P {0} 'log: {1}'\n",
    "exec env - \\\n  PATH=$PATH \\\n\trunsvdir \\\n -P {0} \\\n 'log: {1}'\n",
    "exec /usr/bin/runsvdir -P {0}",
    "runsvdir -P {0}\n",
    "  exec chpst -n -5 runsvdir -P {0}\n",
)
ENDINGS = ("", "# not come to\n")
UNCLEAR = (
    "test -e /x && exec runsvdir -P {0}\n",
    "exec runsvdir -P {0} | logger\n",
    "if [ -e /x ]; then exec runsvdir {0}; else exec runsvdir -P {0}; fi\n",
    "exec runsvdir -P {0} &\nwait\n",
    "exec runsvdir {0}\nexec runsvdir -P {0}\n",
)


def booting(image: Image, text: str, last: str = "#!/bin/sh\nsv force-stop /x/*\n") -> Host:
    """An image of Debian's runit, with that stage 2; and its host."""
    image.file(STAGE, text, mode=0o755).file(LAST, last, mode=0o755)
    return Host(str(image.root))


def link(image: Image, unit: str) -> None:
    """Enable a unit."""
    image.link(f"/etc/systemd/system/multi-user.target.wants/{unit}", f"../{unit}")


def stage(image: Image) -> str:
    """What stage 2 says."""
    return image.path(STAGE).read_text()


def uninstall(host: Host) -> list[str]:
    """Undo it all; return what is not as it was."""
    return transaction.uninstall(host, lambda line: None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    beginning=st.sampled_from(BEGINNINGS),
    becomes=st.sampled_from(BECOMES),
    ending=st.sampled_from(ENDINGS),
)
def test_any_stage_that_becomes_runsvdir(
    beginning: str,
    becomes: str,
    ending: str,
    make_image: MakeImage,
    small_source: Source,
) -> None:
    """svscan comes ahead of the very line; all else stays; and all is as it was in the end."""
    image = make_image("runit-debian", f"root{next(NUMBERS)}")
    line = becomes.format("/etc/service", DOTS)
    text = beginning + (line if line.endswith("\n") or not ending else line + "\n") + ending
    host = booting(image, text)
    before = image.snapshot()
    transaction.install(host, plan_for(host, replace=True), lambda line: None)
    said = stage(image)
    begin, end = said.index("# begin slashservice\n"), said.index("# end slashservice\n")
    assert said[:begin] == beginning
    assert said[end:].removeprefix("# end slashservice\n") == text.removeprefix(beginning)
    assert "/command/svscanboot -r /etc/service || :\n" in said[begin:end]
    last = image.path(LAST).read_text()
    assert last.index("slashservice drain /etc/service") < last.index("sv force-stop")
    assert not install(host), "a second install finds it done, without --replace"
    assert [one.what for one in examine(look_at(host), INIT_SYSTEMS)] == []
    assert uninstall(host) == []
    assert image.snapshot() == before


@pytest.mark.parametrize("becomes", UNCLEAR)
def test_what_can_not_be_told_is_refused(
    becomes: str, make_image: MakeImage, small_source: Source
) -> None:
    image = make_image("runit-debian")
    host = booting(image, BEGINNINGS[0] + becomes.format("/etc/service"))
    before = image.snapshot()
    with pytest.raises(Refusal, match="it can't be told how /etc/runit/2 becomes runsvdir"):
        plan_for(host, replace=True)
    assert image.snapshot() == before


def test_without_a_word_runsvdir_keeps_its_place(
    make_image: MakeImage, small_source: Source
) -> None:
    """Then svscan is one of its services, on a directory of its own."""
    image = make_image("runit-debian")
    host = booting(image, BEGINNINGS[0] + BECOMES[0].format("/etc/service"))
    plan = plan_for(host)
    assert plan.layout.service_dir == "/service"
    with pytest.raises(Refusal, match="runsvdir supervises /etc/service already") as refused:
        plan_for(host, service_dir="/etc/service")
    assert "With --replace slashservice takes its place" in " ".join(refused.value.advice)


def test_not_started_at_boot_and_in_its_place_is_refused(make_image: MakeImage) -> None:
    host = booting(make_image("runit-debian"), BEGINNINGS[0] + BECOMES[0].format("/etc/service"))
    with pytest.raises(Refusal, match="can't have the place of runsvdir and not be started"):
        plan_for(host, replace=True, enable=False)


def test_s6_is_never_replaced(make_image: MakeImage) -> None:
    image = make_image("systemd")
    image.file("/etc/systemd/system/s6.service", "[Service]\nExecStart=/bin/s6-svscan /service\n")
    link(image, "s6.service")
    with pytest.raises(Refusal, match="s6-svscan supervises /service already"):
        plan_for(Host(str(image.root)), replace=True)


@pytest.mark.parametrize("name", ["systemd", "sysvinit-debian", "busybox"])
def test_runsvdir_below_another_init_system(
    name: str, make_image: MakeImage, small_source: Source
) -> None:
    """It is unwired, and svscan wired in as ever, on its directory."""
    image = make_image(name)
    command = "/usr/bin/runsvdir -P /etc/service"
    if name == "systemd":
        unit = f"[Service]\nExecStart={command}\n[Install]\nWantedBy=multi-user.target\n"
        image.file("/etc/systemd/system/runit.service", unit)
        link(image, "runit.service")
    else:
        field = "" if name == "busybox" else "RV"
        runlevels = "" if name == "busybox" else "2345"
        inittab = image.path("/etc/inittab")
        inittab.write_text(f"{inittab.read_text()}{field}:{runlevels}:respawn:{command}\n")
    image.folders("/etc/service")
    host = Host(str(image.root))
    before = image.snapshot()
    plan = plan_for(host, replace=True)
    assert plan.layout.service_dir == "/etc/service"
    transaction.install(host, plan, lambda line: None)
    if name != "systemd":
        assert f"#slashservice# {field}:{runlevels}:respawn:{command}" in inittab.read_text()
    assert not install(host)
    assert uninstall(host) == []
    assert image.snapshot() == before


@pytest.fixture
def taken(make_image: MakeImage, small_source: Source) -> Callable[[], tuple[Image, Host]]:
    """Return what makes an image in which svscan has the place of runsvdir."""

    def make() -> tuple[Image, Host]:
        image = make_image("runit-debian")
        host = booting(image, BEGINNINGS[2] + BECOMES[3].format("/etc/service", DOTS) + ENDINGS[1])
        transaction.install(host, plan_for(host, replace=True), lambda line: None)
        return image, host

    return make


def test_a_lost_receipt(taken: Callable[[], tuple[Image, Host]]) -> None:
    """What is there tells it all: that svscan has the place, and the lines that become runsvdir."""
    image, host = taken()
    lose(host)
    assert install(host)
    receipt = receipts.load(host)
    assert receipt is not None
    assert receipt.service_dir == "/etc/service"
    assert uninstall(host) == []
    text = BEGINNINGS[2] + BECOMES[3].format("/etc/service", DOTS) + ENDINGS[1]
    assert stage(image) == text


def test_killed_at_any_step(make_image: MakeImage, small_source: Source, tmp_path: Path) -> None:
    """Stage 2 is whole at any moment; install and uninstall finish what was begun."""
    text = BEGINNINGS[1] + BECOMES[4].format("/etc/service", DOTS)
    for step in range(1, 200):
        image = make_image("runit-debian", f"killed{step}")
        host = booting(image, text)
        before = image.snapshot()

        def work(root: str = str(image.root), step: int = step) -> None:
            deadly = DeadlyHost(root, step)
            transaction.install(deadly, plan_for(deadly, replace=True), lambda line: None)

        killed = dies(work)
        said = stage(image)
        assert said.endswith(text.removeprefix(BEGINNINGS[1]))
        assert said == text or "svscanboot" in said
        if step % 2:
            install(host, replace=True)
            assert "svscanboot" in stage(image)
        assert uninstall(host) == []
        assert image.snapshot() == before
        if not killed:
            return
    raise AssertionError("it has no end")


def test_another_init_system_does_not_end_what_runs_the_host(make_image: MakeImage) -> None:
    """Whatever is asked for: the machine would go down with it."""
    image = make_image("runit-debian")
    host = booting(image, BEGINNINGS[0] + BECOMES[0].format("/etc/service"))
    image.program("/etc/rc.local", "#!/bin/sh\n")
    with pytest.raises(Refusal):
        plan_for(host, replace=True, init="rclocal", service_dir="/etc/service")


@pytest.mark.parametrize("text", [0, 1])
@pytest.mark.parametrize("start", [True, False])
def test_a_runsvdir_that_runs_is_never_ended(
    text: int, start: bool, make_image: MakeImage, small_source: Source
) -> None:
    """Neither at first, nor when lines of a killed run are in stage 2 already."""
    image = make_image("runit-debian")
    host = booting(image, BEGINNINGS[text] + BECOMES[3].format("/etc/service", DOTS))
    for _ in range(2):
        look = look_at(host)
        evidence = replace(look.evidence, scanners=(Scanner(7, "runsvdir", "/etc/service"),))
        verdict = replace(look.verdict, live=True)
        seen = replace(look, evidence=evidence, verdict=verdict)
        plan = make_plan(seen, INIT_SYSTEMS, Options(replace=True, start=start or None))
        kinds = [one.kind for one in plan.actions]
        assert "take-stage" in kinds
        assert "end-scanner" not in kinds and "quieten" not in kinds
        assert plan.layout.service_dir == "/etc/service"
        transaction.install(host, plan_for(host, replace=True), lambda line: None)
