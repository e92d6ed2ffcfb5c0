"""Memory of an idle tree as an init system starts it: every process below svscanboot."""

from __future__ import annotations

import time

from benchmarks.harness import VALUE, Figure
from benchmarks.memory import megabytes
from benchmarks.world import World, children, status_of, tree, wait_until

SECONDS_TO_SETTLE = 1.0


def measure(world: World) -> list[Figure]:
    pid = world.start(world.ours / "svscanboot", world.scan_directory())
    wait_until(lambda: any(status_of(child)["Name"] == "readproctitle" for child in children(pid)))
    time.sleep(SECONDS_TO_SETTLE)
    used = megabytes(tree(pid))
    return [Figure("idle tree of svscanboot", "MB", [used], kind=VALUE, at_most=20)]
