"""Services that are removed from an image, and where that is refused or fails."""

from __future__ import annotations

import pytest
from helpers.images import Image
from helpers.installer import its_host, plain_image

from slashservice.installer import removal, services, stopping
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host import lock, obstacles
from slashservice.installer.host.host import Host
from slashservice.installer.services import Service

image, host = plain_image, its_host


class TestRemoving:
    """A service is taken away."""

    def test_a_directory_is_not_unlinked(self, host: Host, image: Image) -> None:
        image.file("/service/web/run")
        with pytest.raises(Refusal, match="/service/web is no link but the service directory"):
            removal.remove(host, "web", "/service", print)
        assert image.path("/service/web/run").exists()

    @pytest.mark.parametrize(
        ("stays", "trouble"),
        [
            ("/x", "the service in /x does not go down: slashservice remove x ends it"),
            ("/x/log", "the log in /x/log does not end: slashservice remove x ends it"),
        ],
    )
    def test_what_does_not_go_down_is_trouble(
        self, stays: str, trouble: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[tuple[str, bytes]] = []
        monkeypatch.setattr(stopping, "tell", lambda path, letters: told.append((path, letters)))
        monkeypatch.setattr(stopping, "supervised", lambda path: path == stays)
        monkeypatch.setattr(stopping, "STOP_LIMIT", 0)
        monkeypatch.setattr(stopping, "DRAIN_GRACE", 0)
        with pytest.raises(Trouble, match=trouble):
            stopping.stop("/x", remedy="slashservice remove x")
        assert told[:2] == [("/x/log", b"x"), ("/x", b"dx")]
        assert told[2:] == ([("/x/log", b"dx")] if stays == "/x/log" else [])

    def test_kill_follows_term(self, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[tuple[str, bytes]] = []
        monkeypatch.setattr(stopping, "tell", lambda path, letters: told.append((path, letters)))
        monkeypatch.setattr(stopping, "supervised", lambda path: ("/x", b"k") not in told)
        stopping.stop("/x", kill_after=0)
        assert told == [("/x/log", b"x"), ("/x", b"dx"), ("/x", b"k")]

    def test_what_a_killed_one_left_goes(self, host: Host, image: Image) -> None:
        image.file("/etc/slashservice/.web{new}/run")
        said: list[str] = []
        removal.remove(host, "web", "/service", said.append)
        assert said == ["web was removed before, and now what was left of it"]
        assert not image.path("/etc/slashservice").exists()
        with pytest.raises(Refusal, match="there is no service web in /service"):
            removal.remove(host, "web", "/service", said.append)


class TestMeanwhile:
    """Somebody else is at work on the same service."""

    def test_what_is_added_again_stays(self, host: Host, image: Image) -> None:
        """It is added by whoever finds it unlinked, and not removed yet."""
        service = Service("web", ["x"], checked=False)
        services.add(host, service, "/etc/slashservice", "/service", print)
        before = image.snapshot()
        said: list[str] = []

        def say(line: str) -> None:
            said.append(line)
            if line == "/service/web is unlinked":
                services.add(host, service, "/etc/slashservice", "/service", print)

        removal.remove(host, "web", "/service", say)
        assert image.snapshot() == before
        assert said[1:] == [
            "/etc/slashservice/web stays: somebody else has added it again meanwhile"
        ]

    def test_what_is_being_made_is_no_leftover(
        self, host: Host, image: Image, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        image.file("/etc/slashservice/.web{new}/run")
        monkeypatch.setattr(removal, "PATIENCE", 0)
        with lock.held(host), pytest.raises(Refusal, match="another slashservice installer"):
            removal.remove(host, "web", "/service", print)
        assert image.path("/etc/slashservice/.web{new}/run").exists()

    @pytest.mark.parametrize("when", ["lstat", "resolve"])
    def test_a_link_that_goes_while_it_is_looked_at(
        self, when: str, host: Host, image: Image, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        services.add(
            host, Service("web", ["x"], checked=False), "/etc/slashservice", "/service", print
        )
        look = getattr(host, when)

        def looked(path: str) -> object:
            found = look(path) if when == "lstat" else None
            image.path("/service/web").unlink(missing_ok=True)
            return found or look(path)

        monkeypatch.setattr(host, when, looked)
        removal.remove(host, "web", "/service", print)
        assert not image.path("/etc/slashservice").exists()


class TestReadOnly:
    """A service is not stopped, nor half made, where the file system would not let it be."""

    @pytest.mark.parametrize(
        "fixed", ["/service", "/etc/slashservice", "/etc/slashservice/web", "/service/../etc/x"]
    )
    @pytest.mark.parametrize("keep", [False, True])
    def test_removing_is_refused_first(
        self,
        fixed: str,
        keep: bool,
        host: Host,
        image: Image,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        services.add(
            host, Service("web", ["x"], checked=False), "/etc/slashservice", "/service", print
        )
        before = image.snapshot()
        monkeypatch.setattr(
            obstacles, "flags", lambda real: "immutable" * (real == str(image.path(fixed)))
        )
        harmless = fixed.endswith("x") or (keep and fixed != "/service")
        if harmless:
            removal.remove(host, "web", "/service", print, keep=keep)
            assert not image.path("/service/web").is_symlink()
            return
        with pytest.raises(Refusal, match=f"{fixed} can't be changed: it is immutable"):
            removal.remove(host, "web", "/service", print, keep=keep)
        assert image.snapshot() == before

    @pytest.mark.parametrize("fixed", ["/service", "/etc"])
    def test_adding_is_refused_first(
        self, fixed: str, host: Host, image: Image, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = image.snapshot()
        monkeypatch.setattr(
            obstacles, "flags", lambda real: "immutable" * (real == str(image.path(fixed)))
        )
        with pytest.raises(Refusal, match=f"{fixed} can't be changed: it is immutable"):
            services.add(
                host, Service("web", ["x"], checked=False), "/etc/slashservice", "/service", print
            )
        assert image.snapshot() == before
