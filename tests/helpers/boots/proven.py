"""Write ``docs/proven.md``: what the results of the tests say was booted, and where.

./test tests/boots tests/unit/installer tests/conformance/installer --proven
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from helpers.checkout import CHECKOUT
from helpers.standins import TEMPERS

from slashservice.installer.init_systems import INIT_SYSTEMS

DOCUMENT = CHECKOUT / "docs/proven.md"
BOXES = CHECKOUT / "vagrant/boxes.json"
HEAD = """\
# What was booted

Written by `./test tests/boots tests/unit/installer tests/conformance/installer --proven`, from
what passed; not by hand.

*Booted* means the whole life of a machine: a plain system; install; svscan is the child it
should be; a redis with a log answers; svscan is killed, comes back and adopts it; `svc -d` and
`-u`; a reboot after which all is back; a shutdown in order, with every line in the logs; and
uninstalling, after which every file is as it was. *In namespaces*: the init system is PID 1 of
a container. *Emulated*: a whole machine with a kernel and a disk, by QEMU. *By Vagrant*: a box
made here by `vagrant/build-box`, from `up` by `reload` to `destroy`. *Upgraded*: an upgrade is
killed, told to end, or refused by the system ahead of each of its steps, finished, and gone back
from, and one service runs on all the time with the same pid. *Checked only*: it can't
be had here, so nobody has seen it boot; what is installed on images of such hosts is as it
should be, all of it goes again, and was checked as said.

"""

NAMESPACES = "tests/boots/test_namespaces.py::test_whole_story[{}]"
EMULATED = "tests/boots/test_machines.py::test_whole_story[{}]"
UPGRADES = "tests/boots/test_upgrades.py::test_upgrades_interrupted_at_every_step[{}]"
OTHER = "tests/boots/test_other_ways.py::"
REPLACED = "tests/boots/test_runit_replaced.py::test_the_place_of_runsvdir[{}]"
CYCLE = "tests/boots/test_vagrant.py::test_a_box_from_up_to_destroy[{}]"
TOOLS = "tests/conformance/installer/test_tools.py::"
SCRIPTS = "tests/conformance/installer/test_rc_scripts.py::"
LEFT = SCRIPTS + "test_what_a_dead_svscan_left_is_stopped[{}]"
IMAGES = "tests/unit/installer/test_plans.py::test_uninstalling_brings_back_every_byte[{}]"
SHELLS = "read by sh, bash, BusyBox ash and mksh"


@dataclass(frozen=True)
class Booted:
    """A way to be started that boots here: its tests, by where they boot it."""

    title: str
    init: str
    ways: Mapping[str, str]


def everywhere(name: str) -> dict[str, str]:
    """Return the tests of a tree that may be booted in namespaces and emulated."""
    return {"in namespaces": NAMESPACES.format(name), "emulated": EMULATED.format(name)}


BOOTED = (
    Booted("systemd", "systemd", everywhere("systemd") | {"by Vagrant": CYCLE.format("debian")}),
    Booted(
        "sysvinit",
        "sysvinit",
        everywhere("sysvinit") | {"by Vagrant": CYCLE.format("debian-sysvinit")},
    ),
    Booted("OpenRC on sysvinit", "openrc", everywhere("openrc")),
    Booted("OpenRC, openrc-init as PID 1", "openrc", everywhere("openrc-init")),
    Booted("runit-init", "runit", everywhere("runit")),
    *(
        Booted(f"runsvdir replaced: {name}", "runit", {"in namespaces": REPLACED.format(name)})
        for name in (
            "Debian",
            "Void, built from Debian's packages",
            "Artix, built from Debian's packages",
        )
    ),
    Booted("BusyBox init", "busybox", everywhere("busybox")),
    Booted("finit", "finit", everywhere("finit")),
    *(
        Booted(title, init, {"in namespaces": OTHER + test})
        for title, init, test in (
            ("rc.local under systemd", "rclocal", "test_rc_local[systemd]"),
            ("rc.local under sysvinit", "rclocal", "test_rc_local[sysvinit]"),
            ("init.d under sysvinit", "initd", "test_a_system_v_script"),
            ("init.d, no inittab", "initd", "test_a_system_with_neither_inittab_nor_rc_local"),
            ("Slackware, its rc scripts stood in for", "slackware", "test_slackware"),
            ("systemd, read-only root", "systemd", "test_a_root_that_cannot_be_written_to"),
            ("container: svscan as PID 1", "container", "test_first_process_of_a_container"),
        )
    ),
    Booted(
        "systemd's user manager (`install --user`)",
        "systemd-user",
        {"in namespaces": "tests/boots/test_user.py::test_systemd_s_user_manager"},
    ),
)


WAYS = {
    "OpenRC on sysvinit": "openrc",
    "OpenRC, openrc-init as PID 1": "openrc-init",
    "runit-init": "runit",
    "BusyBox init": "busybox",
}
"""What the tests of upgrades call those ways that are called otherwise here."""


@dataclass(frozen=True)
class Checked:
    """An init system that can't be had here, and what checks its files instead."""

    init: str
    kinds: tuple[str, ...]
    tests: tuple[str, ...]
    how: str


