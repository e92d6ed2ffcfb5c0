"""Each shape of inittab there is: our line is added and nothing else changed, or it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.images import KINDS, Image
from helpers.inittabs import SVSCAN, entries, marks_of, run_at_boot
from helpers.installer import plan_for
from helpers.shapes import load

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.files import EditFile
from slashservice.installer.plan.source import Source

INITTAB = load("inittab.txt")
KIND = {"sysvinit": "sysvinit-debian", "busybox": "busybox"}


def edit_of(name: str, root: Path) -> tuple[Host, EditFile]:
    """Put a shape on a host that reads it, and return how it is edited there."""
    image, shape = Image(root), INITTAB[name]
    KINDS[KIND[shape.init]].make(image)
    image.file("/etc/inittab", shape.text)
    host = Host(str(root))
    actions = plan_for(host).actions
    (found,) = (one for one in actions if getattr(one, "path", "") == "/etc/inittab")
    assert isinstance(found, EditFile)
    found.preflight(host)
    return host, found


def test_there_are_many() -> None:
    assert len(INITTAB) >= 50


@pytest.mark.parametrize("name", [name for name, one in INITTAB.items() if one.refused])
def test_what_is_broken_is_refused(name: str, in_memory: Path, small_source: Source) -> None:
    with pytest.raises(Refusal) as refusal:
        edit_of(name, in_memory / "root")
    assert INITTAB[name].refused in " ".join([refusal.value.what, *refusal.value.advice])


@pytest.mark.parametrize("name", [name for name, one in INITTAB.items() if not one.refused])
def test_one_more_line_is_run(name: str, in_memory: Path, small_source: Source) -> None:
    """By the manual; and all of it comes back, to the byte."""
    shape = INITTAB[name]
    host, edit = edit_of(name, in_memory / "root")
    before = host.state(edit.path)
    edit.apply(host)
    made = host.state(edit.path)
    plain = Block("").remove(shape.text)
    ran = marks_of(run_at_boot(made.data, shape.init))
    assert ran == sorted([SVSCAN, *marks_of(run_at_boot(plain, shape.init))])
    if shape.init == "sysvinit":
        ids = [one.id for one in entries(made.data)]
        assert len(ids) == len(set(ids))
    assert Block("").remove(made.data) in (plain, plain + b"\n")
    assert edit.done(host)
    assert edit.undo(host, before.to_json(), made.digest()) == []
    assert host.state(edit.path) == before
