"""Shapes of inittab, read by BusyBox's init as PID 1, as they are and with our lines."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers import inittabs
from helpers.images import KINDS, Image
from helpers.installer import plan_for
from helpers.shapes import load

from slashservice.installer.host.host import Host
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.files import EditFile
from slashservice.installer.plan.source import Source

pytestmark = [pytest.mark.root, pytest.mark.slow]

SHAPES = {
    name: shape
    for name, shape in load("inittab.txt").items()
    if shape.init == "busybox" and not shape.refused
}


@pytest.mark.parametrize("name", SHAPES)
def test_busybox_runs_one_more_line(name: str, in_memory: Path, small_source: Source) -> None:
    image, shape = Image(in_memory / "root"), SHAPES[name]
    KINDS["busybox"].make(image)
    image.file("/etc/inittab", shape.text)
    host = Host(str(image.root))
    actions = plan_for(host).actions
    (edit,) = (one for one in actions if isinstance(one, EditFile))
    edited = edit.wanted(host, host.state(edit.path)).data
    program = Path(shutil.which("busybox") or "")
    plain = Block("").remove(shape.text)
    for text, ours in ((plain, []), (edited, [inittabs.SVSCAN])):
        wanted = inittabs.marks_of(inittabs.run_at_boot(plain, "busybox")) + ours
        assert inittabs.boot(program, text, len(wanted)) == sorted(wanted)
