"""The figures that are promised, each measured by the one command that anyone can run."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from helpers.checkout import CHECKOUT

PROMISED = {
    "arrival": 3,
    "boot_tree": 1,
    "capacity": 4,
    "chain_costs": 4,
    "delivery": 2,
    "idle": 2,
    "launcher_cost": 3,
    "loggers": 21,
    "memory": 2,
    "start": 4,
}
"""For each module of benchmarks/, how many promises it looks at."""


def promises(figure: str, samples: Path) -> tuple[list[dict[str, Any]], str]:
    """Measure; return what is promised and what came out, nothing if it failed; and what it said.

    It is interrupted if our own time is up: killed, it would leave behind all that it started.
    """
    said = samples.with_suffix(".errors")
    with said.open("wb") as errors:
        process = subprocess.Popen(
            [CHECKOUT / "benchmarks" / "run", "--json", samples, figure],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,  # that a ^C does not come twice
        )
    try:
        status = process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
        raise
    if not samples.exists():
        return [], said.read_text()
    rows = [row for row in json.loads(samples.read_text()) if row["at_most"] is not None]
    broken = [row["name"] for row in rows if row["result"] > row["at_most"]]
    assert status == bool(broken), said.read_text()
    return rows, ""


ATTEMPTS = 3
"""The machine may have something else to do; a promise that is not kept is never kept."""

SECONDS = 3600
"""Enough for all attempts of the longest."""


@pytest.mark.slow
@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("figure", PROMISED)
def test_promises_are_kept(figure: str, tmp_path: Path) -> None:
    broken: dict[str, dict[str, Any]] | None = None
    errors = ""
    for attempt in range(ATTEMPTS):
        rows, errors = promises(figure, tmp_path / f"{attempt}.json")
        if not rows:
            continue
        assert len(rows) == PROMISED[figure]
        still = {row["name"]: row for row in rows if row["result"] > row["at_most"]}
        broken = {n: row for n, row in still.items() if broken is None or n in broken}
        if not broken:
            return
    assert broken is not None, errors
    assert not broken


def test_every_figure_is_asserted() -> None:
    modules = {path.stem for path in (CHECKOUT / "benchmarks").glob("*.py")}
    assert modules - {"__init__", "__main__", "harness", "world"} == PROMISED.keys()
