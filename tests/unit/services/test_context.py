"""What the services of one supervisor share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from slashservice.supervise.platform import linux
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services.context import Context
from slashservice.supervise.services.directory import ServiceDirectory
from slashservice.supervise.services.heritage import Heritage

DESCRIPTORS = "/proc/self/fd"


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/usr/bin/sleep", "1000"]) as made:
        yield made
        made.kill()


@pytest.mark.parametrize("shared", [False, True])
def test_what_is_adopted_takes_a_descriptor_after_all_services(
    loop: Loop, process: subprocess.Popen[bytes], shared: bool
) -> None:
    """In the first scan of many, those that are seen last might have none left."""
    context = Context(loop, Heritage([], b"life", loop.mask), 1000)
    context.shared = shared

    def go_on() -> set[str]:
        loop.after(0, lambda: None)
        loop.step()
        return set(os.listdir(DESCRIPTORS))

    before = go_on()
    ends: list[int] = []
    adopted = [
        context.adopt(process.pid, linux.started(process.pid), ends.append) for _ in range(2)
    ]
    assert len(go_on() - before) == (0 if shared else 2)
    context.all_is_seen()
    assert len(go_on() - before) == 2
    adopted.append(context.adopt(process.pid, linux.started(process.pid), ends.append))
    assert len(go_on() - before) == 3
    process.kill()
    process.wait()
    go_on()
    assert len(ends) == 3
    assert go_on() == before


def test_what_runs_is_begun_with_where_descriptors_may_run_out(
    loop: Loop, process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    names = [b"%d" % number for number in range(10)]
    for name in names:
        (tmp_path / os.fsdecode(name)).mkdir()
    for name, pid in ((b"7", process.pid), (b"8", 0)):
        directory = ServiceDirectory(os.path.join(os.fsencode(tmp_path), name), name)
        directory.acquire(b"life", 1000)
        directory.record(pid, b"life")
        directory.release()
    for limit, found in ((100, [b"7"]), (1000, [])):
        context = Context(loop, Heritage([], b"life", loop.mask), limit)
        assert context.left_behind(os.fsencode(tmp_path), names) == found
