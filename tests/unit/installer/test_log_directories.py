"""What the doctor sees of the directories that logs are written to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.images import Image, MakeImage
from helpers.services import write_script

from slashservice.installer import logs
from slashservice.installer.host.host import Host
from slashservice.supervise.protocol.status import Status

pytestmark = pytest.mark.root

LOG = 1234


class Web:
    """A service with a log, in an image."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.log = image.root / "service/web/log"
        self.log.mkdir(parents=True)
        with (image.root / "etc/passwd").open("a") as passwd:
            passwd.write(f"log:x:{LOG}:{LOG}::/:/bin/sh\nbad:x:a:b::/:/bin/sh\n")

    def runs(self, command: str) -> None:
        write_script(self.log / "run", f"#!/bin/sh\n{command}\n")

    def directory(self, path: str, uid: int = LOG, mode: int = 0o700) -> Path:
        made = self.image.root / path
        made.mkdir(parents=True)
        made.chmod(mode)
        os.chown(made, uid, uid)
        return made

    def found(self) -> list[tuple[str, str]]:
        troubles = logs.troubles(Host(str(self.image.root)), "/service")
        assert {one.service for one in troubles} <= {"web"}
        return [(one.text, one.remedy) for one in troubles]


@pytest.fixture
def web(make_image: MakeImage) -> Web:
    return Web(make_image("systemd"))


MULTILOG = "exec setuidgid log multilog t ./main"


def test_nothing_is_wrong(web: Web) -> None:
    """Also before its first start; and of what can't be told, nothing is said."""
    assert web.found() == []
    web.runs("exec multilog t ./main")
    assert web.found() == []
    main = web.directory("service/web/log/main")
    web.log.parent.chmod(0o700)
    web.runs(MULTILOG)
    assert web.found() == []
    os.chown(main, 0, 0)
    for account in ("nobody-knows", "bad"):
        web.runs(f"exec setuidgid {account} multilog t ./main")
        assert web.found() == []
    web.runs("exec chpst -ulog multilog t ./main")
    assert web.found() == []


def test_no_place_to_make_it_in(web: Web) -> None:
    web.runs("exec multilog t /var/log/sites/web")
    what = "/var/log/sites/web can't be made: /var/log/sites is not there"
    assert web.found() == [(what, f"mkdir -p {web.image.path('/var/log/sites')}")]
    web.runs("mkdir -p /var/log/sites\nexec multilog t /var/log/sites/web")
    assert web.found() == []


def test_it_may_not_be_made_there(web: Web) -> None:
    web.runs(MULTILOG)
    at = "/service/web/log"
    what = f"{at}/main is not there, and log can't make it in {at}"
    assert web.found() == [(what, f"install -d -m 700 -o {LOG} -g {LOG} {web.image.path(at)}/main")]


def test_no_directory(web: Web) -> None:
    web.runs("exec multilog t './a b'")
    (web.log / "a b").touch()
    at = "/service/web/log/a b"
    assert web.found() == [
        (f"{at} is not a directory", "name another one in the run script of the log")
    ]


@pytest.mark.parametrize("name", ["", "/lock", "/current"])
def test_closed_to_its_account(name: str, web: Web) -> None:
    """As after somebody ran multilog there as root, once."""
    web.runs(MULTILOG)
    main = web.directory("service/web/log/main", LOG if name else 0)
    if name:
        (main / name[1:]).touch(0o644)
    at = f"/service/web/log/main{name}"
    assert web.found() == [(f"{at} is closed to log", f"chown {LOG}:{LOG} {web.image.path(at)}")]
    os.chown(web.image.path(at), 0, LOG)
    web.image.path(at).chmod(0o770)
    assert web.found() == []


def test_the_way_to_it(web: Web) -> None:
    """One that is named by its whole path has to be reached; one seen from the log does not."""
    web.directory("srv/logs/web")
    (web.image.root / "srv").chmod(0o700)
    web.runs("exec setuidgid log multilog t /srv/logs/web")
    assert web.found() == [("/srv is closed to log", f"chmod a+x {web.image.path('/srv')}")]
    (web.image.root / "srv").chmod(0o711)
    assert web.found() == []


