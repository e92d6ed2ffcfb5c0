"""Which modules a system gets."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import pytest

from slashservice.supervise import platform
from slashservice.supervise.platform import bsd, current, linux
from slashservice.supervise.platform.epoll import Epoll
from slashservice.supervise.platform.inotify import Inotify
from slashservice.supervise.platform.selector import Selector

KQUEUE = "slashservice.supervise.platform.kqueue"


@pytest.fixture(params=["darwin", "freebsd14", "openbsd7"])
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, as it is on another system."""
    monkeypatch.setattr(sys, "platform", request.param)
    monkeypatch.setattr(platform, "current", current)
    monkeypatch.delitem(sys.modules, current.__name__)
    return importlib.import_module(current.__name__)


@pytest.fixture
def kqueue(monkeypatch: pytest.MonkeyPatch) -> Iterator[type]:
    """What stands in for the watcher of the BSDs, whose module Linux can't load."""

    class Kqueue:
        pass

    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, KQUEUE, SimpleNamespace(Kqueue=Kqueue))
        yield Kqueue


def test_linux_has_epoll_and_inotify() -> None:
    assert current.system is linux
    selector = current.selector()
    assert isinstance(selector, Epoll)
    selector.close()


def test_every_other_system_has_what_python_knows_and_kqueue(
    elsewhere: ModuleType, kqueue: type
) -> None:
    assert elsewhere.system is bsd
    selector = elsewhere.selector()
    assert type(selector) is Selector
    selector.close()
    assert type(elsewhere.watcher()) is kqueue


@pytest.mark.parametrize("trouble", [OSError, AttributeError, ImportError])
def test_a_kernel_that_watches_nothing(
    trouble: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(watcher: Inotify) -> None:
        raise trouble

    monkeypatch.setattr(Inotify, "__init__", refuse)
    assert current.watcher() is None
