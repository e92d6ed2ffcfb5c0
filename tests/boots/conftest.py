"""Boots take long, and wait for most of that: so they go side by side."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import Any

import pytest
from boots import proven, story

POOL = pytest.StashKey[ThreadPoolExecutor]()
RUNS = pytest.StashKey[dict[str, "Future[object]"]]()
PAUSE = 0.5
PASSED = pytest.StashKey[dict[str, bool]]()
progress: SimpleQueue[str] = SimpleQueue()


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
            item.nodeid: stash[POOL].submit(item.obj, **parameters(item))
            for item in pyfuncitem.session.items
            if isinstance(item, pytest.Function) and item.get_closest_marker("boot")
        }
    run = stash[RUNS][pyfuncitem.nodeid]
    while not run.done():
        show_progress(pyfuncitem.config)
    passed = stash.setdefault(PASSED, {})
    passed[pyfuncitem.nodeid] = run.exception() is None
    run.result()
    return True


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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Have a word for writing down what was seen."""
    parser.addoption("--proven", action="store_true", help="write docs/proven.md from the results")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Begin nothing more, and let what has begun clean up behind itself."""
    if POOL in session.stash:
        session.stash[POOL].shutdown(cancel_futures=True)
    if session.config.getoption("--proven", default=False):
        proven.DOCUMENT.write_text(proven.document(session.stash.get(PASSED, {})))
