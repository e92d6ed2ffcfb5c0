"""Services that are made and removed on an image, and where that is refused or fails."""

from __future__ import annotations

import os
import pwd
import time
from pathlib import Path

import pytest
from helpers.images import Image
from helpers.installer import Breaking, Running, its_host, plain_image

from slashservice.installer import (
    making,
    programs,
    service_log,
    services,
    starting,
    supervision,
    trial,
    written,
)
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host import trust
from slashservice.installer.host.host import Host
from slashservice.installer.services import Service, add, check, files
from slashservice.installer.trial import Trial
from slashservice.supervise import tai
from slashservice.supervise.protocol import client, deaths
from slashservice.supervise.protocol.deaths import Death
from slashservice.supervise.protocol.status import Status

WEB = Service("web", ["httpd"], checked=False)

image, host = plain_image, its_host


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a=b", "a\n"])
def test_a_variable_that_no_file_can_be_named_after(name: str) -> None:
    check(Service("web", ["httpd"], environment={"A.b": ""}))
    with pytest.raises(Refusal, match="is no name for a variable"):
        check(Service("web", ["httpd"], environment={name: ""}))


class TestAdding:
    """A service is made."""

    @staticmethod
    def silent(line: str) -> None:
        """Say nothing."""

    def test_it_needs_a_scan_directory(self, host: Host, image: Image) -> None:
        with pytest.raises(Refusal, match="there is no scan directory /nowhere"):
            add(host, WEB, "/etc/x", "/nowhere", self.silent)
        assert not image.path("/etc/x").exists()

    @pytest.mark.parametrize("down", [False, True])
    def test_a_drained_svscan_starts_nothing(
        self, down: bool, image: Image, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supervision, "running", lambda directory: 7)
        monkeypatch.setattr(supervision, "is_drained", lambda directory, pid: pid == 7)
        said: list[str] = []
        service = Service("web", ["httpd"], checked=False, down=down)
        assert add(Running(image.root), service, "/etc/x", "/service", said.append) is down
        assert image.path("/service/web").is_symlink()
        assert "svscan on /service is drained, and starts nothing" in said[1]
        assert said[2].startswith("slashservice install has")

    def test_it_overwrites_nothing(self, host: Host, image: Image) -> None:
        image.folders("/etc/x/web")
        with pytest.raises(Refusal, match="/etc/x/web is there already") as refusal:
            add(host, WEB, "/etc/x", "/service", self.silent)
        (wrong,) = refusal.value.advice
        assert wrong == f"If not: mv {image.root}/etc/x/web {image.root}/etc/x/web.old"
        image.program("/etc/x/web/run", f"#!/bin/sh\n{services.MADE_BY_US}\n")
        with pytest.raises(Refusal, match="/etc/x/web is there already") as refusal:
            add(host, WEB, "/etc/x", "/service", self.silent)
        right, wrong = refusal.value.advice
        assert right == f"If it is right: ln -s /etc/x/web {image.root}/service/web"
        assert wrong == f"If not: slashservice remove web --root {image.root} --in /etc/x"

    def test_what_an_interrupted_one_left_goes(self, host: Host, image: Image) -> None:
        image.file("/etc/x/.web{new}/half")
        add(host, WEB, "/etc/x", "/service", self.silent)
        assert os.listdir(image.path("/etc/x")) == ["web"]
        assert sorted(os.listdir(image.path("/etc/x/web"))) == [written.FILE, "run"]

    def test_what_a_killed_one_has_made_is_linked(self, host: Host, image: Image) -> None:
        service = Service("web", ["httpd"], environment={"A": "b"}, log="/var/log/web")
        image.program("/usr/bin/httpd", "")
        add(host, service, "/etc/x", "/service", self.silent)
        image.path("/service/web").unlink()
        add(host, service, "/etc/x", "/service", self.silent)
        assert os.readlink(image.path("/service/web")) == "/etc/x/web"
        image.path("/service/web").unlink()
        image.file("/etc/x/web/down")
        with pytest.raises(Refusal, match="is there already"):
            add(host, service, "/etc/x", "/service", self.silent)

    @pytest.mark.parametrize("failing", range(1, 40))
    def test_a_failure_at_any_step_leaves_nothing(
        self, failing: int, host: Host, image: Image, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = image.snapshot()
        service = Service("web", ["httpd"], environment={"A": "b"}, log="/l", checked=False)
        host = Breaking(str(image.root), failing)
        try:
            add(host, service, "/etc/x", "/service", self.silent)
        except (OSError, Trouble):
            assert image.snapshot() == before
        else:
            assert host.changes < failing

    def test_variables_are_read_before_the_account_changes(self, host: Host) -> None:
        service = Service(
            "web", ["httpd"], "www", environment={"A": ""}, limits={"files": "9", "core": "0"}
        )
        run, mode = files(host, service)["run"]
        line = "exec softlimit -o9 -c0 envdir ./env setuidgid www httpd"
        assert run.splitlines()[-1] == line
        assert mode == 0o755

    def test_a_relative_log_is_made_absolute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "getcwd", lambda: "/srv")
        assert service_log.absolute("a/../b") == "/srv/b"

    @pytest.mark.parametrize("account", ["nosuch", "odd"])
    def test_an_account_that_the_image_lacks(self, account: str, host: Host) -> None:
        with pytest.raises(Refusal, match=f"there is no account {account} on this host"):
            service = Service("web", ["httpd"], user=account)
            add(host, service, "/etc/x", "/service", self.silent)

    def test_the_accounts_of_the_running_host_are_the_system_s(self) -> None:
        nobody = pwd.getpwnam("nobody")
        assert making.account(Host(), "nobody") == (nobody.pw_uid, nobody.pw_gid)

    def test_a_svscan_that_is_slow(self, image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(starting, "START_LIMIT", 0)
        monkeypatch.setattr(supervision, "running", lambda directory: 7)
        said: list[str] = []
        assert add(Running(image.root), WEB, "/etc/x", "/service", said.append)
        assert said[1:] == ["svscan has not taken it up yet: svstat /service/web"]


class TestPrograms:
    """Whether the program is there."""

    @pytest.mark.parametrize(
        ("command", "advice"),
        [
            ("a | b", "For a line of shell: slashservice add web -- sh -c 'a | b'"),
            ("a=b", "For a line of shell: slashservice add web -- sh -c a=b"),
            ("nosuch", "The PATH of services is /bin:/x"),
        ],
    )
    def test_it_is_not(self, command: str, advice: str, host: Host) -> None:
        with pytest.raises(Refusal, match="there is no program") as refusal:
            programs.check(host, "web", [command], "/bin:/x", "", None)
        assert advice in refusal.value.advice

    def test_it_is(self, host: Host, image: Image) -> None:
        image.program("/x/httpd", "").file("/bin/httpd")
        programs.check(host, "web", ["httpd", "a | b"], "/bin:/x", "", None)
        programs.check(host, "web", ["/x/httpd"], "", "", None)
        with pytest.raises(Refusal, match="/bin/httpd can't be run by www"):
            programs.check(host, "web", ["/bin/httpd"], "/x", "www", (33, 44))

    def test_its_interpreter_is_looked_for(self, host: Host, image: Image) -> None:
        image.program("/x/env").program("/x/python")
        for text, missing in {
            "#!/x/env python\n": "",
            "#!/x/env ruby\n": "names ruby",
            "#!/y/sh\n": "names /y/sh",
            "#!/x/python\r\n": "carriage return",
            "#!\n": "",
            "\x7fELF": "",
        }.items():
            image.program("/x/web", text)
            if missing:
                with pytest.raises(Refusal, match=missing):
                    programs.check(host, "web", ["web"], "/x", "", None)
            else:
                programs.check(host, "web", ["web"], "/x", "", None)


@pytest.mark.root
@pytest.mark.parametrize(
    ("place", "stranger"),
    [
        ("log", ""),
        ("mine/log/deep", ""),
        ("theirs/log", "theirs belongs to user 33"),
        ("link/log", "theirs belongs to user 33"),
        ("their-link/log", "their-link belongs to user 33"),
        ("sticky/log", "sticky can be written by everybody"),
        ("gone/log", "theirs belongs to user 33"),
        ("group/log", "group can be written by group 44"),
        ("group/mine/log", "group can be written by group 44"),
        ("group-link/log", "group can be written by group 44"),
        ("sticky-group/log", "sticky-group can be written by group 44"),
        ("empty-group/log", ""),
        ("root-group/log", ""),
    ],
)
def test_whose_place_it_is(place: str, stranger: str, host: Host, image: Image) -> None:
    image.folders("/t/mine", "/t/theirs", "/t/sticky", "/t/group/mine").link(
        "/t/group-link", "group"
    )
    image.file("/etc/group", "www:x:44:\nstaff:x:50:\nwheel:x:0:www\n")
    for name, gid, mode in (
        ("group", 44, 0o775),
        ("sticky-group", 44, 0o3775),
        ("empty-group", 50, 0o2775),
        ("root-group", 0, 0o775),
    ):
        image.folders(f"/t/{name}")
        os.chown(image.path(f"/t/{name}"), 0, gid)
        image.path(f"/t/{name}").chmod(mode)
    os.chown(image.path("/t/theirs"), 33, 33)
    image.path("/t/sticky").chmod(0o1777)
    image.link("/t/link", "theirs").link("/t/their-link", "mine").link("/t/gone", "/t/theirs/x")
    os.lchown(image.path("/t/their-link"), 33, 33)
    found = trust.strangers(host, f"/t/{place}")
    assert found == (f"/t/{stranger}" if stranger else "")
    for account in ("", "www"):
        text = service_log.script(host, f"/t/{place}", account)
        by_the_account = "|| setuidgid www mkdir -p -m 700 /t/" in text
        assert by_the_account == bool(account and stranger)
        group = "group" in stranger
        assert service_log.only_now(host, f"/t/{place}", account) == bool(account and group)
    if stranger:
        with pytest.raises(Refusal, match="no safe place for a log that root writes") as refusal:
            service_log.check(host, f"/t/{place}", "")
        assert refusal.value.advice == ("Name the account that shall write it: --log-user ACCOUNT",)
    service_log.check(host, f"/t/{place}", "www")


@pytest.mark.root
@pytest.mark.parametrize("mode", [0o755, 0o775, 0o2775, 0o3775, 0o1777, 0o777])
@pytest.mark.parametrize("gid", [0, 44, 50])
@pytest.mark.parametrize("account", ["", "www"])
def test_the_usual_log_is_where_nobody_can_lead_it_elsewhere(
    mode: int, gid: int, account: str, host: Host, image: Image
) -> None:
    """As on Ubuntu, whose /var/log can be written by the group syslog."""
    image.file("/etc/group", "www:x:44:\nstaff:x:50:\n").folders("/var/lib")
    os.chown(image.path("/var/log"), 0, gid)
    image.path("/var/log").chmod(mode)
    folder, why = service_log.usual(host)
    others = mode & 0o002 or (mode & 0o020 and gid == 44)
    assert folder == service_log.LOG_FOLDERS[bool(others)]
    assert why.startswith("/var/log can be written by") == bool(others)
    said: list[str] = []
    service = Service("web", ["httpd"], log=f"{folder}/web", log_user=account, checked=False)
    add(host, service, "/etc/x", "/service", said.append)
    text = image.path("/etc/x/web/log/run").read_text()
    by_root = "mkdir -p -m 700" if not account else "install -d -m 700 -o www"
    assert f"[ -d {folder}/web ] || {by_root} {folder}/web\n" in text


@pytest.mark.root
def test_below_what_a_group_may_write_to_its_log_is_made_at_once(host: Host, image: Image) -> None:
    """The account can't make it there; root could be led elsewhere by the group."""
    os.chown(image.path("/var/log"), 0, 44)
    image.path("/var/log").chmod(0o775)
    service = Service("web", ["httpd"], log="/var/log/a/web", log_user="www", checked=False)
    add(host, service, "/etc/x", "/service", print)
    made = image.path("/var/log/a/web").stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o7777) == (33, 44, 0o700)
    assert image.path("/var/log/a").stat().st_uid == 0
    text = image.path("/etc/x/web/log/run").read_text()
    assert "[ -d /var/log/a/web ] || setuidgid www mkdir -p -m 700 /var/log/a/web\n" in text


