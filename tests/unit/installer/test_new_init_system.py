"""An init system that only this test knows: defining its class is all it takes to add it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
from helpers.images import Image, MakeImage, base
from helpers.installer import look_at, plan_for

from slashservice.installer import init_systems, status
from slashservice.installer.cli.main import Slashservice
from slashservice.installer.detection import detect
from slashservice.installer.detection.evidence import Evidence, FirstProcess, Verdict
from slashservice.installer.detection.knowledge import Place
from slashservice.installer.doctor import examine
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems import INIT_SYSTEMS, by_name
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.files import RemovePath, WriteFile
from slashservice.installer.plan.init_system import InitSystem, Site
from slashservice.installer.plan.telling import RunCommand
from slashservice.installer.record import transaction

TEMPLATE = """\
# Written by `slashservice install`; `slashservice uninstall` takes it away.
play @svscanboot@
patience @stop_limit@
"""
RELOAD = ("toyctl", "reload")
MINE = "/etc/toy.d/svscan.toy"
THEIRS = "/etc/toy.d/daemontools.toy"


@pytest.fixture
def toy() -> Iterator[InitSystem]:
    """Toyinit, while the test runs."""

    class Toy(InitSystem):
        """Toyinit, which plays what is in ``/etc/toy.d``."""

        name = "toy"
        title = "Toyinit"
        aliases = ("toyinit",)
        order = 45
        pid1 = ("toyd",)
        looked_for = ("/run/toy",)
        presence = ("/sbin/toyd",)
        programs = ("toyd",)
        places = (Place("/etc/toy.d", ".toy", whole=True),)
        rivals: ClassVar[dict[str, str]] = {"toyscan": "/toys"}
        reload = RELOAD

        def judge(self, evidence: Evidence) -> Verdict | None:
            return self.verdict("PID 1 is toyd") if evidence.comm == "toyd" else None

        def forget(self, names: Sequence[str]) -> tuple[str, ...]:
            return ("toyctl", "forget", *names)

        def wire(self, site: Site) -> list[Action]:
            toy = WriteFile(path=MINE, text=site.fill(TEMPLATE), enables=True)
            return [*self.around([toy], self.reload), self.supervise(site)]

    yield INIT_SYSTEMS["toy"]
    del INIT_SYSTEMS["toy"]


@pytest.fixture
def image(toy: InitSystem, in_memory: Path) -> Image:
    """An image that Toyinit will run."""
    made = base(Image(in_memory / "root"))
    made.program("/usr/sbin/toyd").link("/usr/sbin/init", "toyd").folders("/etc/toy.d")
    return made


def quiet(line: str) -> None:
    """Take no notice of progress."""


def slashservice(*words: str) -> int:
    """Run a verb in this process; return its exit status."""
    return Slashservice.run(["slashservice", *words], exit=False)[1]


def test_it_is_listed_behind_those_that_are_known(toy: InitSystem) -> None:
    assert list(INIT_SYSTEMS)[-1] == "toy"
    assert by_name("toyinit") is toy
    with pytest.raises(Refusal) as refusal:
        by_name("nonsense")
    assert refusal.value.advice[0].endswith(", toy.")


def test_it_is_told_by_its_pid_1(toy: InitSystem) -> None:
    evidence = Evidence(pid1=FirstProcess("toyd"), paths={"/run/initctl": "fifo"})
    found = detect.detect(evidence, INIT_SYSTEMS)
    assert (found.name, found.rule, found.live) == ("toy", "toy", True)
    unseen = Evidence(pid1=FirstProcess("toyd"), chroot=None)
    assert detect.detect(unseen, INIT_SYSTEMS).rule == "offline"


def test_without_it_the_same_pid_1_is_unknown() -> None:
    found = detect.detect(Evidence(pid1=FirstProcess("toyd")), INIT_SYSTEMS)
    assert (found.name, found.rule) == ("", "unknown")


def test_its_image_is_recognised(image: Image) -> None:
    image.folders("/run/toy")
    seen = look_at(Host(str(image.root)))
    assert (seen.verdict.name, seen.verdict.rule) == ("toy", "offline")
    assert seen.evidence.paths["/run/toy"] == "directory"
    assert seen.evidence.inits_present == ("toy",)


def test_its_whole_life_by_the_command_line(
    image: Image, small_source: object, capsys: pytest.CaptureFixture[str]
) -> None:
    before = image.snapshot()
    root = ("--root", str(image.root))
    assert slashservice("detect", *root) == 0
    assert capsys.readouterr().out.startswith("toy, judged by its files\n")
    assert slashservice("plan", *root) == 2
    assert image.snapshot() == before
    assert slashservice("install", *root) == 0
    assert image.path(MINE).read_text() == (
        "# Written by `slashservice install`; `slashservice uninstall` takes it away.\n"
        "play /command/svscanboot\n"
        "patience 120\n"
    )
    capsys.readouterr()
    assert slashservice("doctor", *root) == 0
    assert slashservice("status", *root) == 1  # all but a svscan that runs
    said = capsys.readouterr().out
    assert "started by toy" in said
    assert f"{MINE} ok" in " ".join(said.split())
    assert slashservice("install", *root) == 0
    assert slashservice("uninstall", *root) == 0
    assert image.snapshot() == before


def test_what_is_wrong_with_it_is_found(
    image: Image, small_source: object, toy: InitSystem
) -> None:
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    wiring = next(one for one in look_at(host).evidence.wirings if one.path == MINE)
    assert (wiring.ours, wiring.active, wiring.directory) == (True, True, "/service")
    image.path("/command/svscanboot").unlink()
    found = [one.what for one in examine(look_at(host), INIT_SYSTEMS)]
    assert f"{MINE} has /command/svscanboot started, which is not there" in found
    states = {one.path: one.state for one in status.look(host).artefacts}
    assert (states[MINE], states["/command/svscanboot"]) == ("ok", "missing")


def test_another_supervisor_is_taken_over_from(image: Image, small_source: object) -> None:
    image.file(THEIRS, "play /usr/bin/svscan /service\n").program("/usr/bin/svscan")
    before = image.snapshot()
    host = Host(str(image.root))
    with pytest.raises(Refusal, match="another svscan"):
        plan_for(host)
    plan = plan_for(host, replace=True)
    taken = [one for one in plan.actions if one.sticky]
    assert [one for one in taken if not isinstance(one, RunCommand)] == [
        RemovePath(path=THEIRS, sticky=True)
    ]
    assert RELOAD in [one.do for one in taken if isinstance(one, RunCommand)]
    transaction.install(host, plan, quiet)
    assert not image.path(THEIRS).exists()
    assert transaction.uninstall(host, quiet) == []
    assert image.snapshot() == before


def test_its_own_supervisor_is_a_rival(image: Image, small_source: object) -> None:
    image.file(THEIRS, "play /usr/bin/toyscan\n")
    (wiring,) = look_at(Host(str(image.root))).evidence.wirings
    assert (wiring.program, wiring.directory) == ("/usr/bin/toyscan", "/toys")
    with pytest.raises(Refusal, match="toyscan supervises /toys already"):
        plan_for(Host(str(image.root)), service_dir="/toys", replace=True)


def test_files_that_only_it_reads_don_t_count_elsewhere(
    toy: InitSystem, make_image: MakeImage, small_source: object
) -> None:
    image = make_image("systemd").file(THEIRS, "play /usr/bin/svscan /service\n")
    assert plan_for(Host(str(image.root))).verdict.name == "systemd"


def test_a_module_in_the_folder_is_all_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "filed.py").write_text(
        "from slashservice.installer.plan.init_system import InitSystem\n"
        "class Filed(InitSystem):\n"
        "    name = 'filed'\n"
    )
    monkeypatch.setattr(init_systems, "__path__", [*init_systems.__path__, str(tmp_path)])
    try:
        init_systems.load()
        assert list(INIT_SYSTEMS)[-1] == "filed"
    finally:
        del INIT_SYSTEMS["filed"], sys.modules[f"{init_systems.__name__}.filed"]


def test_no_two_rules_have_the_same_place() -> None:
    orders = [one.order for one in INIT_SYSTEMS.values() if one.order != InitSystem.order]
    orders += [order for order, _ in detect.RULES]
    assert len(set(orders)) == len(orders)
    assert max(orders) < InitSystem.order


def test_no_two_are_listed_at_the_same_place() -> None:
    listed = [one.listed for one in INIT_SYSTEMS.values()]
    assert listed == sorted(set(listed))
