"""The doctor finds each ill there is, and none in the healthy."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.images import KINDS, Image, MakeImage
from helpers.installer import Running, look_at, plan_for

from slashservice.installer import status, supervision
from slashservice.installer.cli import remedies
from slashservice.installer.cli.remedies import typed
from slashservice.installer.cli.verbs_install import remembered
from slashservice.installer.detection.evidence import Scanner
from slashservice.installer.doctor import examine
from slashservice.installer.findings import Finding
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan.options import Options
from slashservice.installer.plan.planner import make_plan
from slashservice.installer.plan.source import Source
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction


def quiet(line: str) -> None:
    """Take no notice of progress."""


def findings(image: Image) -> list[str]:
    """What the doctor finds in an image."""
    seen = look_at(Host(str(image.root)))
    return [finding.what for finding in examine(seen, INIT_SYSTEMS)]


@pytest.fixture
def patient(make_image: MakeImage, small_source: Source) -> Callable[..., Image]:
    """Return what makes an image with slashservice installed."""

    def make(kind_name: str, **options: object) -> Image:
        image = make_image(kind_name)
        host = Host(str(image.root))
        transaction.install(host, plan_for(host, **options), quiet)
        return image

    return make


@pytest.mark.parametrize("which", ["systemd", "sysvinit-debian", "busybox", "openrc-gentoo"])
def test_nothing_is_wrong_with_the_healthy(which: str, patient: Callable[..., Image]) -> None:
    assert findings(patient(which)) == []


def test_not_installed(make_image: MakeImage) -> None:
    assert findings(make_image("systemd")) == ["slashservice is not installed here"]


def ill(image: Image, what: str) -> None:
    """Check that the doctor finds it."""
    found = findings(image)
    assert any(what in finding for finding in found), found


def test_a_changed_file(patient: Callable[..., Image]) -> None:
    image = patient("systemd")
    image.path("/etc/systemd/system/svscan.service").write_text("mine\n")
    ill(image, "/etc/systemd/system/svscan.service is changed")


def test_two_wirings(patient: Callable[..., Image]) -> None:
    image = patient("sysvinit-debian")
    image.program("/usr/bin/svscanboot")
    with image.path("/etc/inittab").open("a") as inittab:
        inittab.write("SX:123456:respawn:/usr/bin/svscanboot\n")
    ill(image, "/service has more than one supervisor")


def test_a_respawn_line_to_a_missing_program(patient: Callable[..., Image]) -> None:
    image = patient("sysvinit-debian")
    with image.path("/etc/inittab").open("a") as inittab:
        inittab.write("SX:123456:respawn:/opt/svscanboot /opt/service\n")
    ill(image, "/etc/inittab has /opt/svscanboot started, which is not there")


def test_our_own_program_missing(patient: Callable[..., Image]) -> None:
    image = patient("systemd")
    image.path("/command/svscan").unlink()
    ill(image, "has /command/svscan started, which is not there")


@pytest.mark.root
def test_an_interpreter_in_a_home(patient: Callable[..., Image]) -> None:
    image = patient("systemd")
    python = image.path("/usr/bin/python3")
    python.unlink()
    image.program("/home/me/python3")
    os.chown(image.path("/home/me"), 1234, 1234)
    python.symlink_to("/home/me/python3")
    ill(image, "/home/me belongs to user 1234")


def test_a_vanished_interpreter(patient: Callable[..., Image]) -> None:
    image = patient("systemd")
    image.path("/usr/bin/python3.11").unlink()
    ill(image, "the interpreter /usr/bin/python3 is gone")


def test_an_init_system_that_was_asked_for_is_no_finding(patient: Callable[..., Image]) -> None:
    assert findings(patient("rclocal-systemd", init="rclocal")) == []


@pytest.mark.parametrize(
    "options",
    [
        {"enable": False},
        {"start": False},
        {"layout": "fhs"},
        {"service_dir": "/srv/service"},
        {"layout": "fhs", "service_dir": "/srv/service", "enable": False, "start": False},
    ],
)
def test_what_was_chosen_stays_and_is_no_finding(
    options: dict[str, object], patient: Callable[..., Image]
) -> None:
    image = patient("systemd", **options)
    assert findings(image) == []
    before = image.snapshot()
    host = Host(str(image.root))
    again = remembered(host, receipts.load(host), Options())
    assert {name: getattr(again, name) for name in options} == options
    assert not transaction.install(host, make_plan(look_at(host), INIT_SYSTEMS, again), quiet)
    assert image.snapshot() == before


def test_what_was_chosen_can_be_chosen_otherwise(patient: Callable[..., Image]) -> None:
    image = patient("systemd", enable=False, start=False)
    host = Host(str(image.root))
    again = remembered(host, receipts.load(host), Options(enable=True, start=True))
    assert (again.enable, again.start) == (True, True)
    assert transaction.install(host, make_plan(look_at(host), INIT_SYSTEMS, again), quiet)
    assert remembered(host, receipts.load(host), Options()).enable is True
    assert image.path("/etc/systemd/system/multi-user.target.wants/svscan.service").is_symlink()


class TestRcLocal:
    def test_switched_off(self, patient: Callable[..., Image]) -> None:
        image = patient("rclocal-systemd", init="rclocal")
        image.path("/etc/rc.local").chmod(0o644)
        ill(image, "/etc/rc.local never runs: it is not executable")

    def test_given_up_by_systemd(self, patient: Callable[..., Image]) -> None:
        image = patient("rclocal-systemd", init="rclocal")
        folder = image.path("/usr/lib/x86_64-linux-gnu/systemd")
        (folder / "libsystemd-shared-252.so").rename(folder / "libsystemd-shared-261.so")
        ill(image, "systemd gave it up")

    def test_behind_the_exit(self, patient: Callable[..., Image]) -> None:
        image = patient("systemd")
        image.program("/etc/rc.local", "#!/bin/sh\nexit 0\n\n/usr/bin/svscanboot &\n")
        image.program("/usr/bin/svscanboot")
        ill(image, "/etc/rc.local ends before it starts /usr/bin/svscanboot")

    def test_without_a_first_line(self, patient: Callable[..., Image]) -> None:
        image = patient("systemd")
        image.program("/etc/rc.local", "csh -cf '/usr/bin/svscanboot &'\n")
        image.program("/usr/bin/svscanboot")
        ill(image, "its first line is no #! line")


def test_a_busybox_line_with_an_id(patient: Callable[..., Image]) -> None:
    image = patient("busybox")
    with image.path("/etc/inittab").open("a") as inittab:
        inittab.write("SV:123456:respawn:/usr/bin/svscanboot /opt/service\n")
    ill(image, "BusyBox takes 'SV' for a terminal")


def test_a_link_that_leads_nowhere(patient: Callable[..., Image]) -> None:
    image = patient("systemd").link("/service/gone", "/srv/gone")
    ill(image, "/service/gone leads nowhere: /srv/gone")


def test_a_link_that_is_removed_meanwhile(
    patient: Callable[..., Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = patient("systemd").link("/service/gone", "/srv/gone")
    real = Host.stat

    def stat(host: Host, path: str) -> os.stat_result | None:
        if path == "/service/gone":
            image.path(path).unlink(missing_ok=True)
        return real(host, path)

    monkeypatch.setattr(Host, "stat", stat)
    assert findings(image) == []


def test_a_run_script_that_can_t(patient: Callable[..., Image]) -> None:
    image = patient("systemd").file("/srv/web/run", "#!/bin/sh\n").link("/service/web", "/srv/web")
    ill(image, "/service/web/run is not executable")


def test_a_missing_scan_directory(patient: Callable[..., Image]) -> None:
    image = patient("systemd")
    image.path("/service").rmdir()
    ill(image, "the scan directory /service is missing")


def test_a_writable_folder(patient: Callable[..., Image]) -> None:
    image = patient("systemd")
    image.path("/package").chmod(0o777)
    ill(image, "/package can be written by everybody")


def test_another_version(patient: Callable[..., Image], monkeypatch: pytest.MonkeyPatch) -> None:
    image = patient("systemd")
    monkeypatch.setattr("slashservice.installer.doctor.version", lambda: "9.9")
    ill(image, "version 0.1.0 is installed, this is 9.9")


def test_an_interrupted_run(patient: Callable[..., Image]) -> None:
    image = patient("systemd")
    receipt = image.path("/var/lib/slashservice/receipt.json")
    receipt.write_text(receipt.read_text().replace('"phase": "installed"', '"phase": "applying"'))
    ill(image, "an installer was interrupted")


def test_a_command_that_comes_first(patient: Callable[..., Image]) -> None:
    image = patient("systemd", layout="fhs").program("/usr/local/sbin/svc")
    ill(image, "/usr/local/sbin/svc comes before ours")


class TestRunning:
    """What is wrong with a host that runs."""

    @pytest.fixture
    def found(
        self, patient: Callable[..., Image], monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., list[str]]:
        """Return what examines one on which a svscan runs with that pid, and other scanners."""
        monkeypatch.setenv("PATH", "/command:/bin")
        image = patient("systemd", layout="slashpackage")
        seen = look_at(Host(str(image.root)))

        def examined(pid: int, *scanners: Scanner, verdict: str = "systemd") -> list[str]:
            monkeypatch.setattr(supervision, "running", lambda directory: pid)
            live = dataclasses.replace(
                seen,
                host=Running(image.root),
                evidence=dataclasses.replace(seen.evidence, scanners=scanners),
                verdict=dataclasses.replace(seen.verdict, name=verdict),
            )
            return [finding.what for finding in examine(live, INIT_SYSTEMS)]

        return examined

    def test_nothing(self, found: Callable[..., list[str]]) -> None:
        assert found(7, Scanner(7, "svscan", "/service", ours=True)) == []

    def test_no_svscan_until_the_next_boot(
        self,
        found: Callable[..., list[str]],
        in_memory: Path,
    ) -> None:
        receipt = in_memory / "root/var/lib/slashservice/receipt.json"
        plain = json.loads(receipt.read_text())
        plain["facts"]["choices"]["start"] = False
        receipt.write_text(json.dumps(plain))
        assert found(0) == []
        os.utime(receipt, (1, 1))
        assert found(0) == ["no svscan runs on /service"]

    def test_no_svscan(self, found: Callable[..., list[str]]) -> None:
        assert found(0, Scanner(8, "runsvdir", "/service")) == ["no svscan runs on /service"]

    def test_another_init_system(self, found: Callable[..., list[str]]) -> None:
        (what,) = found(7, verdict="runit")
        assert what == "this host is run by runit now, but svscan is wired into systemd"

    def test_another_scanner(self, found: Callable[..., list[str]]) -> None:
        (what,) = found(7, Scanner(8, "runsvdir", "/service"))
        assert what == "runsvdir (pid 8) scans /service beside svscan"

    @pytest.mark.parametrize(
        ("path", "missing"), [("/bin", True), ("/usr/local/bin:/bin", False), ("/command", False)]
    )
    def test_commands_that_the_shell_does_not_find(
        self,
        path: str,
        missing: bool,
        found: Callable[..., list[str]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("PATH", path)
        monkeypatch.setattr(Host, "lstat", with_svstat(Host.lstat))
        assert found(7) == (["/command is not on your PATH"] if missing else [])


def with_svstat(real: Callable[[Host, str], object]) -> Callable[[Host, str], object]:
    """Return a look at a path that finds svstat in /usr/local/bin."""
    return lambda host, path: path == "/usr/local/bin/svstat" or real(host, path)


PARTS = ["", "/run", "/log", "/log/run", "/supervise", "/log/supervise"]


def with_service(image: Image, at: str = "/etc/sv/web") -> str:
    """Put a service into an image, and link it into its scan directory."""
    for folder in ("supervise", "log/supervise"):
        image.path(f"{at}/{folder}").mkdir(parents=True, mode=0o700)
    image.program(f"{at}/run")
    image.program(f"{at}/log/run")
    image.path("/service/web").symlink_to(at)
    return at


def test_nothing_is_wrong_with_services_of_roots(patient: Callable[..., Image]) -> None:
    image = patient("systemd")
    with_service(image)
    assert findings(image) == []


@pytest.mark.root
@pytest.mark.parametrize("part", PARTS)
def test_a_service_that_belongs_to_somebody_else(part: str, patient: Callable[..., Image]) -> None:
    """It is said once, whatever of it belongs to them."""
    image = patient("systemd")
    at = with_service(image)
    os.chown(image.path(at + part), 1234, 1234)
    what = f"svscan runs /service/web as root, but {at}{part} belongs to user 1234"
    assert findings(image) == [what]


@pytest.mark.root
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("mode", "who"), [(0o757, "everybody"), (0o775, "group 4321")])
def test_a_service_that_somebody_else_may_write_to(
    part: str, mode: int, who: str, patient: Callable[..., Image]
) -> None:
    image = patient("systemd")
    at = with_service(image)
    os.chown(image.path(at + part), 0, 4321)
    image.path(at + part).chmod(mode)
    what = f"svscan runs /service/web as root, but {at}{part} can be written by {who}"
    assert findings(image) == [what]


@pytest.mark.root
def test_services_out_of_homes(patient: Callable[..., Image]) -> None:
    """The way to the service counts, and so does where a run script leads."""
    image = patient("systemd")
    at = with_service(image, "/home/me/web")
    os.chown(image.path("/home/me"), 1234, 1234)
    assert findings(image) == [
        "svscan runs /service/web as root, but /home/me belongs to user 1234"
    ]
    os.chown(image.path("/home/me"), 0, 0)
    image.path(f"{at}/run").unlink()
    image.program("/home/you/run")
    os.chown(image.path("/home/you"), 1235, 1235)
    image.path(f"{at}/run").symlink_to("../../you/run")
    ill(image, "svscan runs /service/web as root, but /home/you belongs to user 1235")


@pytest.mark.root
def test_a_group_without_members_but_root_is_nobody(patient: Callable[..., Image]) -> None:
    image = patient("systemd")
    at = with_service(image)
    image.path(at).chmod(0o775)
    assert findings(image) == []


@pytest.mark.root
def test_where_all_services_can_be_changed_that_is_said_once(
    patient: Callable[..., Image],
) -> None:
    image = patient("systemd")
    with_service(image)
    image.path("/service").chmod(0o777)
    assert findings(image) == [
        "others than root can change what it runs: /service can be written by everybody"
    ]


def test_a_log_that_can_not_be_written(patient: Callable[..., Image]) -> None:
    """Its logger has said why; status shows it, too."""
    image = patient("systemd")
    supervise = image.root / "service/web/log/supervise"
    supervise.mkdir(parents=True)
    (image.root / "service/web/run").write_text("#!/bin/sh\n")
    (image.root / "service/web/run").chmod(0o755)
    (supervise / "trouble").write_bytes(b"unable to write: \x1b[2J\n")
    os.utime(supervise / "trouble", (0, 0))
    (told,) = findings(image)
    assert told.startswith("the log of web has been in trouble since 19")
    assert told.endswith(r": unable to write: \x1b[2J")
    said = status.look(Host(str(image.root)))
    assert f"  {told}" in status.lines(said)
    assert said.to_json()["log_troubles"][0]["service"] == "web"
    (supervise / "trouble").unlink()
    assert findings(image) == []


@pytest.mark.parametrize("version", ["", "0.0.9"])
def test_an_image_is_not_this_host(
    version: str,
    kind_name: str,
    image: Image,
    small_source: Source,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A svscan that runs here is not the image's; and remedies are for the image."""
    host = Host(str(image.root))
    options = KINDS[kind_name].options
    with monkeypatch.context() as then:
        if version:
            then.setattr("slashservice.installer.plan.source.version", lambda: version)
        transaction.install(host, plan_for(host, **options), quiet)
    monkeypatch.setattr(supervision, "running", lambda directory: 7)
    monkeypatch.setattr(supervision, "code", lambda directory, pid: ("9", "/elsewhere"))
    monkeypatch.setattr(supervision, "daemons", lambda directory: [7])
    seen = look_at(host, str(options.get("init", "")))
    monkeypatch.setattr(remedies, "_where", dict(remedies._where))
    remedies.work_on(str(image.root), own=False)
    found = [Finding(one.what, typed(one.remedy)) for one in examine(seen, INIT_SYSTEMS)]
    assert [one for one in found if "svscan (pid" in one.what or "/elsewhere" in one.what] == []
    old = [one for one in found if one.what.startswith("version 0.0.9 is installed, this is ")]
    assert len(old) == bool(version)
    for one in found:
        text = one.remedy.replace(f" --root {image.root}", "")
        assert one.remedy.count("--root") == text.count("slashservice install")
    assert not status.look(host).pid
