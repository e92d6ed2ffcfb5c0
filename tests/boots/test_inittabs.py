"""Shapes of inittab, read by sysvinit's init as PID 1, as they are and with our line."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from helpers import inittabs
from helpers.boots.trees import RECIPES, tree
from helpers.images import KINDS, Image
from helpers.installer import plan_for
from helpers.shapes import load

from slashservice.installer.host.host import Host
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.files import EditFile

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.root]

SHAPES = {
    name: shape
    for name, shape in load("inittab.txt").items()
    if shape.init == "sysvinit" and not shape.refused
}


def edited(text: bytes) -> bytes:
    """Return what the installer makes of an inittab."""
    with tempfile.TemporaryDirectory() as root:
        image = Image(Path(root) / "root")
        KINDS["sysvinit-debian"].make(image)
        host = Host(str(image.file("/etc/inittab", text).root))
        actions = plan_for(host).actions
        (edit,) = (one for one in actions if getattr(one, "path", "") == "/etc/inittab")
        assert isinstance(edit, EditFile)
        return edit.wanted(host, host.state(edit.path)).data


def test_sysvinit_runs_one_more_line() -> None:
    program = tree(RECIPES["sysvinit"]) / "sbin/init"
    for name, shape in SHAPES.items():
        plain = Block("").remove(shape.text)
        for text, ours in ((plain, []), (edited(shape.text), [inittabs.SVSCAN])):
            wanted = inittabs.marks_of(inittabs.run_at_boot(plain, "sysvinit")) + ours
            assert inittabs.boot(program, text, len(wanted)) == sorted(wanted), name