def test_an_acl_may_open_it(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.runs(MULTILOG)
    web.directory("service/web/log/main", 0)
    monkeypatch.setattr(os, "listxattr", lambda path: ["system.posix_acl_access"])
    assert web.found() == []


def test_a_log_that_shall_be_down(web: Web) -> None:
    web.runs("exec multilog t /var/log/sites/web")
    supervise = web.log / "supervise"
    supervise.mkdir()
    (supervise / "status").write_bytes(Status(bytes(12), 0, False, b"d").pack())
    assert web.found() == []
    (supervise / "status").write_bytes(Status(bytes(12), 0, False, b"u").pack())
    assert len(web.found()) == 1


def disk(monkeypatch: pytest.MonkeyPatch, **values: int) -> None:
    """Have every file system be such a one."""
    real = os.statvfs("/")
    names = [name for name in dir(real) if name.startswith("f_")]

    class Disk:
        pass

    fake = Disk()
    for name in names:
        setattr(fake, name, values.get(name, getattr(real, name)))
    monkeypatch.setattr(os, "statvfs", lambda path: fake)


FULL = "/service/web/log/main is on a file system that is full"


def test_a_full_disk(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept for root is no room for others."""
    web.directory("service/web/log/main")
    web.runs(MULTILOG)
    disk(monkeypatch, f_blocks=9, f_bavail=0, f_bfree=2, f_files=0)
    assert [what for what, _ in web.found()] == [FULL]
    web.runs("exec multilog t ./main")
    assert web.found() == []
    disk(monkeypatch, f_blocks=9, f_bavail=0, f_bfree=0, f_files=0)
    assert [what for what, _ in web.found()] == [FULL]
    web.runs("exec multilog t fdelete ./main")
    assert web.found() == []


def test_other_disks(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web.directory("service/web/log/main")
    web.runs(MULTILOG)
    at = "/service/web/log/main is on a file system that "
    disk(monkeypatch, f_flag=os.ST_RDONLY)
    assert [what for what, _ in web.found()] == [at + "is read-only"]
    disk(monkeypatch, f_flag=0, f_files=9, f_ffree=0)
    assert [what for what, _ in web.found()] == [at + "has room for no more files"]
    disk(monkeypatch, f_flag=0, f_blocks=0, f_bfree=0, f_files=0)
    assert web.found() == []


def test_what_may_not_be_shown(web: Web) -> None:
    write_script(web.log / "run", b"#!/bin/sh\nexec multilog '/\x1b[2J/\xff/x'\n")
    ((what, remedy),) = web.found()
    assert what.isprintable() and remedy.isprintable()


@pytest.mark.parametrize("run", ["exec multilog t {}", "exec setuidgid log multilog t {}"])
@pytest.mark.parametrize(
    ("uid", "gid", "mode", "why"),
    [
        (0, 0, 0o755, ""),
        (0, 0, 0o775, ""),
        (0, LOG, 0o755, ""),
        (0, LOG, 0o775, f"/srv can be written by group {LOG}"),
        (0, 0, 0o1777, "/srv can be written by everybody"),
        (LOG, 0, 0o700, f"/srv belongs to user {LOG}"),
    ],
)
def test_others_can_lead_it_elsewhere(
    run: str, uid: int, gid: int, mode: int, why: str, web: Web
) -> None:
    """Only an account's log may be there: root would write wherever they like."""
    srv = web.directory("srv", uid, mode)
    os.chown(srv, uid, gid)
    web.runs(run.format("/srv/logs/web"))
    found = list(logs.exposed(Host(str(web.image.root)), "/service"))
    bad = why and "setuidgid" not in run
    what = f"/service/web/log/run has root write to /srv/logs/web, but {why}"
    assert [one for one, _ in found] == ([what] if bad else [])


WAYS = {
    "the same": "/var/log/x",
    "a slash": "/var/log/x/",
    "a dot": "/var/log/./y/../x",
    "a link": "/srv/link",
    "below a link": "/srv/logs/x",
    "from its own place": "../../../var/log/x",
    "other": "/var/log/other",
    "below": "/var/log/x/more",
}
SCRIPTS = ("exec multilog t {}", "exec setuidgid log multilog {}", "exec multilog t ./main {}")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("other", SCRIPTS)
def test_two_logs_in_one_directory(
    make_image: MakeImage, way: str, script: str, other: str
) -> None:
    image = make_image("systemd").folders("/var/log/x/more", "/srv", "/service", "/etc")
    image.link("/srv/link", "/var/log/x").link("/srv/logs", "../var/log")
    word = WAYS[way] if not WAYS[way].startswith("..") else f"./{WAYS[way]}"
    image.program("/service/one/log/run", f"#!/bin/sh\n{script.format('/var/log/x')}\n")
    image.program("/service/two/log/run", f"#!/bin/sh\n{other.format(word)}\n")
    image.program("/service/three/log/run", "#!/bin/sh\nexec multilog t ./main\n")
    image.link("/service/twice", "three")
    host = Host(str(image.root))
    found = [what for what, _ in logs.mistakes(host, "/service") if "have one" in what]
    shared = "one, two have one log directory, /var/log/x: only one can write to it"
    assert found == ([] if way in ("other", "below") else [shared])
    wanted = "" if way in ("other", "below") else "it is the log directory of /service/one"
    path = os.path.normpath(os.path.join("/service/two/log", WAYS[way]))
    image.path("/service/two/log/run").unlink()
    assert logs.writer(host, "/service", path) == wanted
