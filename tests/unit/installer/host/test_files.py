"""Changes to the files of a host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slashservice.installer.host.files import Files
from slashservice.installer.host.state import FileState
from slashservice.supervise.platform import watch
from slashservice.supervise.platform.inotify import Inotify

OWNER = (os.getuid(), os.getgid())


@pytest.mark.parametrize(
    "state",
    [FileState("link", target="/etc/redis"), FileState("file", 0o755, *OWNER, b"#!/bin/sh\n")],
    ids=lambda state: state.kind,
)
def test_nothing_half_made_can_be_taken_for_a_service(tmp_path: Path, state: FileState) -> None:
    watcher = Inotify()
    watcher.add(os.fsencode(tmp_path), watch.ENTRIES)
    Files(str(tmp_path)).put("/redis", state)
    seen = {event.name for event in watcher.events()}
    os.close(watcher.fd)
    assert {name for name in seen if not name.startswith(b".")} == {b"redis"}
