"""What tests of clients share: directories that seem to be services, and two programs to ask."""

from __future__ import annotations

import os
import random
import select
import time
from pathlib import Path

from helpers.services import COARSE, Outcome, run

from slashservice.supervise import tai

DAY = 86_400_000_000_000


def write_status(service: Path, data: bytes) -> None:
    (service / "supervise").mkdir(parents=True, exist_ok=True)
    (service / "supervise/status").write_bytes(data)


def pack(stamp: bytes, pid: int, paused: int, want: bytes, rest: bytes = b"") -> bytes:
    return stamp + pid.to_bytes(4, "little") + bytes([paused]) + want + rest


def make_fifo(path: Path, held: list[int] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    if held is not None:
        held.append(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    return path


def same_second(oracle: Path, ours: Path, name: str, *words: bytes, cwd: Path) -> list[Outcome]:
    """Run the C command and ours within one second of the clock, as they show seconds."""
    while True:
        second = int(time.clock_gettime(COARSE))
        outcomes = [run(where / name, *words, cwd=cwd) for where in (oracle, ours)]
        if int(time.time()) == second:
            return outcomes


def readable(fd: int) -> bool:
    return bool(select.select([fd], [], [], 0)[0])


def random_status(dice: random.Random) -> bytes:
    """Make a status file: most of them possible, some not, some random bytes."""
    kind = dice.randrange(10)
    if kind == 0:
        return dice.randbytes(dice.randrange(30))
    moment = time.time_ns() - dice.choice([0, 1, 59 * 10**9, DAY, 400 * DAY, -DAY, 30_000 * DAY])
    stamp = dice.randbytes(12) if kind == 1 else tai.pack(moment)
    pid = dice.choice([0, 0, 1, 7, 300, 32768, 4194304, 2**31 - 1, 2**31, 2**32 - 1])
    paused = dice.choice([0, 0, 1, 2, 255])
    want = dice.choice([b"u", b"d", b"\0", b"x"])
    return pack(stamp, pid, paused, want, dice.choice([b"", b"\0\1", b"\1\1 and more"]))


def read_all(fd: int) -> bytes:
    data = b""
    while readable(fd):
        data += os.read(fd, 4096)
    return data
