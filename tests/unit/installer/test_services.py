"""Services that are made and removed on an image, and where that is refused or fails."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from helpers.images import Image
from helpers.installer import Running

from slashservice.installer import services, supervision
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.services import Service, add, check, remove, stop

WEB = Service("web", ["httpd"])


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """An image with a scan directory, and an account."""
    made = Image(tmp_path / "root").folders("/service", "/etc", "/var/log")
    return made.file("/etc/passwd", "root:x:0:0\nwww:x:33:44:::\nodd:x\n")


@pytest.fixture
def host(image: Image) -> Host:
    """The host of the image."""
    return Host(str(image.root))


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "a=b", "a\n"])
def test_a_variable_that_no_file_can_be_named_after(name: str) -> None:
    check(Service("web", ["httpd"], environment={"A.b": ""}))
    with pytest.raises(Refusal, match="is no name for a variable"):
        check(Service("web", ["httpd"], environment={name: ""}))


class TestAdding:
    """A service is made."""

    def test_it_needs_a_scan_directory(self, host: Host, image: Image) -> None:
        with pytest.raises(Refusal, match="there is no scan directory /nowhere"):
            add(host, WEB, "/etc/x", "/nowhere")
        assert not image.path("/etc/x").exists()

    def test_it_overwrites_nothing(self, host: Host, image: Image) -> None:
        image.folders("/etc/x/web")
        with pytest.raises(Refusal, match="/etc/x/web is there already") as refusal:
            add(host, WEB, "/etc/x", "/service")
        assert refusal.value.advice == ("If it is right: ln -s /etc/x/web /service/web",)

    def test_what_an_interrupted_one_left_goes(self, host: Host, image: Image) -> None:
        image.file("/etc/x/.web{new}/half")
        add(host, WEB, "/etc/x", "/service")
        assert os.listdir(image.path("/etc/x")) == ["web"]
        assert os.listdir(image.path("/etc/x/web")) == ["run"]

    @pytest.mark.root
    def test_an_account_of_the_image_writes_the_log(self, host: Host, image: Image) -> None:
        service = Service("web", ["httpd"], user="www", log="/var/log/web", log_user="www")
        add(host, service, "/etc/x", "/service")
        log = image.path("/var/log/web").stat()
        assert (log.st_uid, log.st_gid) == (33, 44)

    @pytest.mark.parametrize("account", ["nosuch", "odd"])
    def test_an_account_that_the_image_lacks(self, account: str, host: Host) -> None:
        with pytest.raises(Refusal, match=f"there is no account {account} on this host"):
            add(host, Service("web", ["httpd"], user=account), "/etc/x", "/service")

    def test_the_accounts_of_the_running_host_are_the_system_s(self) -> None:
        nobody = pwd.getpwnam("nobody")
        assert services._account(Host(), "nobody") == (nobody.pw_uid, nobody.pw_gid)

    def test_a_svscan_that_is_slow(self, image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(services, "START_LIMIT", 0)
        monkeypatch.setattr(supervision, "running", lambda directory: 7)
        said = add(Running(image.root), WEB, "/etc/x", "/service")
        assert said[1:] == ["svscan has not taken it up yet: svstat /service/web"]


class TestRemoving:
    """A service is taken away."""

    def test_a_directory_is_not_unlinked(self, host: Host, image: Image) -> None:
        image.file("/service/web/run")
        with pytest.raises(Refusal, match="/service/web is no link but the service directory"):
            remove(host, "web", "/service")
        assert image.path("/service/web/run").exists()

    @pytest.mark.parametrize(
        ("stays", "trouble"),
        [
            ("/x", "the service in /x does not go down: svstat tells more"),
            ("/x/log", "the log in /x/log does not end: svstat tells more"),
        ],
    )
    def test_what_does_not_go_down_is_trouble(
        self, stays: str, trouble: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[tuple[str, bytes]] = []
        monkeypatch.setattr(services, "tell", lambda path, letters: told.append((path, letters)))
        monkeypatch.setattr(services, "supervised", lambda path: path == stays)
        monkeypatch.setattr(services, "STOP_LIMIT", 0)
        monkeypatch.setattr(services, "DRAIN_GRACE", 0)
        with pytest.raises(Trouble, match=trouble):
            stop("/x")
        assert told[:2] == [("/x/log", b"x"), ("/x", b"dx")]
        assert told[2:] == ([("/x/log", b"dx")] if stays == "/x/log" else [])
