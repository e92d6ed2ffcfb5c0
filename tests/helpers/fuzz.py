"""A fuzzer: it mutates what others may write, and gives it to what reads it.

``python -m helpers.fuzz [--seed N] [--seconds N] [--case N] [TARGET...]``, with ``tests`` as
the directory, goes on as long as one likes; CONTRIBUTING.md has the command. A case is known by
its target, its seed and its number, and is the same each time.

A target is a function of ``TARGETS``: it gets what is drawn by ``Mutator``, and raises if what it
tests does anything but accept or refuse. More targets are added by ``@target``.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import stat
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

from slashservice.supervise import tai
from slashservice.supervise.logs import journal as journals
from slashservice.supervise.logs import unfinished_line
from slashservice.supervise.logs.action_script import ActionScript
from slashservice.supervise.logs.journal import Journal
from slashservice.supervise.logs.logger import Logger
from slashservice.supervise.logs.steps import carry_out
from slashservice.supervise.messages import Quit
from slashservice.supervise.platform import linux
from slashservice.supervise.protocol import loghost, names, record, status
from slashservice.supervise.scripts import run_script
from slashservice.supervise.services.actions import PLAIN_SIGNALS
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.log_pipe import LogPipe
from slashservice.supervise.services.refusal import Refused
from slashservice.supervise.services.service import CONTROLS, Service

NUMBERS = (
    b"0",
    b"-1",
    b"1",
    b"4294967296",
    b"18446744073709551615",
    b"9" * 40,
    b"\xc2\xb2",
    b"0x1",
)
SNIPPETS = (
    b"\0",
    b"\n",
    b" ",
    b"'",
    b'"',
    b"\\",
    b"hosted",
    b"after",
    b"exited",
    b"start",
    b"signal",
    b"\xff" * 8,
    bytes(8),
    b"../",
    b"=",
    b"\r",
    b"\xe2\x80\xa8",
    *NUMBERS,
)
LONGEST = 1 << 16
SECONDS_TO_HANG = 20


class Mutator:
    """Draws inputs, by a seed."""

    def __init__(self, seed: int | str) -> None:
        self.random = random.Random(seed)

    def mutate(self, data: bytes, times: int = 4) -> bytes:
        """Return ``data`` changed in some places, or as it is."""
        for _ in range(self.random.randrange(times + 1)):
            data = self.random.choice(WAYS)(self.random, data)[:LONGEST]
        return data

    def one(self, *of: bytes) -> bytes:
        return self.random.choice(of)

    def number(self) -> bytes:
        return self.one(
            *NUMBERS, b"%d" % self.random.getrandbits(self.random.choice((3, 8, 31, 32, 64)))
        )


def _flip(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data or b"\0")
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _insert(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(SNIPPETS) + data[at:]


def _cut(chance: random.Random, data: bytes) -> bytes:
    first, last = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return data[:first] + data[last:]


def _repeat(chance: random.Random, data: bytes) -> bytes:
    first, last = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return data[:last] + data[first:last] * chance.choice((1, 2, 100)) + data[last:]


def _noise(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    some = chance.randbytes(chance.randrange(1, 12))
    return data[:at] + some + data[at + len(some) :]


def _word(chance: random.Random, data: bytes) -> bytes:
    """Put another word in place of one; words are parted by NUL or by a space."""
    part = b"\0" if b"\0" in data else b" "
    words = data.split(part)
    words[chance.randrange(len(words))] = chance.choice(SNIPPETS)
    return part.join(words)


def _swap(chance: random.Random, data: bytes) -> bytes:
    words = data.split(b" ")
    chance.shuffle(words)
    return b" ".join(words)


WAYS = (_flip, _insert, _cut, _repeat, _noise, _word, _swap)

Target = Callable[[Mutator, Path], None]
TARGETS: dict[str, Target] = {}


def target(function: Target) -> Target:
    """Have the fuzzer know a target."""
    TARGETS[function.__name__] = function
    return function


@target
def records(draw: Mutator, place: Path) -> None:
    """A record on disk: what is taken for one names a process by numbers that can be looked up."""
    ours = record.of(os.getpid(), b"life/1", record.place(1, 2), draw.random.random() < 0.5)
    for line in (ours.line(), record.of(0, b"-").line(), record.intent(b"life/1", 7).line()):
        changed = draw.mutate(line)
        if draw.random.random() < 0.7:  # else its length gives most changes away
            changed = changed.rstrip(b" \n")[: len(line) - 1].ljust(len(line) - 1) + b"\n"
        found = record.parse(changed)
        if found is not None:
            runs = found.runs()
            assert not runs or found.since <= linux.started(found.pid) <= found.time, changed
            assert found.pid >= 0, changed


@target
def statuses(draw: Mutator, place: Path) -> None:
    """A status file, as svstat shows it."""
    whole = status.Status(tai.now(), os.getpid(), False, draw.one(b"u", b"d", b"\0")).pack()
    found = status.unpack(draw.mutate(whole))
    if found is not None:
        assert b"seconds" in status.words(found, True)
        assert len(found.pack()) <= status.SIZE


@target
def run_scripts(draw: Mutator, place: Path) -> None:
    """A run script of a log service."""
    script = b"#!/bin/sh\nexec setuidgid 'log d' multilog t s%s \"n20\" '-*' +x\\ y ./main\n"
    others = (
        (
            b'#!/bin/sh -e\nexec 2>&1\nD=/x/%s\nif [ ! -d "$D" ]; then\nmkdir $D; fi\n'
            b'cd ${D:-y} || exit\nexec chpst -u a:b svlogd -tt "$D/$(pwd)"\n'
        ),
        b'#!/bin/execlineb -P\nforeground { mkdir "%s" }\nfdmove -c 2 1 multilog t ./main\n',
    )
    found = run_script.parse(draw.mutate(draw.random.choice((script, *others)) % draw.number()))
    if found is not None:
        assert found.program.encode() in found.programs[found.program]


@target
def action_scripts(draw: Mutator, place: Path) -> None:
    """The words behind multilog."""
    words = [
        b"t",
        b"s" + draw.number(),
        b"n" + draw.number(),
        b"a" + draw.number() + b"d",
        b"!gzip",
        b"-*",
        b"F",
        b"+[a-z]*",
        b"w" + draw.number(),
        b"fdelete",
        b"e",
        b"=st",
        b"./main",
    ]
    script = ActionScript([draw.mutate(word) for word in words])
    for action in script.actions:
        settings = getattr(action, "settings", None)
        if settings is not None:
            assert settings.number >= 2 and settings.size >= 4096 and settings.age >= 0


@target
def logs(draw: Mutator, place: Path) -> None:
    """A journal: the next logger starts, whatever is in it, and what it reads then is logged.

    The journal is one that a killed logger has left.
    """
    script = [b"./d"]
    path = place / "journal"
    with tempfile.TemporaryDirectory(dir=place) as made:
        base = os.open(made, os.O_RDONLY)
        reading, writing = os.pipe()
        try:
            path.write_bytes(draw.mutate(_journal(draw, script)))
            logger = Logger(script, Journal(os.open(path, os.O_RDWR), script))
            try:
                carry_out(logger.start(base))
                os.write(writing, b"\nafterwards\n")
                carry_out(logger.take(reading, 1 << 16))
            finally:
                logger.release()
            assert (Path(made) / "d/current").read_bytes().endswith(b"\nafterwards\n"), "not logged"
        finally:
            for fd in (base, reading, writing):
                os.close(fd)


def _journal(draw: Mutator, script: Sequence[bytes]) -> bytes:
    """Compose a journal as a logger leaves it, with numbers that may make no sense."""
    words = zlib.crc32(b"\0".join(script))

    def number(bits: int) -> int:
        usual = draw.random.randrange(40)
        return usual if draw.random.random() < 0.7 else draw.random.getrandbits(bits)

    start = journals.DATA if draw.random.random() < 0.8 else number(64)
    carry = draw.one(b"", unfinished_line.LAYOUT.pack(0, 5, 0) + b"begun", b"carried over")
    head = _checked(journals.CARRY.pack(journals.MAGIC, words, start, len(carry), 0), carry)
    where = start if draw.random.random() < 0.8 else number(64)
    file = (number(64), number(64), number(64), number(64), 0)
    stamp = draw.one(b"", b"", b"@400000006b08f562004f9d52 ")
    intent = _checked(
        journals.INTENT.pack(journals.MAGIC, words, where, number(16), stamp, *file), b""
    )
    head = draw.one(head + carry, b"").ljust(journals.INTENT_AT, b"\0")
    return (head + draw.one(intent, b"")).ljust(journals.DATA, b"\0") + b"one\ntwo\nthr"


def _checked(packed: bytes, rest: bytes) -> bytes:
    """Put the checksum where it belongs: at the end, over all before and what follows."""
    raw = packed[: -journals.CRC.size]
    return raw + journals.CRC.pack(zlib.crc32(rest, zlib.crc32(raw)))


@target
def requests(draw: Mutator, place: Path) -> None:
    """What svscan asks a log host, with descriptors: taken exactly as it is, or refused."""
    _converse(draw, loghost.request, loghost.is_asked, _REQUESTS)


@target
def reports(draw: Mutator, place: Path) -> None:
    """What a log host says to svscan, which accepts no descriptors."""
    _converse(draw, loghost.report, lambda ours: (loghost.hear(ours), []), _REPORTS)


_REQUESTS = (
    loghost.compose(loghost.START, 7, b"multilog", b"1", b"/x", b"t", b"s9999", b"./main"),
    loghost.compose(loghost.SIGNAL, 7, b"15"),
)
_REPORTS = (
    loghost.compose(loghost.STARTED, 7),
    loghost.compose(loghost.FULL, 7),
    loghost.compose(loghost.SIGNALLED, 7),
    loghost.compose(loghost.READY, 7),
    loghost.compose(loghost.EXITED, 7, b"256"),
    loghost.compose(loghost.TROUBLE, 7, b"unable to write ./main/current: file system full"),
    loghost.compose(loghost.TROUBLE, 7),
)


def _converse(
    draw: Mutator,
    parse: Callable[[bytes], loghost.Message],
    receive: Callable[[socket.socket], tuple[loghost.Message | None, list[int]]],
    messages: Sequence[bytes],
) -> None:
    data = draw.mutate(draw.one(*messages))
    try:
        found = parse(data)
    except loghost.Nonsense:
        pass
    else:
        assert _recomposed(found) == data, data
    before = len(os.listdir("/proc/self/fd"))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        # Whoever receives has to go on when there is nothing; whoever sends does not wait here.
        ours.setblocking(False)
        theirs.setblocking(False)
        for _ in range(draw.random.randrange(3)):
            count = draw.random.choice((0, 0, 1, 2, 3, 4, 40))
            try:
                socket.send_fds(theirs, [data], [theirs.fileno()] * count)
            except (BlockingIOError, OSError):
                break
        for _ in range(3):
            try:
                found_now, fds = receive(ours)
            except (loghost.Nonsense, BlockingIOError):
                continue
            loghost.close_all(fds)
            assert found_now is None or _recomposed(found_now) == data, data
    assert len(os.listdir("/proc/self/fd")) == before, "a descriptor is left open"


def _recomposed(message: loghost.Message) -> bytes:
    """Compose what was taken apart."""
    rest = list(message.words)
    if message.program:
        rest = [message.program, b"%d" % len(message.made), *message.made, *rest]
    if message.word in (loghost.SIGNAL, loghost.EXITED):
        rest = [b"%d" % message.value]
    elif message.word == loghost.TROUBLE and message.text:
        rest = [message.text]
    return loghost.compose(message.word, message.number, *rest)


def plant(draw: Mutator, path: bytes, precious: bytes) -> None:
    """Put anything at a path: ``precious`` is a file that a link may lead to."""
    kind = draw.random.randrange(10)
    if kind == 0:
        os.mkdir(path)
    elif kind == 1:
        os.mkfifo(path, draw.random.choice((0o600, 0o000)))
    elif kind == 2:
        os.symlink(draw.one(precious, path, b"nowhere", b"..", b"/dev/zero", b"/dev/tty"), path)
    elif kind == 3 and path.endswith(names.UNREAD):
        os.link(precious, path)  # C, too, writes through one that is called ``status.new``
    elif kind == 4:
        os.mkdir(path)
        os.mkfifo(path + b"/run")
    elif kind == 5:
        os.mknod(path, 0o600 | stat.S_IFSOCK)
    elif kind == 6:
        with open(path, "wb") as file:
            os.truncate(file.fileno(), 1 << draw.random.randrange(40))
    elif kind < 9:
        with open(path, "wb") as file:
            file.write(draw.mutate(b"-1 0 hosted\n"))
    # Else there is nothing.


@target
def supervise_directories(draw: Mutator, place: Path) -> None:
    """What is planted in ``supervise/``: it is taken or refused, and nothing outside changes."""
    before = len(os.listdir("/proc/self/fd"))
    with tempfile.TemporaryDirectory(dir=place) as made:
        path = os.fsencode(made)
        precious = path + b"/precious"
        with open(precious, "wb") as file:
            file.write(b"secret")
        os.mkdir(path + b"/supervise", 0o700)
        for file_name in draw.random.sample(PLANTED, draw.random.randrange(1, 4)):
            plant(draw, path + b"/" + file_name, precious)
        directory = ServiceDirectory(path, b"s")
        pipe = LogPipe()
        try:
            directory.acquire(b"life/1", 1 << 20)
            pipe.open(path, 1 << 20)
            os.write(pipe.writer, b"said\n")
            pipe.ready()
            pipe.let_go(1)
            pipe.ready()
            os.set_blocking(pipe.reader, False)
            text = os.read(pipe.reader, 1 << 20)
            assert text.endswith(b"said\n") or pipe.unread(), "neither in the pipe nor set aside"
            directory.announce(status.Status(tai.now(), 0, False, b"u"))
        except (Refused, OSError):
            pass
        finally:
            pipe.close()
            directory.release()
        with open(precious, "rb") as file:
            assert file.read() == b"secret", "it was written to"
    assert len(os.listdir("/proc/self/fd")) == before, "a descriptor is left open"


PLANTED = (
    names.LOCK,
    names.CONTROL,
    names.OK,
    names.STATUS,
    names.STATUS + b".new",
    names.PIPE,
    names.UNREAD,
    names.UNREAD + b".new",
    names.JOURNAL,
    names.DOWN,
)


@target
def control_bytes(draw: Mutator, place: Path) -> None:
    """Whatever is sent, the state machine holds together: only what is up is signalled."""
    service = Service()
    now = 0.0
    service.begin(now)
    letters = bytes([*CONTROLS, *PLAIN_SIGNALS])
    for character in draw.mutate(bytes(draw.random.choices(letters, k=40))):
        now += draw.random.choice((0.0, 0.3, 2.0))
        was_up = service.up
        actions = service.control(character, now)
        while actions:
            action = actions.pop(0)
            assert action[0] != "signal" or was_up
            if action[0] == "forget":
                return
            if action[0] == "start":
                event = draw.random.choice((service.started, service.not_started, service.not_run))
                actions = [*event(now), *actions] if event != service.not_run else actions
        dies = service.up and draw.random.random() < 0.3
        if dies and ("forget",) in service.exited(now):
            return


def case(name: str, seed: int, number: int, place: Path) -> None:
    """Run one case; what it raises says how to have it again."""
    signal.signal(signal.SIGALRM, _hangs)
    signal.alarm(SECONDS_TO_HANG)
    try:
        TARGETS[name](Mutator(f"{name} {seed} {number}"), place)
    except (Exception, Quit) as error:
        again = f"python -m helpers.fuzz --seed {seed} --case {number} {name}"
        raise AssertionError(f"{type(error).__name__}: {error}; again: {again}") from error
    finally:
        signal.alarm(0)


def _hangs(number: int, frame: object) -> None:
    raise TimeoutError(f"a case takes longer than {SECONDS_TO_HANG} s")


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="helpers.fuzz", description="Mutate what others write.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--seconds", type=float, default=60.0, help="how long; 60")
    parser.add_argument("--case", type=int, help="only the case of this number")
    arguments = parser.parse_args(argv)
    names = arguments.targets or list(TARGETS)
    if unknown := set(names) - TARGETS.keys():
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    failed = 0
    number = 0
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        if arguments.case is not None:
            for name in names:
                case(name, arguments.seed, arguments.case, place)
            return 0
        end = time.monotonic() + arguments.seconds
        while names and time.monotonic() < end:
            for name in list(names):
                try:
                    case(name, arguments.seed, number, place)
                except AssertionError as error:
                    print(error, file=sys.stderr)
                    names.remove(name)  # one case tells; the others go on
                    failed += 1
            number += 1
    print(f"seed {arguments.seed}: {number} cases each, {failed} targets failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
