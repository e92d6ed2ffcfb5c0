"""A real policy, that of Debian, and the programs that change and ask it. No kernel enforces it
here: what is shown is which labels our files get, and that nothing of it stays.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox

pytestmark = [pytest.mark.root, pytest.mark.slow]

PACKAGES = ("selinux-policy-default", "policycoreutils-python-utils", "selinux-utils", "setools")
PREPARE = """
mkdir -p root/etc/selinux
printf 'SELINUX=permissive\\nSELINUXTYPE=default\\n' >root/etc/selinux/config
printf '#!/bin/sh\\nexit 101\\n' >root/usr/sbin/policy-rc.d
chmod 755 root/usr/sbin/policy-rc.d
"""
TREE = "/package/admin/slashservice-0.1.0"
PLACES = {
    "/command": "bin_t",
    "/command/svscan": "bin_t",
    "/package": "usr_t",
    "/package/admin": "usr_t",
    "/package/admin/slashservice": "bin_t",
    TREE: "lib_t",
    f"{TREE}{{new}}": "lib_t",
    f"{TREE}/command/svscan": "bin_t",
    f"{TREE}{{new}}/command/svscan": "bin_t",
    f"{TREE}/supervise/program.py": "lib_t",
    f"{TREE}/vendor/plumbum/__init__.py": "lib_t",
    "/package/host/other": "default_t",
    "/commands": "default_t",
    "/usr/local/lib/slashservice/0.1.0/supervise": "lib_t",
    "/usr/local/bin/svscan": "bin_t",
}
SCRIPT = f"""
import json
from slashservice.installer.host.host import Host
from slashservice.installer.plan.labels import LabelRules, _local
host, action = Host(), LabelRules()
def types():
    lines = host.run(["matchpathcon", *{list(PLACES)!r}]).output.splitlines()
    return dict((path, label.split(":")[2]) for path, label in (line.split() for line in lines))
before, was = action.capture(host), types()
action.apply(host)
told = [sorted(_local(host)), was, types(), action.done(host), action.undo(host, before, "")]
print(json.dumps([*told, sorted(_local(host)), types()]))
"""


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A machine with the policy, and the programs."""
    with sandboxes(request) as start:
        made = start(["sleep", "100000"], prepare=PREPARE)
        install = ("apt-get", "-qq", "-y", "--no-install-recommends", "install", *PACKAGES)
        made.run("env", "DEBIAN_FRONTEND=noninteractive", *install)
        yield made


def test_the_policy_labels_our_files_while_we_are_there(machine: Sandbox) -> None:
    said = machine.run(sys.executable, "-c", SCRIPT)
    rules, was, now, done, notes, left, after = json.loads(said.splitlines()[-1])
    assert len(rules) == 6
    assert was["/command/svscan"] == was[TREE] == "default_t"  # of that, no init system runs
    assert now == PLACES
    assert (done, notes, left) == (True, [], [])
    assert after == was


def test_an_init_system_may_run_what_has_such_a_label(machine: Sandbox) -> None:
    """Leaving out that Debian's policy lets its init system do anything by another rule."""

    def rules(of: str) -> str:
        path = machine.run("sh", "-c", "ls /etc/selinux/default/policy/policy.*").split()[-1]
        words = ("-A", "-s", "init_t", "-t", of, "-c", "file", "-p", "execute_no_trans")
        told = machine.run("sesearch", *words, path)
        return "\n".join(line for line in told.splitlines() if "unconfined" not in line)

    assert "allow init_t bin_t:file" in rules("bin_t")
    assert rules("default_t") == rules("lib_t") == ""
