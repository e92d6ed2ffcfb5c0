"""Archives of services: what was exported comes back, and what is hostile is refused."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import tarfile
from pathlib import Path

import pytest
from helpers.images import Image
from helpers.installer import its_host, plain_image
from hypothesis import given, settings
from hypothesis import strategies as st

from slashservice.installer.converters import archive, copying
from slashservice.installer.converters.losses import Losses
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.making import Drawn

image, host = plain_image, its_host
RUN = b"#!/bin/sh\nexec sleep 1000\n"


def member(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **more: object) -> bytes:
    """Return a member of an archive."""
    made = tarfile.TarInfo(name)
    made.type = kind
    made.mode = 0o755
    made.size = len(data)
    for key, value in more.items():
        setattr(made, key, value)
    return made.tobuf(tarfile.PAX_FORMAT) + data + bytes(-len(data) % 512)


def of(*members: bytes) -> bytes:
    """Return an archive with a good service, and these members behind that."""
    return member("web", kind=tarfile.DIRTYPE) + member("web/run", RUN) + b"".join(members)


def read(host: Host, data: bytes, losses: Losses | None = None) -> list[Drawn]:
    """Read an archive."""
    whole = io.BytesIO(data + bytes(1024))
    return archive.read(host, whole, "x.tar", losses or Losses(), check=False)


def test_a_good_one(host: Host) -> None:
    (found,) = read(host, of(member("web/env/A", b"x\n", mode=0o600)))
    assert found.name == "web"
    assert found.contents["run"].data == RUN
    assert found.contents["env/A"].mode == 0o600
    assert [one.name for one in read(host, gzip.compress(of() + bytes(1024)))] == ["web"]


HOSTILE = {
    "an absolute path": member("/etc/cron.d/x", b"x"),
    "a way up": member("web/../../x", b"x"),
    "a way up at the end": member("web/..", kind=tarfile.DIRTYPE),
    "nothing in between": member("web//run2", b"x"),
    "a hidden service": member(".x/run", b"x"),
    "a service with a newline": member("a\nb/run", b"x"),
    "a newline": member("web/a\nb", b"x"),
    "a file instead of a service": member("other", b"x"),
    "a link instead of a service": member("other", kind=tarfile.SYMTYPE, linkname="web"),
    "a link out": member("web/x", kind=tarfile.SYMTYPE, linkname="../../etc/passwd"),
    "a link to an absolute path": member("web/x", kind=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "a link to nothing": member("web/x", kind=tarfile.SYMTYPE, linkname=""),
    "a file through a link": member("web/x", kind=tarfile.SYMTYPE, linkname="y")
    + member("web/x/z", b"x"),
    "a file below a file": member("web/run/x", b"x"),
    "a hard link": member("web/x", kind=tarfile.LNKTYPE, linkname="web/run"),
    "a device": member("web/x", kind=tarfile.BLKTYPE, devmajor=8),
    "a character device": member("web/x", kind=tarfile.CHRTYPE, devmajor=1, devminor=3),
    "a FIFO": member("web/x", kind=tarfile.FIFOTYPE),
    "a sparse file": member("web/x", b"", kind=tarfile.GNUTYPE_SPARSE),
    "an unknown kind": member("web/x", b"", kind=b"Z"),
    "set-uid": member("web/x", b"x", mode=0o4755),
    "set-gid": member("web/x", kind=tarfile.DIRTYPE, mode=0o2755),
    "sticky": member("web/x", kind=tarfile.DIRTYPE, mode=0o1777),
    "twice the same": member("web/run", b"x"),
    "a long name": member("web/" + "x" * 2000, b"x"),
    "deep folders": member("web/" + "x/" * 40 + "y", b"x"),
    "more than there is memory for": member("web/x", b"", size=1 << 40),
    "a negative size": member("web/x", b"", size=-512),
    "many members": b"".join(member(f"web/{n}") for n in range(2100)),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_ones(what: str, host: Host) -> None:
    with pytest.raises(Refusal, match=r"^x\.tar") as refusal:
        read(host, of(HOSTILE[what]))
    assert refusal.value.what.isprintable()


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_ones_where_python_has_no_filter(
    what: str, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(tarfile, "data_filter", raising=False)
    with pytest.raises(Refusal, match=r"^x\.tar"):
        read(host, of(HOSTILE[what]))


def test_little_that_becomes_much(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long name of a gigabyte of zeros, packed: it is not read to its end."""
    monkeypatch.setattr(copying, "MOST_BYTES", 1 << 20)
    long_name = member("x", b"", kind=tarfile.GNUTYPE_LONGNAME, size=1 << 30)
    packed = gzip.compress(long_name + bytes(50 << 20))
    with pytest.raises(Refusal, match="has more in it than services have"):
        read(host, packed)


@pytest.mark.parametrize("data", [b"", b"x" * 10000, gzip.compress(b"x" * 5000), b"\x1f\x8bxxxx"])
def test_what_is_no_archive(data: bytes, host: Host) -> None:
    with pytest.raises(Refusal, match=r"x\.tar"):
        read(host, data)


