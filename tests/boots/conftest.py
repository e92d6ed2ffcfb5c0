"""Boots run side by side, in a pool of threads: they take minutes, and mostly wait.

The first test with the mark ``boot`` that pytest comes to begins all that were chosen, as
many at a time as there are processors; pytest then waits for the result of each in turn.
That is done in ``pytest_pyfunc_call`` below, and so for a test with that mark

* **fixtures do not work**: a boot gets its parameters and nothing else. What it needs it
  makes by ``with``, as in ``with guest(recipe) as machine``.
* **-x ends the run late**: the boots that have begun are let come to their end first.
* **--pdb shows pytest's side**, not the thread's. Use ``--keep`` instead: a machine that
  failed goes on running, and the end of the run tells how to get into it, and rid of it.
* what a boot prints is not its own; ``story.say`` tells how far it is, at once.

To run one boot: ``./test tests/boots/test_namespaces.py -k openrc-init --keep``.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any

import pytest
from helpers.boots import story

POOL = pytest.StashKey[ThreadPoolExecutor]()
RUNS = pytest.StashKey[dict[str, "Future[None]"]]()
PAUSE = 0.5
LIMIT = 3600
"""Seconds for one boot test, with its turn in the queue; each step in it has its own limit."""

LAST = ("test_vagrant.py", "test_machines.py")
"""Whose boots begin last: they are long and few, and compute where others wait."""

progress: SimpleQueue[str] = SimpleQueue()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the boots in the order in which they are to begin."""
    places = [place for place, item in enumerate(items) if item.get_closest_marker("boot")]
    boots = sorted((items[place] for place in places), key=turn)
    for place, item in zip(places, boots, strict=True):
        items[place] = item
        item.add_marker(pytest.mark.timeout(LIMIT))


def turn(item: pytest.Item) -> int:
    """Return a number that is the higher the later a boot is to begin."""
    return LAST.index(item.path.name) if item.path.name in LAST else -1


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Begin all boots with the first, as many at a time as is good; then wait for this one."""
    if pyfuncitem.get_closest_marker("boot") is None:
        return None
    stash = pyfuncitem.session.stash
    if RUNS not in stash:
        story.listeners.append(progress.put)
        stash[POOL] = ThreadPoolExecutor(max(2, os.cpu_count() or 1))
        stash[RUNS] = {
            item.nodeid: stash[POOL].submit(told, item.name, item.obj, parameters(item))
            for item in pyfuncitem.session.items
            if isinstance(item, pytest.Function) and item.get_closest_marker("boot")
        }
    run = stash[RUNS][pyfuncitem.nodeid]
    while not run.done() or not progress.empty():
        show_progress(pyfuncitem.config)
    run.result()
    return True


def told(name: str, test: Callable[..., None], arguments: dict[str, Any]) -> None:
    """Run a test; tell how long it took, and at once if it fails: others go on for long."""
    began = time.monotonic()
    try:
        test(**arguments)
    except BaseException as error:
        story.say(f"{name} FAILED\n" + "".join(traceback.format_exception(error, limit=-4)))
        raise
    finally:
        story.say(f"{name}: {time.monotonic() - began:.0f} s")


def parameters(item: pytest.Function) -> dict[str, Any]:
    """Return what a test is to be called with."""
    return dict(item.callspec.params) if hasattr(item, "callspec") else {}


def show_progress(config: pytest.Config) -> None:
    """Show how far the boots are, whatever pytest does with output; wait for it a moment."""
    try:
        line = progress.get(timeout=PAUSE)
    except Empty:
        return
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")
    if reporter is not None and capture is not None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(line)
            reporter.flush()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Begin nothing more, and let what has begun clean up behind itself."""
    if POOL in session.stash:
        session.stash[POOL].shutdown(cancel_futures=True)