CHECKED = (
    Checked(
        "upstart",
        ("upstart", "upstart-event.d"),
        (
            TOOLS + "test_upstart_knows_every_stanza",
            TOOLS + "test_old_upstart_knows_every_stanza",
        ),
        "each stanza is one of its manual",
    ),
    Checked(
        "openbsd",
        ("openbsd", "openbsd-old"),
        (
            SCRIPTS + "test_openbsd",
            SCRIPTS + "test_openbsd_before_rcctl",
            LEFT.format("openbsd"),
        ),
        "run by mksh, over a stand-in for rc.subr",
    ),
    Checked(
        "freebsd",
        ("freebsd",),
        (
            *(SCRIPTS + f"test_freebsd[{temper}]" for temper in TEMPERS),
            *(LEFT.format(f"freebsd, {temper} daemon") for temper in TEMPERS),
        ),
        "run over stand-ins for rc.subr and daemon",
    ),
    Checked(
        "netbsd",
        ("netbsd",),
        (SCRIPTS + "test_netbsd", LEFT.format("netbsd")),
        "run over a stand-in for rc.subr",
    ),
    Checked(
        "procd",
        ("procd",),
        (SCRIPTS + "test_procd", LEFT.format("procd")),
        "run over stand-ins for rc.common and procd",
    ),
    Checked(
        "shepherd",
        ("shepherd",),
        (TOOLS + "test_shepherd_knows_every_keyword",),
        "each keyword is one of its manual",
    ),
    Checked(
        "smf",
        (),
        (TOOLS + "test_smf_knows_every_element",),
        "shown, not installed, as svscan does not run there; each element is one of its DTD",
    ),
    Checked(
        "launchd",
        ("macos",),
        (TOOLS + "test_launchd_knows_every_key",),
        "each key is one of its manual",
    ),
    Checked(
        "dinit",
        ("dinit", "dinit-chimera", "dinit-artix"),
        tuple(
            TOOLS + f"test_dinit_{test}[dinit-{which}]"
            for test in ("knows_every_property", "starts_and_stops_it_in_its_place")
            for which in ("chimera", "artix")
        ),
        "each property is one of its manual; in order over a stand-in for dinit",
    ),
    Checked("s6", ("s6", "s6-artix"), (TOOLS + "test_shells_can_read_them[mksh-s6]",), SHELLS),
)


def document(passed: Mapping[str, bool]) -> str:
    """Return the document, from whether each test passed, by its id."""
    fates = {one.init: f"checked only: {one.how}" for one in CHECKED if is_checked(one, passed)}
    lines = ["| init system | here |", "|---|---|"]
    for one in BOOTED:
        ways = sorted(way for way, test in one.ways.items() if passed.get(test))
        if ways and passed.get(UPGRADES.format(WAYS.get(one.title, one.title))):
            ways.append("upgraded")
        lines.append(f"| {one.title} | {'booted ' + ', '.join(ways) if ways else 'no'} |")
        if ways:
            fates[one.init] = "not had; its init system is"
    lines += [f"| {one.init} | {fates.get(one.init, 'no')} |" for one in CHECKED]
    lines += ["", "| box | init system | here |", "|---|---|---|"]
    for name, about in json.loads(BOXES.read_text()).items():
        had = passed.get(CYCLE.format(name))
        fate = "booted by Vagrant" if had else in_short(fates.get(about["init"], "no"))
        lines.append(f"| {name} | {about['init']} | {fate} |")
    return HEAD + "\n".join(lines) + "\n"


def in_short(fate: str) -> str:
    """Say how a box fares that was not had, by how its init system does."""
    word = fate.partition(":")[0]
    return "not had; its init system booted" if word.startswith("not had") else word


def is_checked(one: Checked, passed: Mapping[str, bool]) -> bool:
    """Tell whether all passed that checks an init system's files."""
    tests = (*one.tests, *(IMAGES.format(kind) for kind in one.kinds))
    return all(passed.get(test) for test in tests)


def missing() -> set[str]:
    """Return the init systems that the document says nothing of."""
    return set(INIT_SYSTEMS) - {one.init for one in BOOTED} - {one.init for one in CHECKED}
