"""What it costs to look at services: ``slashservice list`` beside ``svstat``, and ``top``."""

from __future__ import annotations

import compileall
import fcntl
import os
import select
import shutil
import struct
import subprocess
import termios
import time
from functools import partial
from pathlib import Path

from benchmarks.harness import VALUE, Figure, alternate
from benchmarks.world import (
    CHECKOUT,
    World,
    end_all,
    milliseconds,
    services_of,
    wait_for_daemons,
)
from slashservice.installer.plan.source import installer_program

SERVICES = 1000
ROUNDS_OF_ONE, ROUNDS_OF_MANY = 200, 15
SECONDS_TO_SETTLE, SECONDS = 5.0, 20.0
"""Longer than the time between two measurements of top."""

SCREEN = struct.pack("HHHH", 24, 80, 0, 0)


def measure(world: World) -> list[Figure]:
    command = slashservice(world)
    return [
        listing(world, command, 1, ROUNDS_OF_ONE, 1.6),
        listing(world, command, SERVICES, ROUNDS_OF_MANY, 3.5),
        top(world, command),
    ]


def slashservice(world: World) -> Path:
    """Write the command ``slashservice`` into a world; return its path."""
    code = world.root / "code"
    shutil.copytree(CHECKOUT / "installer", code / "installer")
    compileall.compile_dir(code / "installer", quiet=2)
    command = world.root / "slashservice"
    launcher = installer_program(str(code))
    command.write_text(f"#!{world.python} -ISXutf8\n{launcher}")
    command.chmod(0o755)
    return command


def listing(world: World, command: Path, services: int, rounds: int, at_most: float) -> Figure:
    """Compare ``list`` with ``svstat`` on so many services."""
    scan = world.scan_directory(services)
    world.start(world.ours / "svscan", scan)
    directories = services_of(scan)
    wait_for_daemons(directories)
    ours, theirs = alternate(
        rounds,
        partial(milliseconds, [command, "list", "--service-dir", scan]),
        partial(milliseconds, [world.ours / "svstat", *directories]),
        warm_up=2,
    )
    end_all()
    name = f"slashservice list, {services} services"
    return Figure(name, "ms", ours, theirs, at_most=at_most, rival="our svstat")


def top(world: World, command: Path) -> Figure:
    """Measure what part of a processor the screen takes while nothing happens."""
    scan = world.scan_directory(SERVICES)
    world.start(world.ours / "svscan", scan)
    wait_for_daemons(services_of(scan))
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, SCREEN)
    process = subprocess.Popen(
        [command, "top", "--service-dir", scan],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={"TERM": "xterm", "PATH": os.defpath},
    )
    os.close(theirs)
    try:
        shown = _watch(ours, SECONDS_TO_SETTLE)
        if b"00000" not in shown:
            raise RuntimeError(f"top does not show the services: {shown!r}")
        before = _ran(process.pid)
        _watch(ours, SECONDS)
        percent = 100 * (_ran(process.pid) - before) / SECONDS
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        end_all()
    name = f"slashservice top, {SERVICES} services"
    return Figure(name, "% of a processor", [percent], kind=VALUE, at_most=2)


def _watch(terminal: int, seconds: float) -> bytes:
    """Read what is shown on a terminal, so long; return it."""
    shown = b""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            shown += os.read(terminal, 65536)
    return shown


def _ran(pid: int) -> float:
    """Return the seconds of processor time of a process."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
