"""Who holds a flock, by the kernel's list of locks."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from slashservice.supervise.platform import flocks

LOCKS = b"""\
1: FLOCK  ADVISORY  WRITE 12 08:01:345 0 EOF
1: -> FLOCK  ADVISORY  WRITE 13 08:01:345 0 EOF
2: POSIX  ADVISORY  READ 14 00:1f:7 0 EOF
3: FLOCK  ADVISORY  READ 15 103:ab:18446744073709551615 0 EOF
4: LEASE  ACTIVE    READ 16 08:01:345 0 EOF
5: FLOCK  ADVISORY  WRITE 17 <none>:0 0 EOF
6: FLOCK  ADVISORY
7: FLOCK  ADVISORY  WRITE -1 08:01:9 0 EOF
"""


def test_the_list() -> None:
    first = os.makedev(8, 1)
    assert flocks.parse(LOCKS) == [
        (12, first, 345),
        (15, os.makedev(0x103, 0xAB), (1 << 64) - 1),
        (-1, first, 9),
    ]


@pytest.mark.parametrize("how", [fcntl.LOCK_EX, fcntl.LOCK_SH])
def test_our_own_lock(tmp_path: Path, how: int) -> None:
    assert flocks.holders(tmp_path.stat()) == []
    fd = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(fd, how)
    assert flocks.holders(tmp_path.stat()) == [os.getpid()]
    assert flocks.holders(tmp_path.parent.stat()) == []
    os.close(fd)
    assert flocks.holders(tmp_path.stat()) == []


def test_another_device_in_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of btrfs. The process counts if it has the file open."""
    found, own = tmp_path.stat(), os.getpid()
    line = "1: FLOCK  ADVISORY  WRITE {} 00:{:x}:{} 0 EOF\n"
    lines = [line.format(pid, device, found.st_ino) for pid in (own, 1 << 30) for device in (1, 2)]
    (tmp_path / "locks").write_text("".join(lines))
    monkeypatch.setattr(flocks, "LIST", str(tmp_path / "locks"))
    assert flocks.holders(found) == []
    fd = os.open(tmp_path, os.O_RDONLY)
    assert flocks.holders(found) == [own, own]
    os.close(fd)


def test_a_system_that_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flocks, "LIST", str(tmp_path / "nowhere"))
    assert flocks.holders(tmp_path.stat()) is None


def test_a_process_is_described() -> None:
    account, name = flocks.describe(os.getpid())
    assert account in (os.geteuid(), 0)
    assert name == Path("/proc/self/comm").read_bytes().strip()
    assert flocks.describe(1 << 30) == (-1, b"")
