"""Each chain command beside C's: good words, bad words, and what the program at its end has."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.both import Both

WORDS = [
    "setuidgid",
    "setuidgid nobody",
    "setuidgid -x nobody",
    "setuidgid nosuch true",
    "setuidgid '' true",
    "setuidgid root",
    "envuidgid",
    "envuidgid nobody",
    "envuidgid nosuch true",
    "envuidgid nobody nosuch",
    "envdir",
    "envdir full",
    "envdir nosuch true",
    "envdir '' true",
    "envdir file true",
    "envdir full nosuch",
    "envdir -- full true",
    "envdir broken true",
    "envdir loop true",
    "envdir device true",
    "envdir unread true",
    "envdir noenter true",
    "envdir nolist true",
    "envdir odd /usr/bin/env",
    "softlimit",
    "softlimit -o5",
    "softlimit true",
    "softlimit nosuch",
    "softlimit -x true",
    "softlimit -o",
    "softlimit -o5 -- -c true",
    "softlimit - true",
    "softlimit --o true",
    "softlimit -c5- true",
    "softlimit -c -- true",
    "softlimit -: true",
    "softlimit -c1c2 true",
    "softlimit -s0 nosuch",
    "softlimit -m0 nosuch",
    "setlock",
    "setlock lock",
    "setlock -n lock",
    "setlock -q lock true",
    "setlock lock nosuch",
    "setlock nosuch/lock true",
    "setlock -x nosuch/lock true",
    "setlock -xX nosuch/lock true",
    "setlock -Xx nosuch/lock true",
    "setlock full true",
    "setlock -x full true",
    "setlock '' true",
    "setlock fifo true",
    "setlock file/x true",
    "setlock /dev/null true",
    "setlock -- -n true",
    "setlock --x lock true",
    "setlock -n- lock true",
    "setlock - true",
    "setlock -n held true",
    "setlock -nx held true",
    "setlock -xn held true",
    "setlock -nXx held true",
    "setlock -nxX held true",
    "setlock -Nn held true",
    "fghack",
    "fghack nosuch",
    "fghack -x",
    "fghack sh -c 'exit 9'",
    "fghack sh -c 'kill -9 $$'",
    "fghack sh -c '(read x; exit) <fifo & echo >fifo; exit 3'",
    "fghack sh -c 'echo xyz >&4; exit 4'",
    "fghack sh -c 'kill -TERM $PPID; exit'",
    "pgrphack",
    "pgrphack nosuch",
    "pgrphack -x",
    "pgrphack sh -c 'exit 6'",
    "chpst",
    "chpst -x true",
    "chpst -v true",
    "chpst -v nosuch",
    "chpst -- nosuch",
    "chpst --x true",
    "chpst -",
    "chpst -e",
    "chpst -e full",
    "chpst -e nosuch true",
    "chpst -e file true",
    "chpst -e '' true",
    "chpst -e full nosuch",
    "chpst -e broken true",
    "chpst -e loop true",
    "chpst -e device true",
    "chpst -e unread true",
    "chpst -e noenter true",
    "chpst -e nolist true",
    "chpst -e odd /usr/bin/env",
    "chpst -U nosuch true",
    "chpst -U nobody:nosuch true",
    "chpst -U :x true",
    "chpst -U :4 true",
    "chpst -U : true",
    "chpst -U :1:2x true",
    "chpst -U nosuch -u nosuch2 true",
    "chpst -U nosuch -e nosuch2 true",
    "chpst -u nosuch true",
    "chpst -u '' true",
    "chpst -u : true",
    "chpst -u :4 true",
    "chpst -u :-1:4 true",
    "chpst -u nobody: true",
    "chpst -u nobody:: true",
    "chpst -u nobody:daemon:nosuch true",
    "chpst -u nobody:33 true",
    "chpst -u nosuch -/ nosuch true",
    "chpst -u nosuch -l nosuch/lock true",
    "chpst -/ nosuch true",
    "chpst -/ file true",
    "chpst -n true",
    "chpst -n x true",
    "chpst -n 5x true",
    "chpst -n +-5 true",
    "chpst -n ' 5' true",
    "chpst -n + nice",
    "chpst -n '' nice",
    "chpst -n -0 nice",
    "chpst -n +3 nice",
    "chpst -n 3 -n 4 nice",
    "chpst -n 100 nice",
    "chpst -n 99999999999 nice",
    "chpst -l lock -L lock true",
    "chpst -L lock -l lock true",
    "chpst -l lock -l lock true",
    "chpst -l nosuch/lock true",
    "chpst -L held true",
    "chpst -l lock nosuch",
    "chpst -o x true",
    "chpst -o = true",
    "chpst -o -5 true",
    "chpst -f 5x true",
    "chpst -0 -0 true",
    "chpst -b zero sh -c 'cat /proc/$$/cmdline'",
    "chpst -b '' sh -c 'cat /proc/$$/cmdline'",
    "chpst -P sh -c 'exit 5'",
]


@pytest.fixture
def full_directory(work: Path) -> Iterator[None]:
    """The files and directories that the words of the tests name."""

    def directory(name: str, **files: bytes) -> Path:
        path = work / name
        path.mkdir()
        for one, content in files.items():
            (path / one).write_bytes(content)
        return path

    (work / "file").write_bytes(b"data\n")
    directory("full", VALUE=b"value\n")
    (directory("broken", A=b"1") / "sub").mkdir()
    (directory("loop") / "loop").symlink_to("loop")
    device = socket.socket(socket.AF_UNIX)
    here = Path.cwd()
    os.chdir(directory("device"))
    device.bind("socket")
    os.chdir(here)
    (directory("unread", SECRET=b"x") / "SECRET").chmod(0)
    directory("noenter", A=b"1").chmod(0o644)
    directory("nolist", A=b"1").chmod(0o711)
    odd = directory(
        "odd", SPACES=b"a b \t \nsecond\n", NUL=b"x\0y\0\n", BLANK=b" \t\n", CR=b"c\r\n"
    )
    for name, content in {
        b"EMPTYLINE": b"\n",
        b"NOEND": b"end \t",
        b"HOME": b"",
        b"A=B": b"v",
        b"C=D": b"",
        b"=E": b"q",
        b"\xff\xfename": b"\xfe\xff\n",
        b".hidden": b"h",
        b"ONLYNUL": b"\0",
        b"NULSPACE": b"x \0 \n",
        b"LONG": b"l" * 100_000,
        b"TWO": b"2" * 300 + b"\n3",
        "umläut".encode(): b"\xc3\xa4",
        b"new\nline": b"n",
    }.items():
        Path(os.fsdecode(os.fsencode(odd) + b"/" + name)).write_bytes(content)
    os.mkfifo(odd / "FIFO")
    os.mkfifo(work / "fifo")
    (work / "fifo").chmod(0o666)
    held = (work / "held").open("a")
    (work / "held").chmod(0o666)
    fcntl.flock(held, fcntl.LOCK_EX)
    yield
    held.close()
    device.close()


@pytest.mark.parametrize("user", [None, pytest.param("nobody", marks=pytest.mark.root)])
@pytest.mark.parametrize("line", WORDS)
def test_words(both: Both, full_directory: None, line: str, user: str | None) -> None:
    more = (b"HOME=/", b"A=Z", b"C=0", b"=E=1")
    both.same(*shlex.split(line), user=user, more=more)


def test_usage_is_said(both: Both, work: Path) -> None:
    """The words really are wrong, or right, in the way the tests above rely on."""
    assert both.same("setuidgid").status == 100
    assert both.same("envdir").status == 111
    assert both.same("softlimit", "-x").stderr.startswith(b"softlimit: illegal option -- x\n")
    assert both.ours("chpst").stderr.startswith(b"usage: chpst [-vVP")


NUMBERS = [
    "0", "", "1", "12abc", "abc", "-5", "+5", " 5", "5 ", "=", "==", "=5", "0x10", "017",
    "18446744073709551614", "18446744073709551615", "18446744073709551616",
    "18446744073709551617",
    "9223372036854775807", "9223372036854775808", "99999999999999999999999", "1" * 5000,
]  # fmt: skip


NO_TIME = ["0", "", "18446744073709551616", "9223372036854775808"]
"""Seconds that are none to the kernel: who is killed how soon is chance."""


@pytest.mark.parametrize(
    ("letter", "number"),
    [
        (letter, number)
        for letter in "cfrt"
        for number in NUMBERS
        if letter != "t" or number not in NO_TIME
    ],
)
def test_numbers(both: Both, letter: str, number: str) -> None:
    """Limits that no program minds, with every kind of number."""
    show = ["/bin/cat", "/proc/self/limits"]
    both.same("softlimit", f"-{letter}", number, *show)
    both.same("chpst", f"-{letter}", number, *show)


@pytest.mark.parametrize(
    "words",
    [
        "-a 100000000",
        "-d 100000000",
        "-l 65536",
        "-m 100000000",
        "-m 100000000 -d =",
        "-d 5 -d 50000000",
        "-s 1000000",
        "-s 100000",
        "-o 100",
        "-o 4",
        "-o 3",
        "-o 1000000000",
        "-p 500",
        "-r 5",
        "-t 1000",
        "-c 0 -c =",
        "-a = -c = -d = -f = -l = -m = -o = -p = -r = -s = -t =",
        "-c10 -d200000000 -f30000000 -l40 -o50 -p600 -r70 -t80",
        "-a 4096",
        "-m 0",
        "-s 0",
        "-s 4096",
        "-d 0",
        "-d 100000",
    ],
)
def test_limits(both: Both, work: Path, words: str) -> None:
    """All that there are, down to those with which no program starts."""
    both.same("softlimit", *words.split(), *both.witness())
    if not {"-a", "-l", "-s", "="}.intersection(words.split()) and "-l" not in words:
        both.same("chpst", *words.split(), *both.witness())


USERS = [
    "nobody", "nobody:daemon", "nobody:daemon:bin:sys", "root", "root:daemon:bin", ":65:33",
    ":65:33:44:45", ":0065:033", ":4294967294:4294967294", "root:daemon:daemon:bin",
]  # fmt: skip


@pytest.mark.root
@pytest.mark.parametrize("user", USERS)
def test_accounts(both: Both, work: Path, user: str) -> None:
    both.same("chpst", "-u", user, *both.witness())
    both.same("chpst", "-U", user, *both.witness(), more=[b"UID=x", b"GID=y", b"Z=1"])
    both.same("chpst", "-u", user, "-U", user, *both.witness())


@pytest.mark.root
@pytest.mark.parametrize("account", ["nobody", "root", "daemon", "games"])
def test_setuidgid_and_envuidgid(both: Both, work: Path, account: str) -> None:
    both.same("setuidgid", account, *both.witness())
    both.same("envuidgid", account, *both.witness(), more=[b"GID=1", b"UID=2", b"GID=3", b"Z=1"])


@pytest.mark.root
@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1), (0, 1, 2), (1, 2)])
@pytest.mark.parametrize(
    "line",
    [
        "setuidgid root",
        "envuidgid root",
        "envdir env",
        "softlimit -o100",
        "setlock lock",
        "fghack",
        "pgrphack",
        "chpst -e env -l lock",
        "setlock lock setlock lock2 fghack envdir env setlock lock3",
    ],
)
def test_closed_standard_descriptors(
    both: Both, work: Path, line: str, closed: tuple[int, ...]
) -> None:
    (work / "env").mkdir()
    (work / "env" / "A").write_bytes(b"1\n")
    seen = both.same(*line.split(), *both.witness(), closed=closed).seen
    assert seen


@pytest.mark.parametrize("line", ["setuidgid x true", "setlock x", "envdir env nosuch", "fghack x"])
@pytest.mark.parametrize("closed", [(2,), (0, 1, 2)])
def test_complaint_with_nowhere_to_go(
    both: Both, work: Path, line: str, closed: tuple[int, ...]
) -> None:
    both.same(*line.split(), closed=closed)


@pytest.mark.root
def test_chpst_closes(both: Both, work: Path) -> None:
    for words in (["-0"], ["-1"], ["-2"], ["-012"], ["-0", "-l", "lock"]):
        both.same("chpst", *words, *both.witness())
    for fd in (0, 1, 2):
        assert both.same("chpst", f"-{fd}", "true", closed=[fd]).status == 111


@pytest.mark.root
def test_chpst_order_and_everything(both: Both, work: Path) -> None:
    (work / "env").mkdir()
    (work / "env" / "A").write_bytes(b"1\n")
    (work / "env" / "UID").write_bytes(b"wrong\n")
    words = "-u root:daemon:bin -U nobody -b zero -e env -/ / -n 2 -l lock -m 500000000"
    words += " -d 400000000 -o 50 -p 900 -f 1000000 -c 100 -t 100 -P -0 -v"
    (work / "env" / "PATH").write_bytes(b"/nowhere\n")
    outcome = both.same("chpst", *words.split(), *both.witness())
    assert outcome.seen["nice level"] == str(min(os.nice(0) + 2, 19))


@pytest.mark.root
def test_chroot(both: Both, work: Path) -> None:
    root = work / "root"
    root.mkdir()
    outcome = both.same("chpst", "-/", "root", "nosuch")
    assert outcome.stderr == b"chpst: fatal: unable to run: nosuch: file does not exist\n"
    both.same("chpst", "-/", "root", "-u", "nobody", "true")
    both.same("chpst", "-/", "root", "-u", ":5:6", "-o", "9", "true")


def test_negative_nice(both: Both, work: Path) -> None:
    both.same("chpst", "-n", "-5", "nice")
    both.same("chpst", "-n", "-5", "nice", user="nobody" if os.geteuid() == 0 else None)


@pytest.mark.root
def test_environment_to_the_byte(both: Both, work: Path) -> None:
    (work / "env").mkdir()
    for name, content in {"A": b"new\n", "B": b"", "Q": b"\xff\xfe\n", "LC_CTYPE": b""}.items():
        (work / "env" / name).write_bytes(content)
    entries = [b"Z=1", b"A=x", b"noequals", b"A=y", b"", b"=e", b"B=1", b"B=2", b"UID=7",
               b"C=\xff\xfe", b"UID", b"D", b"=", b"PATH", b"x=y=z", b"\xff=1"]  # fmt: skip
    for more in ([], [b"LC_CTYPE=C.UTF-8"], [b"LC_ALL=C"], [b"LC_ALL=", b"LC_CTYPE=C"]):
        for words in (
            ["envdir", "env"],
            ["envuidgid", "nobody"],
            ["setuidgid", "nobody"],
            ["chpst", "-u", "nobody"],
            ["softlimit", "-c0"],
            ["chpst", "-e", "env", "-U", "nobody"],
            ["envdir", "env", "/link/envuidgid", "nobody", "/link/envdir", "env"],
        ):
            line = [word.replace("/link", str(both.link)) for word in words]
            assert both.same(*line, *both.witness(), entries=[*entries, *more]).seen


def test_empty_environment(both: Both, work: Path) -> None:
    (work / "env").mkdir()
    (work / "env" / "ONE").write_bytes(b"1\n")
    outcome = both.same("envdir", "env", "/usr/bin/env", entries=[])
    assert outcome.stdout == b"ONE=1\n"
    assert both.same("pgrphack", "/usr/bin/env", entries=[]).stdout == b""


def test_huge_environment(both: Both, work: Path) -> None:
    """What is too large to pass on is refused by the same command, in the same words."""
    (work / "env").mkdir()
    (work / "env" / "LARGE").write_bytes(b"x" * 200_000)
    outcome = both.same("envdir", "env", "pgrphack", "true")
    assert outcome.stderr == b"envdir: fatal: unable to run pgrphack: argument list too long\n"
    many = [b"V%d=%s" % (number, b"v" * 1000) for number in range(300)]
    assert both.same("pgrphack", "softlimit", "-c0", "true", more=many).status == 0


@pytest.mark.parametrize(
    "path",
    [None, b"", b":", b"/nowhere", b"{work}/dirs", b"{work}/plain:{work}/good", b"{work}/plain",
     b"{work}/file", b"{work}/file:{work}/good", b"{work}/text:{work}/good", b"::{work}/good",
     b"{work}/loop:{work}/good", b"{work}/dirs:{work}/good", b"{work}/noentry:{work}/good",
     b"{work}/badshell:{work}/good", b"good", b"{work}/good/", b"{work}/" + b"n" * 300,
     b"{work}/dirs:{work}/dangling:{work}/good"],
)  # fmt: skip
def test_path_search(both: Both, work: Path, path: bytes | None) -> None:
    def program(directory: str, content: bytes, mode: int) -> None:
        (work / directory).mkdir()
        (work / directory / "prog").write_bytes(content)
        (work / directory / "prog").chmod(mode)

    program("good", b"#!/bin/sh\necho good\n", 0o755)
    program("plain", b"#!/bin/sh\necho plain\n", 0o644)
    program("text", b"words", 0o755)
    program("badshell", b"#!/nowhere/sh\n", 0o755)
    program("noentry", b"#!/bin/sh\n", 0o755)
    (work / "noentry").chmod(0)
    (work / "dirs" / "prog").mkdir(parents=True)
    (work / "loop").mkdir()
    (work / "loop" / "prog").symlink_to("prog")
    (work / "dangling").mkdir()
    (work / "dangling" / "prog").symlink_to("nowhere")
    (work / "file").write_bytes(b"")
    entries = [b"A=1"]
    if path is not None:
        entries.append(b"PATH=" + path.replace(b"{work}", os.fsencode(work)))
        entries.append(b"PATH=/nowhere")
    plain = "nobody" if os.geteuid() == 0 else None
    for file in ("prog", "", "good/prog", "./plain/prog", "dirs", "./dirs", "ls"):
        for user in (None, plain):
            both.same("softlimit", file, "/", entries=entries, user=user)
            both.same("envdir", "/var/empty/..", file, "/", entries=entries, user=user)


def test_path_is_the_one_before(both: Both, work: Path) -> None:
    """A PATH that a command sets is for the program it runs, not for finding that."""
    (work / "env").mkdir()
    (work / "env" / "PATH").write_bytes(b"/nowhere\n")
    assert both.same("envdir", "env", "true").status == 0
    assert both.same("envdir", "env", "envdir", "env", "true").status == 111
    assert both.same("envdir", "env", "env", entries=[b"PATH=/nowhere"]).status == 111


@pytest.mark.parametrize(
    "ignored", [(signal.SIGINT,), (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP), (signal.SIGCHLD,)]
)
def test_ignored_signals(both: Both, work: Path, ignored: tuple[int, ...]) -> None:
    (work / "env").mkdir()
    for line in ("pgrphack", "fghack", "envdir env setlock lock softlimit -o100"):
        both.same(*line.split(), *both.witness(), ignored=ignored)


def test_signals_of_the_program(both: Both, work: Path) -> None:
    """It is terminated by what terminates a C program, a broken pipe for one."""
    for name in ("INT", "PIPE", "XFSZ", "TERM"):
        outcome = both.same("softlimit", "-o50", "sh", "-c", f"kill -{name} $$; sleep 60")
        assert outcome.status == -getattr(signal, f"SIG{name}")


def test_file_limit_kills_the_complaint(both: Both, work: Path) -> None:
    """C is killed by SIGXFSZ when its complaint would go beyond the limit; so are we."""
    outcome = both.same("softlimit", "-f0", "nosuch", stderr="errors")
    assert outcome.status == -signal.SIGXFSZ


def test_locks(both: Both, work: Path) -> None:
    line = "printf precious > data; exec $0 data sh -c 'cat data; echo more >&3; cat data; rm data'"
    outcome = both.same("/bin/sh", "-c", line, both.link / "setlock")
    assert outcome.stdout == b"preciouspreciousmore\n"
    check = "setlock -n lock true; echo $?; setlock -n lock2 true; echo $?"
    outcome = both.same("setlock", "lock", "setlock", "lock2", "sh", "-c", check)
    assert outcome.stdout == b"111\n111\n"
    assert both.same("setlock", "lock", "setlock", "-nx", "lock", "echo").stdout == b""
    assert both.same("setlock", "fresh", "sh", "-c", "ls -ln fresh").stdout.startswith(b"-rw----")
    assert both.same("chpst", "-l", "lock", "chpst", "-L", "lock", "true").status == 111
