"""A link of ours in whose place the administrator has put something else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.images import KINDS, Image, MakeImage
from helpers.installer import plan_for

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host, state_folder
from slashservice.installer.plan.links import MakeLink
from slashservice.installer.plan.planner import Plan
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction
from slashservice.installer.record.theirs import respecting

SCRIPT = "#!/bin/sh\n# MINE\n"


def planned(image: Image, **options: object) -> Plan:
    """The plan of a run, in view of what is installed."""
    host = Host(str(image.root))
    return respecting(host, plan_for(host, **options), receipts.load(host))


def install(image: Image, **options: object) -> list[str]:
    """Install; return all that is said."""
    said: list[str] = []
    plan = planned(image, **options)
    transaction.install(Host(str(image.root)), plan, said.append)
    return [*said, *plan.notes]


def links(image: Image) -> list[MakeLink]:
    """The links that were made."""
    receipt = receipts.load(Host(str(image.root)))
    assert receipt is not None
    return [one.action for one in receipt.entries if isinstance(one.action, MakeLink)]


def a_file(path: Path) -> None:
    """Put a script in its place."""
    path.unlink()
    path.write_text(SCRIPT)


def a_link(path: Path) -> None:
    """Have it lead elsewhere."""
    path.unlink()
    path.symlink_to("/opt/mine/run")


def a_folder(path: Path) -> None:
    """Put a directory in its place."""
    path.unlink()
    path.mkdir()
    (path / "mine").write_text(SCRIPT)


PUTS = (a_file, a_link, a_folder)


def is_mine(path: Path) -> bool:
    """Tell whether what was put there is there still."""
    if path.is_symlink():
        return os.readlink(path) == "/opt/mine/run"
    return path.is_dir() or (path.exists() and path.read_text() == SCRIPT)


def test_it_is_left_and_named(kind_name: str, image: Image, small_source: object) -> None:
    """All but the link to the code, through which all others lead."""
    options = KINDS[kind_name].options
    install(image, **options)
    options = {name: value for name, value in options.items() if name != "replace"}
    current = planned(image, **options).layout.current
    mine = [one for one in links(image) if one.path != current]
    first = list(KINDS).index(kind_name)  # so that each link meets each of them on some host
    for number, action in enumerate(mine, first):
        PUTS[number % len(PUTS)](image.path(action.path))
    planned_still = {one.key for one in planned(image, **options).actions}
    for turn in range(2):
        said = install(image, **options)
        for action in mine:
            assert is_mine(image.path(action.path)), action
            if action.key in planned_still:
                (note,) = (one for one in said if one.startswith(f"{action.path} is not the link"))
                assert ("starts at boot" in note) == action.enables
            elif turn == 0:  # that is for what is on the PATH of all, if nobody else has it
                assert any(one.startswith(f"{action.path} was changed") for one in said), action
    said = transaction.uninstall(Host(str(image.root)), lambda line: None)
    for action in mine:
        assert is_mine(image.path(action.path)), action
        assert any(action.path in one for one in said) or action.key not in planned_still, action


@pytest.mark.parametrize("put", [a_file, a_link])
def test_the_link_to_the_code_is_put_back(
    kind_name: str, put: Callable[[Path], None], image: Image, small_source: object
) -> None:
    options = KINDS[kind_name].options
    install(image, **options)
    host = Host(str(image.root))
    current = planned(image, **options).layout.current
    before = host.readlink(current)
    put(image.path(current))
    notes = install(image, **options)
    assert host.readlink(current) == before
    kept = f"{state_folder(host)}/kept{current}"
    assert is_mine(image.path(kept))
    assert any(current in note and kept in note for note in notes)
    assert transaction.uninstall(host, lambda line: None) == []


@pytest.mark.parametrize("put", [a_file, a_link])
def test_it_is_kept_aside_where_another_link_goes(
    put: Callable[[Path], None], make_image: MakeImage, small_source: object
) -> None:
    """As a change of layout has it, where commands have the same place."""
    image = make_image("systemd")
    install(image, layout="slashpackage")
    mine = image.path("/usr/local/bin/svscan")
    put(mine)
    said = install(image, layout="fhs")
    assert os.readlink(mine) == "/usr/local/lib/slashservice/current/command/svscan"
    kept = "/var/lib/slashservice/kept/usr/local/bin/svscan"
    assert is_mine(image.path(kept))
    assert any("/usr/local/bin/svscan was" in one and kept in one for one in said)
    assert not any("not the link" in one for one in install(image, layout="fhs"))


@pytest.mark.parametrize("put", PUTS)
def test_what_was_never_a_link_of_ours_is_refused_with_a_remedy(
    put: Callable[[Path], None], make_image: MakeImage, small_source: object
) -> None:
    image = make_image("systemd").file("/usr/local/bin/svscan")
    mine = image.path("/usr/local/bin/svscan")
    put(mine)
    with pytest.raises(Refusal, match="not slashservice's") as refusal:
        install(image, layout="fhs")
    assert refusal.value.advice == (f"If nobody needs it: mv {mine} {mine}.old",)
    os.rename(mine, f"{mine}.old")
    install(image, layout="fhs")


def test_nothing_is_said_of_what_nobody_touched(
    kind_name: str, image: Image, small_source: object
) -> None:
    options = KINDS[kind_name].options
    install(image, **options)
    assert not any("is not the link" in one for one in install(image, **options))
