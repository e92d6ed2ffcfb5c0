"""Where things go: the scan directory, the commands, and what starts svscan at boot."""

from __future__ import annotations

import pytest
from helpers.images import MakeImage
from helpers.installer import plan_for

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.host.layout import layout
from slashservice.installer.plan.source import Source
from slashservice.installer.record import transaction


def quiet(line: str) -> None:
    """Take no notice of progress."""


@pytest.mark.parametrize(
    ("asked", "taken"),
    [("//service", "/service"), ("/srv//sv/", "/srv/sv"), ("/srv/./sv", "/srv/sv")],
)
def test_a_scan_directory_has_one_name(asked: str, taken: str) -> None:
    assert layout("slashpackage", "1", asked).service_dir == taken


@pytest.mark.parametrize("asked", ["/", "//", "/.", "/service/..", "/../etc"])
def test_a_scan_directory_that_is_none(asked: str) -> None:
    with pytest.raises(Refusal, match="can't be the scan directory"):
        layout("slashpackage", "1", asked)


def test_commands_in_a_folder_that_is_on_the_path_anyhow(
    make_image: MakeImage, small_source: Source
) -> None:
    """``/command`` is a link to it: a link to a command there would lead to itself."""
    image = make_image("systemd").folders("/usr/local/bin").link("/command", "/usr/local/bin")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    leads_to = image.path("/usr/local/bin/svscan").readlink()
    assert str(leads_to).startswith("/package/admin/slashservice/")


def test_commands_of_another_layout_of_ours_are_ours(
    make_image: MakeImage, small_source: Source
) -> None:
    image = make_image("systemd")
    before = image.snapshot()
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, layout="fhs"), quiet)
    plan = plan_for(host, layout="slashpackage")
    assert not any("another package" in note for note in plan.notes)
    transaction.install(host, plan, quiet)
    assert str(image.path("/usr/local/bin/svscan").readlink()) == "/command/svscan"
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


@pytest.mark.parametrize("name", ["systemd", "sysvinit-debian", "openrc-gentoo"])
def test_what_is_not_to_be_enabled_any_more_is_disabled(
    name: str, make_image: MakeImage, small_source: Source
) -> None:
    image = make_image(name)
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    enabling = [one for one in plan_for(host).actions if one.enables]
    assert enabling and all(one.done(host) for one in enabling)
    assert transaction.install(host, plan_for(host, enable=False), quiet)
    assert not any(one.done(host) for one in enabling)
    assert not transaction.install(host, plan_for(host, enable=False), quiet)