def test_how_often_it_died() -> None:
    assert trial.words("web", Trial(0, 1), "/x") == (
        "web died at once, once in 2 seconds; it is down"
    )
    assert trial.words("web", Trial(7, 2), "/x") == (
        "web died at once, 2 times in 2 seconds; it is up again (pid 7)"
    )


def test_what_is_not_started_again() -> None:
    well, badly = (Death(tai.now(), 7, status, 0.1) for status in (0, 3 << 8))
    begin = "web died at once, once in 2 seconds: exit 3; "
    for seen, said in {
        Trial(0, 1, well, rests=True): "web ran once, and ended: exit 0; it is not started again",
        Trial(
            0, 2, well, rests=True
        ): "web ran 2 times, and ended: exit 0; it is not started again",
        Trial(0, 1, badly, rests=True): f"{begin}it is not started again",
        Trial(0, 1, badly, rests=True, failed=True): (
            f"{begin}it has said that it can't work, and is not started again"
        ),
        Trial(0, 1, badly, finishing=True): f"{begin}its finish script runs",
        Trial(0, 1, badly): f"{begin}it is down",
        Trial(0, 1, begun=False): "svscan supervises it, but has not started it in 15 seconds",
    }.items():
        assert trial.words("web", seen, "/x") == said
        assert seen.is_done == ("web ran " in said) and not seen.good


