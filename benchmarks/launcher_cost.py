"""What a command costs beyond the start of an interpreter: the whole process, in and out."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.harness import Figure, alternate, beyond_bare
from benchmarks.world import World, milliseconds, wait_for_daemons

ROUNDS = 300
MILLISECONDS_PROMISED = 3


def measure(world: World) -> list[Figure]:
    scan = world.scan_directory(1)
    service = scan / "00000"
    world.start(world.ours / "svscan", scan)
    wait_for_daemons([service])
    commands: dict[str, list[str | Path]] = {
        "svc -c": [world.ours / "svc", "-c", service],
        "svok": [world.ours / "svok", service],
        "svstat": [world.ours / "svstat", service],
    }
    measures = [partial(milliseconds, words) for words in (world.bare(), *commands.values())]
    base, *samples = alternate(ROUNDS, *measures, warm_up=10)
    return [
        beyond_bare(name, ours, base, MILLISECONDS_PROMISED)
        for name, ours in zip(commands, samples, strict=True)
    ]
