"""An inittab is read, and a broken one refused."""

from __future__ import annotations

import pytest

from slashservice.installer.detection import inittab
from slashservice.installer.detection.evidence import InittabLine
from slashservice.installer.errors import Refusal

GOOD = b"""\
# comment
id:2:initdefault:

si::sysinit:/etc/init.d/rcS
SV:12345:respawn:/command/svscanboot
 1:2345:respawn:/sbin/getty: with a colon
"""


def test_reads_entries() -> None:
    entries = inittab.read(GOOD)
    assert entries[2] == InittabLine(5, "SV", "12345", "respawn", "/command/svscanboot")
    assert entries[3].process == "/sbin/getty: with a colon"
    assert len(entries) == 4


def test_accepts_a_good_one() -> None:
    inittab.check(GOOD)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"SV:123456:respawn", "four fields"),
        (b"SV:12345:repsawn:/command/svscanboot", "no action"),
        (b"SVSCAN:12345:respawn:/command/svscanboot", "one to four"),
        (b":12345:respawn:/command/svscanboot", "one to four"),
        (b"si:12345:respawn:/command/svscanboot", "taken by line 4"),
        (b"SX:1x:respawn:/command/svscanboot", "no runlevels"),
        (b"SX:12345:respawn:/" + b"x" * 127, "more than 127"),
        (b"SX:12345:respawn:", "no process"),
        (b"SX:12345:respawn:/a\r", "carriage returns"),
        (b"SX:12345:respawn:/a\0", "NUL"),
    ],
)
def test_refuses_a_broken_one(line: bytes, why: str) -> None:
    with pytest.raises(Refusal) as refusal:
        inittab.check(GOOD + line + b"\n")
    assert why in str([refusal.value.what, *refusal.value.advice])


def test_busybox_reads_it_otherwise() -> None:
    text = b"::sysinit:/etc/rcS\n::respawn:/command/svscanboot\n::shutdown:/bin/umount -a\n"
    inittab.check(text, "busybox")
    with pytest.raises(Refusal):
        inittab.check(text)
    with pytest.raises(Refusal):
        inittab.check(GOOD, "busybox")


def test_finds_a_free_id() -> None:
    assert inittab.free_id(b"", "SV", "DT") == "SV"
    assert inittab.free_id(GOOD, "SV", "DT") == "DT"
    with pytest.raises(Refusal):
        inittab.free_id(GOOD, "SV", "1")
