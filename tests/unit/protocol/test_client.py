"""The client side of a service: what is sent, asked, read, and how trouble is told apart."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from slashservice.supervise.messages import Quit
from slashservice.supervise.protocol import client, names
from slashservice.supervise.protocol.status import Status

TO_COME = b"\x50" + bytes(11)
"""A stamp that is shown as 0 seconds."""


class Service:
    """A service directory that seems to be supervised as long as ``held`` is open."""

    def __init__(self, path: Path) -> None:
        self.path = os.fsencode(path)
        self.held: dict[bytes, int] = {}
        os.makedirs(os.path.join(self.path, names.SUPERVISE))
        for name in (names.CONTROL, names.OK):
            os.mkfifo(self.file(name))
            self.held[name] = os.open(self.file(name), os.O_RDWR | os.O_NONBLOCK)
        self.write(Status(TO_COME, 7, False, b"u").pack())

    def file(self, name: bytes) -> bytes:
        return os.path.join(self.path, name)

    def write(self, data: bytes) -> None:
        with open(self.file(names.STATUS), "wb") as file:
            file.write(data)

    def leave(self) -> None:
        for fd in self.held.values():
            os.close(fd)
        self.held.clear()

    def heard(self) -> bytes:
        return os.read(self.held[names.CONTROL], 100)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path / "service")
    yield made
    made.leave()


def test_letters_arrive(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    client.tell(service.path, b"dx")
    assert service.heard() == b"dx"
    monkeypatch.chdir(os.fsdecode(service.path))
    client.tell(b"", b"u", patient=False)
    assert service.heard() == b"u"


def test_telling_nobody(service: Service) -> None:
    service.leave()
    with pytest.raises(OSError) as caught:
        client.tell(service.path, b"u")
    assert (caught.value.errno, caught.value.filename) == (
        errno.ENXIO,
        service.file(names.CONTROL),
    )


def test_who_is_not_patient_does_not_wait(service: Service) -> None:
    control = service.held[names.CONTROL]
    try:
        while True:
            os.write(control, bytes(4096))
    except BlockingIOError:
        pass
    with pytest.raises(BlockingIOError) as caught:
        client.tell(service.path, b"u", patient=False)
    assert caught.value.filename is None


def test_supervised_or_not(service: Service, tmp_path: Path) -> None:
    assert client.is_supervised(service.path)
    client.knock(service.path)
    service.leave()
    assert not client.is_supervised(service.path)
    assert not client.is_supervised(os.fsencode(tmp_path / "nowhere"))
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        client.is_supervised(os.fsencode(tmp_path / "file"))


def test_the_status_is_read(service: Service) -> None:
    found = client.read_status(service.path)
    assert found
    assert (found.pid, found.want) == (7, b"u")
    service.write(bytes(17))
    assert client.read_status(service.path) is None
    os.unlink(service.file(names.STATUS))
    with pytest.raises(FileNotFoundError):
        client.read_status(service.path)


def test_descriptions(service: Service, tmp_path: Path) -> None:
    assert client.describe(service.path) == b"up (pid 7) 0 seconds"
    os.close(os.open(service.file(names.DOWN), os.O_CREAT))
    assert client.describe(service.path) == b"up (pid 7) 0 seconds, normally down"
    service.write(b"short")
    assert client.describe(service.path) == b"unable to read supervise/status: bad format"
    os.unlink(service.file(names.STATUS))
    words = b"unable to open supervise/status: file does not exist"
    assert client.describe(service.path) == words
    os.mkdir(service.file(names.STATUS))
    assert client.describe(service.path) == b"unable to read supervise/status: is a directory"
    service.leave()
    assert client.describe(service.path) == b"supervise not running"
    words = b"unable to open supervise/ok: file does not exist"
    assert client.describe(os.fsencode(tmp_path / "nowhere")) == words


def test_visits_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    places = []
    for directory, trouble in client.visit("svc", [b"a/b", b"nowhere", b"", b"a"]):
        places.append((directory, trouble and trouble.errno, os.getcwd()))
    top = str(tmp_path)
    assert places == [
        (b"a/b", None, f"{top}/a/b"),
        (b"nowhere", errno.ENOENT, top),
        (b"", errno.ENOENT, top),
        (b"a", None, f"{top}/a"),
    ]
    assert os.getcwd() == top


def test_a_visit_without_a_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object) -> int:
        raise PermissionError(errno.EACCES, "")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refused)
        with pytest.raises(Quit) as caught:
            next(client.visit("svstat", [b"."]))
    assert caught.value.line == (
        b"svstat: fatal: unable to open current directory: access denied\n"
    )
    with monkeypatch.context() as patch:
        patch.setattr(os, "fchdir", refused)
        with pytest.raises(Quit) as caught:
            list(client.visit("svc", [b"."]))
    assert caught.value.line == b"svc: fatal: unable to set directory: access denied\n"


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSE", 0.001)
    looks = iter([0, "", None, "something"])
    assert client.wait_for(lambda: next(looks), 60)
    assert not client.wait_for(lambda: False, 0.01)