def test_a_finish_script_is_no_start(tmp_path: Path) -> None:
    """It has a pid and stamps of its own, and one death is one."""
    (tmp_path / "supervise").mkdir()
    since = tai.now()
    file = os.fsencode(tmp_path / "supervise/deaths")
    deaths.add(file, file + b".new", Death(tai.now(), 6, 0, 0.1))
    (tmp_path / "supervise/status").write_bytes(Status(since, 7, False, b"u", 0, True).pack())
    (seen,) = trial.watch([str(tmp_path)], since, 0.01)
    assert (seen.pid, seen.deaths, seen.finishing, seen.rests) == (0, 1, True, False)
    (tmp_path / "supervise/status").write_bytes(Status(since, 0, False, b"d").pack())
    (seen,) = trial.watch([str(tmp_path)], since, 0.01)
    assert (seen.deaths, seen.finishing, seen.is_done) == (1, False, True)


class Clock:
    """A clock that goes only while somebody sleeps, and a service with a history."""

    def __init__(self, history: list[tuple[float, int, bytes]]) -> None:
        self.now = 0.0
        self.history = history

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def read(self, path: bytes) -> Status:
        """Return the status at this time: its stamp is the time of the change."""
        since, pid, want = [one for one in self.history if one[0] <= self.now][-1]
        return Status(b"%012.6f" % since, pid, False, want)


