"""Receipts that were lost or are damaged: what is there is taken as it is, and nothing is twice."""

from __future__ import annotations

import pytest
from helpers.images import KINDS, Image, Kind, MakeImage
from helpers.installer import look_at, plan_for
from helpers.lost import assert_gone, install, lose, recover, told

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

CHOICES: dict[str, dict[str, object]] = {
    "as usual": {},
    "fhs": {"layout": "fhs"},
    "another directory": {"service_dir": "/srv/services"},
    "not at boot": {"enable": False},
}

UNTOLD = {("container", "another directory")}
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
    if chosen == "not at boot" and found.choices["enable"]:
        return  # nothing of the wiring is there that could say so
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


def test_uninstalling_needs_no_receipt(kind: Kind, image: Image, small_source: object) -> None:
    host = Host(str(image.root))
    before = image.snapshot()
    transaction.install(host, plan_for(host, **kind.options), quiet)
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


def test_a_second_receipt_is_found(make_image: MakeImage, small_source: object) -> None:
    image = make_image("sysvinit-debian")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    assert not [one for one in examine(look_at(host), INIT_SYSTEMS) if "receipt" in one.what]
    text = image.path(receipts.path(host)).read_text()
    image.file("/var/db/slashservice/receipt.json", text)
    found = [one for one in examine(look_at(host), INIT_SYSTEMS) if "two receipts" in one.what]
    assert [one.remedy for one in found] == ["rm /var/db/slashservice/receipt.json"]


def test_code_without_a_wiring_is_wired_in(make_image: MakeImage, small_source: object) -> None:
    image = make_image("sysvinit-debian")
    text = image.path("/etc/inittab").read_bytes()
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    once = told(image.snapshot())
    lose(host)
    image.path("/etc/inittab").write_bytes(text)
    for path in [*image.path("/etc").glob("rc?.d/*svscan"), image.path("/etc/init.d/svscan")]:
        path.unlink()
    assert install(host)
    again = told(image.snapshot())
    receipt = "var/lib/slashservice/receipt.json"
    assert {**again, receipt: ()} == {**once, receipt: ()}


def test_the_interpreter_is_remembered(make_image: MakeImage, small_source: object) -> None:
    image = make_image("systemd").program("/usr/local/bin/python3.12")
    host = Host(str(image.root))
    other = "/usr/local/bin/python3.12"
    transaction.install(host, plan_for(host), quiet)
    old = receipts.load(host)
    assert old is not None and remembered(host, old, Options()).python == ""
    for python, expected in ((old.python, old.python), (other, other), ("", other)):
        install(host, python=python)
        receipt = receipts.load(host)
        assert receipt is not None and receipt.python == receipt.choices["python"] == expected
    image.path(other).unlink()
    assert remembered(host, receipts.load(host), Options()).python == ""


FOREIGN = ("foreign", "notes/readme", "supervise/notes.txt", "command/mine.sh", "man/mine", ".mine")


@pytest.mark.parametrize("name", FOREIGN)
def test_what_others_put_beside_our_code_stays(
    name: str, make_image: MakeImage, small_source: object
) -> None:
    """Also where no receipt tells which files are ours."""
    image = make_image("systemd")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    tree = plan_for(host).layout.tree
    image.file(f"{tree}/{name}", "mine\n")
    lose(host)
    said = transaction.uninstall(host, quiet, recover(host))
    assert image.path(f"{tree}/{name}").read_text() == "mine\n"
    assert [one for one in image.path(tree).rglob("*") if one.is_file()] == [
        image.path(f"{tree}/{name}")
    ]
    assert any(name in one and "is left" in one for one in said)
