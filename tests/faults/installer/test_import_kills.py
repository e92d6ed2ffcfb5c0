"""``slashservice import`` interrupted or killed at any moment: all services are there, or none."""

from __future__ import annotations

import random
import signal
import subprocess
from pathlib import Path

import pytest
from helpers import administration
from helpers.converting import Importer
from helpers.tree import ENVIRONMENT, Tree
from helpers.waiting import GENEROUS, until

pytestmark = [pytest.mark.root, pytest.mark.slow]

COUNT = 30
NAMES = sorted(f"s{number}" for number in range(COUNT))


@pytest.fixture
def importer(tree: Tree, world_dir: Path) -> Importer:
    """Somebody with units to import, of which none is to be started."""
    made = Importer(tree, administration.write(world_dir / "slashservice"))
    for name in NAMES:
        made.file(f"{name}.service", "[Service]\nExecStart=/bin/sleep 1000\nEnvironment=A=b\n")
    return made


def start(importer: Importer) -> subprocess.Popen[bytes]:
    """Begin to import them all."""
    units = [importer.given / f"{name}.service" for name in NAMES]
    return subprocess.Popen(
        importer.words("import", *units),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )


def import_all(importer: Importer) -> None:
    """Import them all, undisturbed."""
    process = start(importer)
    _, said = process.communicate(timeout=GENEROUS)
    assert process.returncode == 0, said
    assert importer.linked() == importer.made() == NAMES


def some_are_linked(importer: Importer) -> bool:
    """Tell whether some are there, and not all of them."""
    return 0 < len(importer.linked()) < COUNT


def wait(importer: Importer, process: subprocess.Popen[bytes], when: float) -> None:
    """Wait for a while, or, if that is negative, until the first one is linked."""
    if when >= 0:
        try:
            process.wait(when)
        except subprocess.TimeoutExpired:
            pass
        return
    until(lambda: importer.linked() or process.poll() is not None, "the first link", pause=0.0002)


def clear(importer: Importer) -> None:
    """Remove all of them."""
    subprocess.run(["rm", "-rf", importer.homes], check=True)
    for path in importer.tree.scan.iterdir():
        path.unlink()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_all_or_none(importer: Importer, number: int) -> None:
    chance = random.Random(number)
    import_all(importer)
    hit = 0
    for turn in range(10):
        clear(importer)
        process = start(importer)
        wait(importer, process, -1 if turn % 2 else chance.uniform(0.1, 0.9))
        hit += some_are_linked(importer)
        process.send_signal(number)
        _, said = process.communicate(timeout=GENEROUS)
        assert b"Traceback" not in said
        if number == signal.SIGKILL:
            until(lambda: not some_are_linked(importer), "what was begun is done")
        assert importer.linked() in ([], NAMES)
        if importer.linked() == [] and number != signal.SIGKILL:
            assert importer.made() == []
        import_all(importer)
    assert hit, "none was interrupted while services appeared"
