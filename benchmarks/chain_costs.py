"""What chain commands cost in front of a daemon: whole processes, from start to end.

Three in a chain run in one interpreter, so they should cost what one costs; what else they
do (an account looked up, a directory read) is part of that one too.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.harness import Figure, alternate, beyond_bare
from benchmarks.world import World, milliseconds

ROUNDS = 200
MILLISECONDS_PROMISED = 5
PROMISED = 1.2
"""Three to the dearest one of them; the fifth is for what the other two themselves do."""

PROGRAM = "/bin/true"


def measure(world: World) -> list[Figure]:
    variables = world.root / "env"
    variables.mkdir()
    (variables / "A").write_text("1\n")
    limited: list[str | Path] = [world.ours / "softlimit", "-o100"]
    with_variables: list[str | Path] = [world.ours / "envdir", variables]
    as_account: list[str | Path] = [world.ours / "setuidgid", "root"]
    chains = {
        "softlimit": limited,
        "envdir": with_variables,
        "setuidgid": as_account,
        "three in a chain": limited + with_variables + as_account,
    }
    runs = [partial(milliseconds, [*words, PROGRAM]) for words in chains.values()]
    base, *samples = alternate(ROUNDS, partial(milliseconds, world.bare()), *runs, warm_up=10)
    costs = dict(zip(chains, samples, strict=True))
    three = costs.pop("three in a chain")
    figures = [
        beyond_bare(f"{name} in front of true", cost, base, MILLISECONDS_PROMISED)
        for name, cost in costs.items()
    ]
    dearest = max(costs, key=lambda name: median(costs[name]))
    figures.append(
        Figure("three in a chain", "ms", three, costs[dearest], at_most=PROMISED, rival=dearest)
    )
    return figures
