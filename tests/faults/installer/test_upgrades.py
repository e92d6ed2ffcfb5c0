"""One version after another, and what stays of the older."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from helpers.images import Image, MakeImage, Snapshot
from helpers.installer import Breaking, plan_for

from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.plan import source
from slashservice.installer.plan.source import Source
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction


def quiet(line: str) -> None:
    """Take no notice of progress."""


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch, small_source: Source) -> Callable[..., None]:
    """Return what makes this another version of slashservice."""

    def become(name: str, *more: str) -> None:
        files = dict(small_source.files)
        files["installer/cli.py"] = (f"# {name}\n".encode(), 0o644)
        files |= {f"command/{one}": (b"#!/bin/sh\n", 0o755) for one in more}
        made = Source(files, tuple(sorted({*small_source.commands, *more})))
        monkeypatch.setattr(source, "collect", lambda python, tree: made)
        monkeypatch.setattr(source, "version", lambda: name)

    return become


@pytest.fixture
def systemd(make_image: MakeImage) -> tuple[Image, Host]:
    """An image with systemd, and its host."""
    image = make_image("systemd")
    return image, Host(str(image.root))


def trees(image: Image) -> list[str]:
    """The versions that are there."""
    return sorted(path.name for path in image.path("/package/admin").glob("slashservice-*"))


def test_an_upgrade_keeps_the_version_that_may_still_run(
    systemd: tuple[Image, Host], version: Callable[..., None]
) -> None:
    image, host = systemd
    before = image.snapshot()
    for name, kept in (("1", ["1"]), ("2", ["1", "2"]), ("3", ["2", "3"]), ("4", ["3", "4"])):
        version(name)
        assert transaction.install(host, plan_for(host), quiet)
        assert trees(image) == [f"slashservice-{one}" for one in kept]
        assert image.path("/package/admin/slashservice").readlink().name == f"slashservice-{name}"
        assert not transaction.install(host, plan_for(host), quiet)
    assert transaction.uninstall(host, quiet) == []
    assert image.snapshot() == before


def test_going_back_is_an_upgrade_too(
    systemd: tuple[Image, Host], version: Callable[..., None]
) -> None:
    image, host = systemd
    before = image.snapshot()
    for name in ("1", "2", "1"):
        version(name)
        transaction.install(host, plan_for(host), quiet)
    assert image.path("/package/admin/slashservice").readlink().name == "slashservice-1"
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


def test_a_command_that_a_version_gave_up_goes(
    systemd: tuple[Image, Host], version: Callable[..., None]
) -> None:
    image, host = systemd
    version("1", "svold")
    transaction.install(host, plan_for(host), quiet)
    assert image.path("/command/svold").is_symlink()
    version("2", "svnew")
    transaction.install(host, plan_for(host), quiet)
    assert not image.path("/command/svold").is_symlink()
    assert image.path("/command/svnew").is_symlink()


def test_a_command_that_leads_elsewhere_by_now_is_told_of(
    systemd: tuple[Image, Host], version: Callable[..., None]
) -> None:
    image, host = systemd
    version("1", "svold")
    transaction.install(host, plan_for(host), quiet)
    image.path("/command/svold").unlink()
    image.link("/command/svold", "/opt/svold")
    version("2")
    said: list[str] = []
    transaction.install(host, plan_for(host), said.append)
    assert "/command/svold was changed by someone else, and is left as it is" in said
    assert image.path("/command/svold").is_symlink()


def test_a_failed_upgrade_leaves_the_older_version_as_it_was(
    systemd: tuple[Image, Host], version: Callable[..., None]
) -> None:
    image, host = systemd
    version("1")
    transaction.install(host, plan_for(host), quiet)
    installed = image.snapshot()
    version("2", "svnew")
    steps = Host(str(image.root))
    transaction.install(steps, plan_for(steps), quiet)
    version("1")
    transaction.uninstall(host, quiet)
    transaction.install(host, plan_for(host), quiet)
    version("2", "svnew")
    for failing in range(1, steps.changes):
        broken = Breaking(str(image.root), failing)
        with pytest.raises((Trouble, OSError)):
            transaction.install(broken, plan_for(broken), quiet)
        assert without_times(image.snapshot()) == without_times(installed), f"step {failing}"
        receipt = receipts.load(host)
        assert receipt is not None and (receipt.version, receipt.phase) == ("1", "installed")


def test_the_same_version_with_other_code_is_replaced(
    systemd: tuple[Image, Host], version: Callable[..., None]
) -> None:
    image, host = systemd
    before = image.snapshot()
    version("1")
    transaction.install(host, plan_for(host), quiet)
    version("1", "svnew")
    transaction.install(host, plan_for(host), quiet)
    assert trees(image) == ["slashservice-1"]
    assert image.path("/command/svnew").is_symlink()
    assert image.path("/package/admin/slashservice-1/command/svnew").exists()
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


def test_what_was_taken_from_another_supervisor_stays_taken(
    make_image: MakeImage, version: Callable[..., None]
) -> None:
    image = make_image("sysvinit-debian")
    line = "SX:123456:respawn:/usr/bin/svscanboot\n"
    image.file("/etc/inittab", image.path("/etc/inittab").read_text() + line)
    image.program("/usr/bin/svscanboot", "#!/bin/sh\nsvscan /service\n")
    before = image.snapshot()
    host = Host(str(image.root))
    version("1")
    transaction.install(host, plan_for(host, replace=True), quiet)
    for name in ("2", "3"):
        version(name)
        transaction.install(host, plan_for(host), quiet)
        assert f"#slashservice# {line}" in image.path("/etc/inittab").read_text()
    assert transaction.uninstall(host, quiet) == []
    assert image.snapshot() == before


def test_another_init_system_is_another_wiring(make_image: MakeImage, small_source: Source) -> None:
    image = make_image("sysvinit-debian")
    before = image.snapshot()
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, init="initd"), quiet)
    assert b"svscan" not in image.path("/etc/inittab").read_bytes()
    transaction.install(host, plan_for(host), quiet)
    assert b"svscan" in image.path("/etc/inittab").read_bytes()
    assert not image.path("/etc/rc1.d/K00svscan").is_symlink()
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


def test_another_layout_moves_everything(make_image: MakeImage, small_source: Source) -> None:
    image = make_image("systemd")
    before = image.snapshot()
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    transaction.install(host, plan_for(host, layout="fhs", service_dir="/service"), quiet)
    assert not image.path("/command").exists()
    assert image.path("/usr/local/bin/svscan").is_symlink()
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


def test_two_at_a_time_are_one_too_many(make_image: MakeImage) -> None:
    host = Host(str(make_image("systemd").root))
    with transaction.exclusive(host):
        second = transaction.exclusive(Host(host.root))
        with pytest.raises(Refusal, match="another slashservice installer"):
            second.__enter__()
    with transaction.exclusive(host):
        pass


def without_times(found: Snapshot) -> Snapshot:
    """A snapshot without the times of files, or the receipt."""
    return {
        name: tuple(fact for at, fact in enumerate(facts) if at != 4)
        for name, facts in found.items()
        if not name.endswith("receipt.json")
    }