def test_other_compressions_are_refused(host: Host) -> None:
    with pytest.raises(Refusal, match=r"can't be read as an archive"):
        read(host, lzma.compress(of()))


@given(data=st.binary(max_size=2000), at=st.integers(0, 3000))
@settings(max_examples=200)
def test_whatever_is_damaged_is_refused_or_read(data: bytes, at: int) -> None:
    whole = bytearray(of(member("web/env/A", b"x"), member("web/log/run", RUN)) + bytes(1024))
    whole[at : at + len(data)] = data
    try:
        found = read(Host(), bytes(whole))
    except Refusal:
        return
    assert all(not name.startswith(("/", "..")) for one in found for name in one.contents)


def test_owners_go_by_name(host: Host) -> None:
    losses = Losses()
    members = of(
        member("web/data", kind=tarfile.DIRTYPE, uname="www", uid=7),
        member("web/cache", kind=tarfile.DIRTYPE, uname="nosuch", uid=7),
        member("web/finish", RUN, uname="www", mode=0o777),
    )
    image_passwd = Path(host.root) / "etc/passwd"
    image_passwd.write_text("root:x:0:0:root:/root:/bin/sh\nwww:x:33:44:www:/var/www:/bin/sh\n")
    (found,) = read(host, members, losses)
    assert (found.contents["data"].uid, found.contents["data"].gid) == (33, 44)
    assert found.contents["cache"].uid == 0
    assert found.contents["finish"].uid == 0
    assert found.contents["finish"].mode == 0o755
    assert losses.lines[0] == "web/cache: it belonged to nosuch, and is root's"


def make(folder: Path) -> None:
    """Make a service directory with all that there may be in one."""
    for name in ("env", "control", "log/main", "supervise", "log/supervise", "data"):
        (folder / name).mkdir(parents=True)
    for name in ("run", "finish", "check", "control/t", "log/run"):
        (folder / name).write_bytes(RUN)
        (folder / name).chmod(0o755)
    (folder / "env/SECRET").write_text("x\n")
    (folder / "env/SECRET").chmod(0o600)
    for name, text in {"down": "", "timeout-kill": "5000\n", "down-signal": "QUIT\n"}.items():
        (folder / name).write_text(text)
    (folder / "data/table").write_bytes(bytes(range(256)))
    (folder / "log/main/current").write_text("@4000 secret\n")
    (folder / "log/main/config").write_text("s1000\n")
    (folder / "supervise/status").write_text("x")
    (folder / "inner").symlink_to("data/table")


def test_what_is_exported_comes_back(host: Host, tmp_path: Path) -> None:
    make(tmp_path / "web")
    (tmp_path / "web/outer").symlink_to("/etc/hostname")
    losses = Losses()
    contents = copying.walk(str(tmp_path / "web"), losses, "web", follow=True)
    (found,) = read(host, archive.write({"web": contents}, Host()))
    assert set(found.contents) == {
        *("run", "finish", "check", "control", "control/t", "log", "log/run", "log/main"),
        ".imported",
        *("log/main/config", "env", "env/SECRET", "down", "timeout-kill", "down-signal"),
        *("data", "data/table", "inner", "outer"),
    }
    assert found.contents["env/SECRET"].mode == 0o600
    assert found.contents["env/SECRET"].data == b"x\n"
    assert found.contents["data/table"].data == bytes(range(256))
    assert found.contents["inner"].target == "data/table"
    assert found.contents["outer"].data == Path("/etc/hostname").read_bytes()
    assert found.down
    assert losses.lines == ["web/outer: it was a link to /etc/hostname, and is a copy"]


def test_a_directory_that_is_copied(host: Host, tmp_path: Path) -> None:
    make(tmp_path / "web")
    (tmp_path / "web/outer").symlink_to("../elsewhere")
    os.mkfifo(tmp_path / "web/fifo")
    (tmp_path / "web/check").chmod(0o4755)
    losses = Losses()
    contents = copying.walk(str(tmp_path / "web"), losses, "web")
    assert contents["outer"].target == str(tmp_path / "elsewhere")
    assert contents["check"].mode == 0o755
    assert "fifo" not in contents
    assert sorted(losses.lines) == [
        "web/check: it is not set-id any more",
        "web/fifo: it is neither a file nor a directory, and is left out",
        f"web/outer: it is a link out of the directory, and leads to {tmp_path}/elsewhere",
    ]
    drawn = copying.drawn(host, "web", copying.settled(host, contents, losses, "web"), "web", False)
    assert drawn.contents["run"].data == RUN


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (b"#!/no/such\n", "its first line names /no/such, which is not there"),
        (b"#!/bin/sh\r\n", "its first line ends in a carriage return"),
        (b"exec x\n", "its first line names no interpreter"),
    ],
)
def test_a_script_that_can_not_be_run(run: bytes, said: str, image: Image, host: Host) -> None:
    image.program("/bin/sh")
    with pytest.raises(Refusal, match=said):
        archive.read(host, io.BytesIO(member("web/run", run) + bytes(1024)), "x", Losses())