@pytest.mark.parametrize(
    ("history", "good", "died"),
    [
        ([(0, 7, b"\0")], True, 0),
        ([(0, 0, b"\0"), (0.3, 7, b"\0")], True, 0),
        ([(0, 0, b"\0"), (0.9, 7, b"\0")], True, 0),
        ([(0, 0, b"\0")], False, 1),
        ([(0, 0, b"u")], False, 1),
        ([(0, 0, b"u"), (0.3, 7, b"u")], True, 0),
        ([(0, 7, b"\0"), (0.1, 0, b"\0"), (1, 8, b"\0")], False, 1),
        ([(0, 7, b"\0"), (0.1, 0, b"\0"), (1, 8, b"\0"), (1.1, 0, b"\0")], False, 2),
        ([(0, 7, b"\0"), (1.5, 8, b"\0")], False, 1),
        ([(0, 7, b"\0"), (1.99, 0, b"\0")], False, 1),
        ([(0, 0, b"u"), (9, 7, b"u")], True, 0),
        ([(0, 0, b"u"), (9, 7, b"u"), (10.5, 0, b"u")], False, 1),
        ([(0, 0, b"u"), (1, 0, b"u"), (2, 0, b"u"), (3.5, 0, b"u")], False, 3),
    ],
)
def test_what_two_seconds_show(
    history: list[tuple[float, int, bytes]],
    good: bool,
    died: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock(history)
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(client, "read_status", clock.read)
    (seen,) = trial.watch(["/x"], tai.now())
    assert (seen.good, seen.deaths) == (good, died)
    assert seen.begun == (len(history) > 1 or history[0][1] > 0)


@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 0), (0, 1), (3, 2)])
def test_a_death_that_nobody_saw(before: int, after: int, tmp_path: Path) -> None:
    """It is up whenever somebody looks; its supervisor knows better."""
    (tmp_path / "supervise").mkdir()
    since = tai.now()
    (tmp_path / "supervise/status").write_bytes(Status(since, 7, False, b"u").pack())
    file = os.fsencode(tmp_path / "supervise/deaths")
    for stamp in [tai.pack(tai.unpack(since) - 1)] * before + [tai.now()] * after:
        deaths.add(file, file + b".new", Death(stamp, 6, 256, 0.1))
    (seen,) = trial.watch([str(tmp_path)], since, 0.01)
    assert (seen.good, seen.deaths) == (not after, after)
