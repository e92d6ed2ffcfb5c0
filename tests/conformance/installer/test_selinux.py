"""A real policy, that of Debian, and the programs that change and ask it. No kernel enforces it
here: what is shown is which labels our files get, and that nothing of it stays.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import pytest
from helpers.keeping import sandboxes
from helpers.labels import FHS, OURS, POLICY_S, TREE
from helpers.sandbox import Sandbox

from slashservice.installer.host.labels import RULES

pytestmark = [pytest.mark.root, pytest.mark.slow]

PACKAGES = ("selinux-policy-default", "policycoreutils-python-utils", "selinux-utils", "setools")
PREPARE = """
mkdir -p root/etc/selinux
printf 'SELINUX=permissive\\nSELINUXTYPE=default\\n' >root/etc/selinux/config
printf '#!/bin/sh\\nexit 101\\n' >root/usr/sbin/policy-rc.d
chmod 755 root/usr/sbin/policy-rc.d
"""
SCRIPT = f"""
import json
from slashservice.installer.host.host import Host
from slashservice.installer.plan.labels import LabelRules, _local, rules
host = Host()
action = LabelRules(rules=tuple(rules(host)))
def types():
    lines = host.run(["matchpathcon", *{[*OURS, *POLICY_S]!r}]).output.splitlines()
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
    assert len(rules) == len(RULES)
    assert "/usr/lib/slashservice/[^/]+/command(/.*)?" in rules  # Debian's /usr/local/lib is that
    assert was["/command/svscan"] == was[TREE] == "default_t"  # of that, no init system runs
    assert was[f"{FHS}/command/svscan"] == "lib_t"
    assert {path: was[path] for path in POLICY_S} == POLICY_S
    assert now == OURS | POLICY_S
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
