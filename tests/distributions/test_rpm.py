"""The rpms: built, looked at, and installed on what Debian has of Fedora, booted by systemd."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from helpers import rpm
from helpers.boots.story import do, eventually
from helpers.boots.trees import tree
from helpers.checkout import CHECKOUT
from helpers.keeping import sandboxes
from helpers.rpm import System
from helpers.sandbox import Sandbox

from slashservice.supervise.chain.launchers import COMMANDS
from slashservice.supervise.version import VERSION

pytestmark = [pytest.mark.root, pytest.mark.slow]

NEWER = f"{VERSION}.1"
CODE = "slashservice"
OTHERS = ("slashservice-daemontools", "slashservice-runit")
COUNTER = "i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done"
HOME = "/usr/share/slashservice"
SEED = int(os.environ.get("SLASHSERVICE_SEED", "1"))
STEPS = int(os.environ.get("SLASHSERVICE_STEPS", "4"))
"""How many transactions are done in an order of chance; CONTRIBUTING.md has the command."""

Packages = dict[str, Path]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    """Our rpms of this version, of a newer one, and those of the tests."""
    folder = tmp_path_factory.mktemp("rpm")
    found = rpm.build(rpm.copy(folder / "this"), folder / "built")
    newer = rpm.build(rpm.copy(folder / "newer", NEWER), folder / "built-newer")
    found |= {f"{name}-newer": path for name, path in newer.items()}
    found[rpm.STAND_IN] = rpm.made(rpm.STAND_IN_SPEC, folder / "stand-in")
    for version in ("1", "2"):
        spec = rpm.BRINGING_SPEC.format(name="web", version=version)
        found[f"web-{version}"] = rpm.made(spec, folder / f"web-{version}")
    return found


@pytest.fixture(scope="module")
def fedora(packages: Packages) -> Iterator[System]:
    """A system, booted; each test leaves it without our packages."""
    with rpm.system(packages) as made:
        yield made


@pytest.fixture
def debian(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """The same tree, not booted."""
    with sandboxes(request) as start:
        yield start(["sleep", "infinity"], lower=tree(rpm.FEDORA_LIKE), checkout=False)


@pytest.fixture
def bare(fedora: System) -> Iterator[System]:
    """The same, without our packages before and after the test."""
    yield fedora
    erase_all(fedora)
    do(fedora.host, "rm -rf /etc/service /etc/slashservice /var/log/slashservice")


def erase_all(system: System) -> None:
    there = installed(system)
    if there:
        system.rpm("-e", *there)


def installed(system: System) -> dict[str, str]:
    """Return the versions of the packages that are installed, by their names."""
    told = do(system.host, "rpm -qa --qf '%{NAME} %{VERSION}\\n'").split()
    found = dict(zip(told[::2], told[1::2], strict=True))
    found.pop(rpm.STAND_IN)
    return found


def counted(system: System) -> list[int]:
    """Return the numbers that the service ``counter`` has printed, as its log has them."""
    lines = do(system.host, "cat /var/log/slashservice/counter/current").splitlines()
    return [int(line.split()[-1]) for line in lines if line.split()[1:]]


def add_counter(system: System) -> int:
    """Add a service that prints numbers; return its pid."""
    do(system.host, f"slashservice add counter -- sh -c '{COUNTER}'")
    return system.pids()["counter"]


# What is in them ---------------------------------------------------------------------


def test_versions_agree() -> None:
    assert re.search(rf"^Version: +{re.escape(VERSION)}$", (CHECKOUT / rpm.SPEC).read_text(), re.M)


def test_each_command_is_in_one_package_with_its_page_and_completions(packages: Packages) -> None:
    owner: dict[str, list[str]] = {}
    for name in (CODE, *OTHERS):
        for path in rpm.said("rpm", "-qpl", str(packages[name])).splitlines():
            owner.setdefault(path, []).append(name)
    assert {path for path, names in owner.items() if len(names) > 1} == set()
    for command in ("slashservice", *COMMANDS):
        if command == "loghost":
            continue  # nobody calls it
        where = owner[f"/usr/bin/{command}"]
        assert owner[f"/usr/share/man/man8/{command}.8.gz"] == where
        assert owner[f"/usr/share/bash-completion/completions/{command}"] == where
        assert owner[f"/usr/share/fish/vendor_completions.d/{command}.fish"] == where
    assert owner["/usr/share/zsh/site-functions/_slashservice"] == [CODE]


@pytest.mark.parametrize("package", OTHERS)
def test_they_divide_the_commands_as_the_debs_do(package: str, packages: Packages) -> None:
    listed = rpm.said("rpm", "-qpl", str(packages[package])).splitlines()
    names = {one.rpartition("/")[2] for one in listed if one.startswith("/usr/bin/")}
    assert names == rpm.of_debs(package)


def test_they_take_the_place_of_the_originals(packages: Packages) -> None:
    asked = "[%{CONFLICTS} ][%{PROVIDES} ]"
    daemontools = rpm.asked(packages[OTHERS[0]], asked).split()
    runit = rpm.asked(packages[OTHERS[1]], asked).split()
    assert daemontools.count("daemontools") == 2
    assert runit.count("runit") == 1  # what needs runit may want it as init


def test_no_python_of_the_build_host_is_in_them(packages: Packages) -> None:
    required = rpm.said("rpm", "-qp", "--requires", str(packages[CODE])).splitlines()
    assert {"python3 >= 3.10", "python3-distro", "python3-plumbum", "/usr/bin/python3"} <= {
        *required
    }
    assert not [one for one in required if re.search(r"python\(abi\)|python3\.\d", one)]
    assert all(rpm.asked(packages[name], "%{ARCH}") == "noarch" for name in (CODE, *OTHERS))
    files = rpm.said("rpm", "-qpl", str(packages[CODE]))
    assert not re.search(r"python3\.\d|\.pyc|\.py[do]\b", files)


def test_rpmlint_finds_nothing_and_no_filter_is_idle(packages: Packages) -> None:
    words = [str(packages[name]) for name in (CODE, *OTHERS, "source")]
    config = CHECKOUT / "packaging/rpm/rpmlint.toml"
    told = rpm.said("rpmlint", "-c", str(config), *words, str(CHECKOUT / rpm.SPEC))
    assert "0 errors, 0 warnings" in told, told
    plain = rpm.complaints(*words, str(CHECKOUT / rpm.SPEC))
    filters = re.findall(r'^    "(.*)",$', config.read_text(), re.M)
    assert [one for one in filters if not re.search(one.replace("\\\\", "\\"), plain)] == []


def test_two_builds_are_the_same_to_the_byte(packages: Packages, tmp_path: Path) -> None:
    """Even in another folder, with another umask, home, language and time zone."""
    copy = rpm.copy(tmp_path / "elsewhere")
    again = rpm.build(copy, tmp_path / "to", TZ="Asia/Kolkata", HOME="/", LC_ALL="C.UTF-8")
    for name, path in again.items():
        assert path.read_bytes() == packages[name].read_bytes(), name


@pytest.mark.parametrize("words", [("a", "b"), ("-x",), ("--help",), ("",)])
def test_wrong_words_for_the_builder_are_said_in_one_line(words: tuple[str, ...]) -> None:
    status, told = rpm.failing(str(CHECKOUT / "packaging/build-rpm"), *words)
    assert (status, told.count("\n")) == (100, 1)
    assert told.startswith("build-rpm: usage: ")


# Installed ---------------------------------------------------------------------------


def test_a_person_installs_it_and_adds_a_service_and_it_runs(bare: System) -> None:
    bare.rpm("-i", CODE)
    pid = add_counter(bare)
    assert pid
    host = bare.host
    assert do(host, "systemctl is-enabled svscan.service").strip() == "enabled"
    eventually(lambda: len(counted(bare)) > 3, "its log has lines")
    assert "nothing found wrong" in do(host, "slashservice doctor")
    assert "dnf remove slashservice" in host.run("slashservice uninstall").stderr
    assert do(host, "rpm -V slashservice") == ""
    bare.rpm("-i", *OTHERS)
    assert f"(pid {pid})" in do(host, "svstat /etc/service/counter")
    assert "run: counter: " in do(host, "sv status counter")
    bare.rpm("-e", *OTHERS)
    assert bare.pids() == {"counter": pid}


def test_upgraded_and_back_no_daemon_restarts_and_no_line_is_lost(bare: System) -> None:
    bare.rpm("-i", CODE, *OTHERS)
    pid = add_counter(bare)
    first, version = bare.running()
    assert version == VERSION
    bare.rpm("-U", f"{CODE}-newer", *(f"{one}-newer" for one in OTHERS))
    second, version = bare.running()
    assert (version, second != first) == (NEWER, True)
    assert bare.pids() == {"counter": pid}
    bare.rpm("-U --oldpackage", CODE, *OTHERS)
    third, version = bare.running()
    assert (version, third != second) == (VERSION, True)
    bare.rpm("-U --replacepkgs", CODE)
    assert bare.running() == (third, VERSION)  # the same code is not exchanged
    assert bare.pids() == {"counter": pid}
    last = counted(bare)[-1]
    eventually(lambda: counted(bare)[-1] > last, "it is still logged")
    assert all(after == before + 1 for before, after in pairwise(counted(bare)))
    assert bare.host.run(f"ls {HOME}").stdout.split()[1:] == ["current", "packaged"]


def test_erasing_stops_services_in_order_and_leaves_what_people_have(bare: System) -> None:
    bare.rpm("-i", CODE)
    pid = add_counter(bare)
    bare.rpm("-e", CODE)
    host = bare.host
    assert not host.file(f"/proc/{pid}").exists
    assert bare.left() == []
    assert do(host, "cat /etc/slashservice/counter/run").startswith("#!/bin/sh")
    assert host.file("/etc/service/counter").is_symlink
    assert host.run("systemctl is-enabled svscan.service").rc != 0
    bare.rpm("-i", CODE)
    eventually(lambda: bare.pids().get("counter"), "it runs again, with the package")


def test_a_preset_of_the_administrators_is_obeyed(bare: System) -> None:
    preset = "/etc/systemd/system-preset/00-no.preset"
    do(bare.host, f"mkdir -p {preset.rpartition('/')[0]}; echo disable svscan.service >{preset}")
    try:
        bare.rpm("-i", CODE)
        assert bare.host.run("systemctl is-enabled svscan.service").stdout.strip() == "disabled"
        assert bare.running()[0] == 0
        bare.rpm("-U", f"{CODE}-newer")
        assert bare.running()[0] == 0
        assert bare.host.run("systemctl is-enabled svscan.service").stdout.strip() == "disabled"
    finally:
        do(bare.host, f"rm {preset}")


def test_offline_nothing_is_started_and_all_is_ready_for_the_boot(bare: System) -> None:
    offline = "SYSTEMD_OFFLINE=1"
    bare.rpm("-i", CODE, ahead=offline)
    assert bare.running()[0] == 0
    assert do(bare.host, "systemctl is-enabled svscan.service").strip() == "enabled"
    do(bare.host, "systemctl daemon-reload; systemctl start svscan.service")
    before = bare.running()
    bare.rpm("-U", f"{CODE}-newer", ahead=offline)
    assert bare.running() == before  # whoever is offline touches no process
    bare.rpm("-e", CODE, ahead=offline)
    do(bare.host, "systemctl stop svscan.service")
    assert bare.left() == []


def test_nothing_that_fails_in_us_fails_a_transaction(bare: System) -> None:
    """A receipt that can't be read, and a systemctl that always fails."""
    host = bare.host
    do(host, "mkdir -p /var/lib/slashservice; echo no receipt >/var/lib/slashservice/receipt.json")
    told = bare.rpm("-i", CODE)
    assert re.search(r"^slashservice: warning: [^\n]*receipt", told, re.M), told
    assert "Traceback" not in told
    told = bare.rpm("-U", f"{CODE}-newer") + bare.rpm("-e", CODE)
    assert "Traceback" not in told
    do(host, "rm -r /var/lib/slashservice")
    do(host, "mount --bind /bin/false /usr/bin/systemctl")
    try:
        bare.rpm("-i", CODE)
        bare.rpm("-U", f"{CODE}-newer")
        bare.rpm("-e", CODE)
    finally:
        do(host, "umount /usr/bin/systemctl")
    assert bare.left() == []


