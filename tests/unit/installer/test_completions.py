"""Completions and manual pages are linked to where shells and man look, and go again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers.images import Image, MakeImage
from helpers.installer import plan_for

from slashservice.installer.host.host import Host
from slashservice.installer.record import transaction
from slashservice.supervise.chain import launchers

SHARE = "usr/local/share"
PLACES = {
    "bash": "bash-completion/completions/{}",
    "fish": "fish/vendor_completions.d/{}.fish",
}
MARKS = ("/usr/bin/fish", "/usr/bin/zsh", "/usr/share/bash-completion/bash_completion")


def install(image: Image) -> Host:
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), lambda line: None)
    return host


def target(image: Image, path: str) -> Path:
    """Return where a link leads: to a file of ours, that is there."""
    current = "/package/admin/slashservice"
    leads = os.readlink(image.root / path)
    assert leads.startswith(f"{current}/")
    folder = image.root / "package/admin" / os.readlink(image.path(current))
    found = folder / leads.removeprefix(f"{current}/")
    assert found.is_file()
    return found


@pytest.fixture
def image(make_image: MakeImage) -> Image:
    made = make_image("systemd")
    for mark in MARKS:
        made.file(mark)
    return made


@pytest.mark.parametrize("shell", PLACES)
def test_every_command_is_completed(image: Image, shell: str) -> None:
    """bash and fish look for a file of the command's name."""
    install(image)
    for name in (*launchers.COMMANDS, "slashservice"):
        leads = target(image, f"{SHARE}/{PLACES[shell].format(name)}")
        which = "slashservice" if name == "slashservice" else "commands"
        assert str(leads).endswith(f"/installer/cli/completion/{which}.{shell}")


def test_zsh_reads_which_commands_a_file_is_for(image: Image) -> None:
    install(image)
    folder = image.root / SHARE / "zsh/site-functions"
    assert sorted(os.listdir(folder)) == ["_slashservice", "_slashservice_commands"]
    leads = target(image, f"{SHARE}/zsh/site-functions/_slashservice_commands")
    names = leads.read_text().split("\n")[0].split()
    assert names == ["#compdef", *launchers.COMMANDS]


def test_anothers_completion_of_that_name_stays_the_one(image: Image) -> None:
    image.file("/usr/share/bash-completion/completions/sv", "# runit's\n")
    install(image)
    there = os.listdir(image.root / SHARE / "bash-completion/completions")
    assert sorted(there) == sorted({*launchers.COMMANDS, "slashservice"} - {"sv"})


def test_a_host_without_those_shells_gets_none(make_image: MakeImage) -> None:
    image = make_image("systemd")
    install(image)
    for folder in ("bash-completion", "zsh", "fish", "man"):
        assert not (image.root / SHARE / folder).exists()


def test_they_are_gone_with_the_rest(image: Image) -> None:
    image.folders("/usr/share/man")
    host = install(image)
    links = [path for path in (image.root / SHARE).rglob("*") if path.is_symlink()]
    assert {path.parent.name for path in links} == {
        *("completions", "site-functions", "vendor_completions.d", "man5", "man7", "man8")
    }
    said: list[str] = []
    transaction.uninstall(host, said.append)
    assert not [path for path in (image.root / SHARE).rglob("*") if path.is_symlink()]
    number = len(launchers.COMMANDS) + 1
    folder = f"/{SHARE}/{os.path.dirname(PLACES['bash'])}"
    assert f"remove {number} completions from {folder}" in said
