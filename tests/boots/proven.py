"""Write ``docs/proven.md``: what the results of the tests say was booted, and where.

./test tests/boots --proven
"""

from __future__ import annotations

from collections.abc import Mapping

from boots import boxes
from boots.trees import CHECKOUT, RECIPES

from slashservice.installer.init_systems import INIT_SYSTEMS

DOCUMENT = CHECKOUT / "docs/proven.md"
HEAD = """\
# What was booted

Written by `./test tests/boots --proven`, from what passed; not by hand.

*Booted* means the whole life of a machine: a plain system; install; svscan is the child it
should be; a redis with a log answers; svscan is killed, comes back and adopts it; `svc -d` and
`-u`; a reboot after which all is back; a shutdown in order, with every line in the logs; and
uninstalling, after which every file is as it was. *In namespaces*: the init system is PID 1 of
a container. *Emulated*: a whole machine with a kernel and a disk, by QEMU. *By Vagrant*: a box
made here by `vagrant/build-box`, from `up` by `reload` to `destroy`. *Checked only*: its files
are tested on images of such hosts, and by what judges them, but nobody has seen them boot here.

"""

WAYS = {
    "test_namespaces.py": "in namespaces",
    "test_other_ways.py": "in namespaces",
    "test_machines.py": "emulated",
    "test_vagrant.py": "by Vagrant",
}
OTHER_WAYS = {
    "test_rc_local[systemd]": "rc.local under systemd",
    "test_rc_local[sysvinit]": "rc.local under sysvinit",
    "test_a_system_v_script": "init.d under sysvinit",
    "test_a_root_that_cannot_be_written_to": "systemd, on a root that can't be written to",
    "test_first_process_of_a_container": "container: svscan as PID 1",
}
TITLES = {
    "openrc": "OpenRC on sysvinit",
    "openrc-init": "OpenRC, openrc-init as PID 1",
    "runit": "runit-init",
    "busybox": "BusyBox init",
}
BOOTED_OTHERWISE = {"rclocal", "initd", "container"}
BY_VAGRANT = {"test_a_box_from_up_to_destroy": "debian"}


def document(passed: Mapping[str, bool]) -> str:
    """Return the document, from the outcome of each test by its id."""
    seen: dict[str, list[str]] = {}
    had: set[str] = set()
    for test, good in passed.items():
        file, _, name = test.rpartition("/")[2].partition("::")
        way = WAYS.get(file)
        if not good or way is None:
            continue
        if name in BY_VAGRANT:
            had.add(BY_VAGRANT[name])
            name = f"x[{boxes.known()[BY_VAGRANT[name]]['init']}]"
        parameter = name.partition("[")[2].rstrip("]")
        subject = OTHER_WAYS.get(name) or TITLES.get(parameter, parameter)
        if subject:
            seen.setdefault(subject, []).append(way)
    return HEAD + init_systems(seen) + "\n" + distributions(had)


def init_systems(seen: Mapping[str, list[str]]) -> str:
    """Return the table of init systems."""
    lines = ["| init system | booted here |", "|---|---|"]
    expected = [TITLES.get(name, name) for name in RECIPES] + list(OTHER_WAYS.values())
    lines += [f"| {one} | {', '.join(sorted(seen.get(one, []))) or 'no'} |" for one in expected]
    others = sorted(set(INIT_SYSTEMS) - set(RECIPES) - BOOTED_OTHERWISE)
    lines += [f"| {name} | checked only |" for name in others]
    return "\n".join(lines) + "\n"


def distributions(had: set[str]) -> str:
    """Return the table of boxes."""
    lines = ["| box | init system | by Vagrant |", "|---|---|---|"]
    for name, about in boxes.known().items():
        lines.append(
            f"| {name} | {about['init']} | {'booted here' if name in had else 'defined, not had'} |"
        )
    return "\n".join(lines) + "\n"