def test_a_package_brings_a_service(bare: System) -> None:
    bare.rpm("-i", CODE)
    counter = add_counter(bare)
    bare.rpm("-i", "web-1")
    first = eventually(lambda: bare.pids().get("web", 0), "what the package brought runs")
    bare.rpm("-U", "web-2")
    assert bare.pids() == {"web": first, "counter": counter}
    bare.rpm("-e", "web")
    eventually(lambda: bare.pids() == {"counter": counter}, "it went with its package")
    assert not bare.host.file("/etc/service/web").is_symlink


def test_whatever_the_order_of_transactions(bare: System) -> None:
    """Of what is installed svscan runs the code, and the daemon is one and the same."""
    chance = random.Random(SEED)
    bare.rpm("-i", CODE)
    pid, told = add_counter(bare), ["-i slashservice"]
    for _ in range(STEPS):
        there = installed(bare)
        version = there[CODE]
        same, other = ("", "-newer") if version == VERSION else ("-newer", "")
        others = [one for one in OTHERS if one in there]
        absent = [one for one in OTHERS if one not in there]
        choices = [("-U --oldpackage", [f"{one}{other}" for one in (CODE, *others)])]
        choices += [("-U --oldpackage", [f"{one}{other}" for one in (CODE, *OTHERS)])]
        choices += [("-U --replacepkgs", [f"{one}{same}" for one in (CODE, *others)])]
        choices += [("-i", [f"{one}{same}"]) for one in absent]
        choices += [("-e", [one]) for one in others]
        options, names = chance.choice(choices)
        told.append(f"{options} {' '.join(names)}")
        bare.rpm(options, *names)
        now = installed(bare)
        assert bare.running()[1] == now[CODE], told
        assert bare.pids() == {"counter": pid}, told
        folders = [one for one in do(bare.host, f"ls {HOME}").split() if one[0].isdigit()]
        assert [one.rpartition("-")[0] for one in folders] == [now[CODE]], told
        assert do(bare.host, "rpm -Va slashservice*") == "", told


def test_into_an_image_by_the_rpm_of_another_host(packages: Packages, debian: Sandbox) -> None:
    """As images are made: rpm changes its root, and what it installs runs there later."""
    root = debian.root
    rpm.said(*debian.beside("rpm", "--root", debian.tree, "--initdb"))
    words = debian.beside("rpm", "--force-debian", "--root", debian.tree)
    rpm.said(*words, "-i", str(packages[rpm.STAND_IN]), str(packages[CODE]))
    wanted = root / "etc/systemd/system/multi-user.target.wants/svscan.service"
    assert wanted.is_symlink()
    rpm.said(*words, "-U", str(packages[f"{CODE}-newer"]))
    rpm.said(*words, "-e", CODE)
    assert not wanted.is_symlink()
    assert debian.run("sh", "-c", "find /usr /etc -name '*slashservice*' -o -name '*svscan*'") == ""
