"""A receipt that is lost between versions, or with a run that was killed halfway."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import count

import pytest
from helpers.images import KINDS, MakeImage
from helpers.installer import Deadly, dies, look_at, plan_for
from helpers.lost import assert_gone, install, recover

from slashservice.installer import status
from slashservice.installer.doctor import examine
from slashservice.installer.host.host import Host, state_folder
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan import source
from slashservice.installer.plan.options import Options
from slashservice.installer.plan.source import Source
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import recovery, transaction


def quiet(line: str) -> None:
    """Take no notice of progress."""


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch, small_source: Source) -> Callable[[str], None]:
    """Return what makes this another version of slashservice, with a command of its own."""

    def become(name: str) -> None:
        files = dict(small_source.files)
        files["installer/cli.py"] = (f"# {name}\n".encode(), 0o644)
        files[f"command/sv{name}"] = (b"#!/bin/sh\n", 0o755)
        made = Source(files, tuple(sorted({*small_source.commands, f"sv{name}"})))
        monkeypatch.setattr(source, "collect", lambda python, tree: made)
        monkeypatch.setattr(source, "version", lambda: name)

    return become


def lose_all(host: Host) -> None:
    """Remove the folder of the receipt with all that is in it, as if /var were lost."""
    shutil.rmtree(host.real(state_folder(host)), ignore_errors=True)


def assert_whole(host: Host, name: str) -> None:
    """Assert that one version is installed, once."""
    receipt = receipts.load(host)
    assert receipt is not None and (receipt.version, receipt.phase) == (name, "installed")
    assert {one.state for one in status.look(host).artefacts} <= {"ok"}
    assert not install(host)
    found = [one.what for one in examine(look_at(host), INIT_SYSTEMS)]
    assert not any("twice" in one or "receipt" in one for one in found), found


@pytest.mark.parametrize("versions", [("1", "2"), ("2", "1"), ("1", "2", "3", "2")])
def test_each_upgrade_may_lose_it(
    kind_name: str, versions: tuple[str, ...], make_image: MakeImage, version: Callable[[str], None]
) -> None:
    image = make_image(kind_name)
    before = image.snapshot()
    host = Host(str(image.root))
    options = KINDS[kind_name].options
    for name in versions:
        version(name)
        lose_all(host)
        if name == versions[0] and host.readlink("/command/svscan") is None:
            transaction.install(host, plan_for(host, **options), quiet)
        else:
            assert install(host)
        assert_whole(host, name)
        commands = "/command" if receipts.load(host).layout == "slashpackage" else "/usr/local/bin"  # type: ignore[union-attr]
        assert [one for one in host.list(commands) if one[2:].isdigit()] == [f"sv{name}"]
    assert transaction.uninstall(host, quiet) == []
    assert_gone(image, before)


@pytest.mark.parametrize("there", ["systemd", "sysvinit-debian", "runit-void", "dinit"])
@pytest.mark.parametrize("upgrade", [False, True])
def test_a_killed_run_may_lose_it(
    there: str, upgrade: bool, make_image: MakeImage, version: Callable[[str], None]
) -> None:
    image = make_image(there)
    before = image.snapshot()
    for deadly in count(1, 1 if there == "systemd" else 3):
        if upgrade:
            version("1")
            host = Host(str(image.root))
            transaction.install(host, plan_for(host), quiet)
        version("2")
        dying = Deadly(str(image.root), deadly)
        old = receipts.load(dying)
        killed = dies(lambda: transaction.install(dying, plan_for(dying), quiet, old))  # noqa: B023
        host = Host(str(image.root))
        lose_all(host)
        recover(host)
        install(host)
        assert_whole(host, "2")
        transaction.uninstall(host, quiet)
        made: set[str] = set() if upgrade or deadly > 6 else {"package", "package/admin"}
        assert_gone(image, before, frozenset(made))  # empty folders, before there was any code
        for path in sorted(made, reverse=True):
            if image.path(path).is_dir():
                image.path(path).rmdir()
        if not killed:
            break


@pytest.mark.parametrize("there", ["systemd", "sysvinit-debian", "runit-void", "dinit"])
def test_a_killed_uninstall_may_lose_it(
    there: str, make_image: MakeImage, version: Callable[[str], None]
) -> None:
    version("1")
    image = make_image(there)
    before = image.snapshot()
    for deadly in count(1, 3):
        host = Host(str(image.root))
        transaction.install(host, plan_for(host), quiet)
        dying = Deadly(str(image.root), deadly)
        killed = dies(lambda: transaction.uninstall(dying, quiet))  # noqa: B023
        lose_all(host)
        found = recovery.recover(look_at(host), INIT_SYSTEMS, Options(), all_goes=True)
        if found is not None:
            assert transaction.uninstall(host, quiet, found.receipt) == []
        made: set[str] = (
            {"package", "package/admin", "command", "service"} if found is None else set()
        )
        assert_gone(image, before, frozenset(made))
        if not killed:
            break
        for path in sorted(made, reverse=True):
            if image.path(path).is_dir():
                image.path(path).rmdir()
