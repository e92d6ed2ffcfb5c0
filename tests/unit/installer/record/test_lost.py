"""Receipts that were lost or are damaged: what is there is taken as it is, and nothing is twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.images import KINDS, Image, Kind, MakeImage, Snapshot
from helpers.installer import look_at, plan_for

from slashservice.installer import status
from slashservice.installer.cli.verbs_install import remembered
from slashservice.installer.doctor import examine
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host, state_folder
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan.options import Options
from slashservice.installer.plan.planner import make_plan
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import recovery, transaction
from slashservice.installer.record.receipt import Receipt

CHOICES: dict[str, dict[str, object]] = {
    "as usual": {},
    "fhs": {"layout": "fhs"},
    "another directory": {"service_dir": "/srv/services"},
    "not at boot": {"enable": False},
    "fhs elsewhere": {"layout": "fhs", "service_dir": "/srv/services"},
}

STANDARD = {
    *("usr/local", "usr/local/bin", "usr/local/share", "usr/local/share/man"),
    *("usr/local/share/man/man8", "usr/local/lib", "srv", "srv/services", "etc/service", "usr"),
    *("etc/rc.conf.d", "etc/shepherd"),
}
"""Folders of which nobody can know whether we made them."""


UNTOLD = {("container", "another directory"), ("container", "fhs elsewhere")}
"""Where no file of ours names the scan directory."""

SAME_FILES = {("rclocal-sysvinit", "not at boot"): "sysvinit"}
"""Where what is left is what another init system has, too."""


def quiet(line: str) -> None:
    """Take no notice of progress."""


@pytest.fixture(params=list(CHOICES))
def chosen(request: pytest.FixtureRequest) -> str:
    """The name of what was chosen when slashservice was installed."""
    return str(request.param)


@pytest.fixture
def options(chosen: str, kind: Kind) -> dict[str, object]:
    """The options with which it was installed."""
    return {**kind.options, **CHOICES[chosen]}


def lose(host: Host) -> Receipt:
    """Remove the receipt; return what it said."""
    receipt = receipts.load(host)
    assert receipt is not None
    Path(host.real(receipts.path(host))).unlink()
    return receipt


def recover(host: Host, **options: object) -> Receipt | None:
    """Make a receipt of what is there."""
    chosen = Options(**options)  # type: ignore[arg-type]
    found = recovery.recover(look_at(host, chosen.init), INIT_SYSTEMS, chosen)
    return found.receipt if found else None


def install(host: Host, **options: object) -> bool:
    """Install as the verb does, with the present receipt or without one."""
    chosen = Options(**options)  # type: ignore[arg-type]
    old = receipts.load(host) or recover(host, **options)
    chosen = remembered(host, old, chosen)
    plan = make_plan(look_at(host, chosen.init), INIT_SYSTEMS, chosen)
    return transaction.install(host, plan, quiet, old)


def told(snapshot: Snapshot) -> Snapshot:
    """A snapshot without the times of files, which nobody can know any more."""
    return {path: (*facts[:4], *facts[5:]) for path, facts in snapshot.items()}


def assert_gone(image: Image, before: Snapshot, unknown: frozenset[str] = frozenset()) -> None:
    """Assert that all is as it was, as far as that can be known."""
    after, before = told(image.snapshot()), told(before)
    assert set(after) - set(before) <= STANDARD | unknown
    for path, facts in before.items():
        if path not in after:
            assert path in STANDARD
            continue
        there = image.path(path)
        if facts != after[path]:
            text = there.read_bytes()  # a newline that the last line lacked
            assert text.endswith(b"\n"), path
            there.write_bytes(text[:-1])
            assert told(image.snapshot())[path] == facts, path


def test_what_is_there_is_taken_as_it_is(
    kind_name: str,
    chosen: str,
    options: dict[str, object],
    image: Image,
    small_source: object,
) -> None:
    if (kind_name, chosen) in UNTOLD:
        pytest.skip("no file of ours names the scan directory")
    try:
        plan = plan_for(host := Host(str(image.root)), **options)
    except Refusal:
        pytest.skip("this host can't have it so")
    before = image.snapshot()
    transaction.install(host, plan, quiet)
    once = image.snapshot()
    was = lose(host)
    found = recover(host)
    assert found is not None
    init = SAME_FILES.get((kind_name, chosen), was.init)
    assert (found.init, found.layout, found.service_dir) == (init, was.layout, was.service_dir)
    if any(entry.action.enables for entry in was.entries):
        assert found.choices["enable"]
    if init == was.init:
        assert {one.action.key for one in was.entries} <= {one.action.key for one in found.entries}
    install(host)
    again = image.snapshot()
    receipt = f"{state_folder(host)}/receipt.json"[1:]
    assert {**again, receipt: ()} == {**once, receipt: ()}
    assert not install(host)
    seen = status.look(host)
    assert {one.state for one in seen.artefacts} <= {"ok"}
    found_wrong = [one.what for one in examine(look_at(host), INIT_SYSTEMS)]
    assert not any("slashservice" in one for one in found_wrong), found_wrong
    assert transaction.uninstall(host, quiet) == []
    assert_gone(image, before)


def test_uninstalling_needs_no_receipt(
    kind: Kind, options: dict[str, object], image: Image, small_source: object
) -> None:
    try:
        plan = plan_for(host := Host(str(image.root)), **options)
    except Refusal:
        pytest.skip("this host can't have it so")
    before = image.snapshot()
    transaction.install(host, plan, quiet)
    lose(host)
    look = look_at(host)
    found = recovery.recover(look, INIT_SYSTEMS, Options(), all_goes=True)
    assert found is not None
    assert transaction.uninstall(host, quiet, found.receipt) == []
    assert_gone(image, before)


def both(image: Image, first: str, second: str) -> Host:
    """Have slashservice wired in twice, as a second installation of old made it."""
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, init=first), quiet)
    lose(host)
    transaction.install(host, plan_for(host, init=second), quiet)
    return host


FOLDERS = ("/etc/systemd/system/multi-user.target.wants", "/etc/dinit.d/boot.d")
"""What the second of two init systems has its folders in."""

PAIRS = [
    *(("sysvinit-debian", "sysvinit", "dinit"), ("sysvinit-debian", "initd", "systemd")),
    *(("sysvinit-debian", "sysvinit", "systemd"), ("rclocal-systemd", "rclocal", "systemd")),
    *(("systemd", "systemd", "dinit"), ("openrc-alpine", "busybox", "dinit")),
    *(("runit-void", "systemd", "runit"), ("finit", "dinit", "finit")),
]


@pytest.mark.parametrize(("there", "first", "second"), PAIRS)
def test_two_wirings_without_a_receipt_are_asked_about(
    there: str, first: str, second: str, make_image: MakeImage, small_source: object
) -> None:
    image = make_image(there).folders(*FOLDERS)
    before = image.snapshot()
    host = both(image, first, second)
    lose(host)
    twice = image.snapshot()
    with pytest.raises(Refusal, match="no receipt tells which counts") as refused:
        install(host)
    assert image.snapshot() == twice
    said = "\n".join(refused.value.advice)
    assert f"--init {first} " in said and f"--init {second} " in said
    found = [one for one in examine(look_at(host), INIT_SYSTEMS) if "which counts" in one.what]
    assert len(found) == 1 and f"slashservice install --init {second}" in found[0].remedy
    for chosen in (first, second):
        assert install(host, init=chosen)
        assert not any("twice" in one.what for one in examine(look_at(host), INIT_SYSTEMS))
        assert not install(host)
        assert {one.state for one in status.look(host).artefacts} <= {"ok"}
        transaction.uninstall(host, quiet)
        assert_gone(image, before)
        lose(both(image, first, second))


@pytest.mark.parametrize(("there", "first", "second"), PAIRS)
def test_two_wirings_beside_a_receipt_are_found_and_mended(
    there: str, first: str, second: str, make_image: MakeImage, small_source: object
) -> None:
    image = make_image(there).folders(*FOLDERS)
    before = image.snapshot()
    host = both(image, first, second)
    look = look_at(host)
    (finding,) = (one for one in examine(look, INIT_SYSTEMS) if "wired in twice" in one.what)
    assert f"for {second}" in finding.what and f"for {first} in " in finding.what
    assert "slashservice install" in finding.remedy
    old = receipts.load(host)
    assert old is not None
    old = recovery.with_strays(look, INIT_SYSTEMS, old)
    options = remembered(host, old, Options())
    plan = make_plan(look_at(host, options.init), INIT_SYSTEMS, options)
    assert transaction.install(host, plan, quiet, old)
    assert not any("twice" in one.what for one in examine(look_at(host), INIT_SYSTEMS))
    assert {one.state for one in status.look(host).artefacts} <= {"ok"}
    transaction.uninstall(host, quiet)
    assert_gone(image, before, frozenset(("package", "package/admin", "command", "service")))


def test_two_layouts_without_a_receipt(make_image: MakeImage, small_source: object) -> None:
    image = make_image("sysvinit-debian")
    before = image.snapshot()
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, layout="fhs", service_dir="/service"), quiet)
    lose(host)
    transaction.install(host, plan_for(host, layout="slashpackage", replace=True), quiet)
    lose(host)
    install(host)  # what is wired in says which counts
    receipt = receipts.load(host)
    assert receipt is not None and receipt.layout == "slashpackage"
    assert not host.lstat("/usr/local/lib/slashservice/current")
    transaction.uninstall(host, quiet)
    assert_gone(image, before)


def test_what_was_put_out_of_force_is_given_back(
    make_image: MakeImage, small_source: object
) -> None:
    image = make_image("replace")
    before = image.snapshot()
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, **KINDS["replace"].options), quiet)
    lose(host)
    install(host)
    receipt = receipts.load(host)
    assert receipt is not None
    assert any(entry.action.sticky for entry in receipt.entries)
    assert not install(host)
    assert transaction.uninstall(host, quiet) == []
    assert told(image.snapshot())["etc/inittab"] == told(before)["etc/inittab"]
    assert image.path("/etc/service").is_dir()  # others had a scan directory there
