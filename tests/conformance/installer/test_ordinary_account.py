"""What an ordinary account is told of an installation and its services: what it may see."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

COMMAND = str(Path(sys.executable).parent / "slashservice")
BUSYBOX = """
rm -f root/sbin/init root/usr/sbin/policy-rc.d
ln -s /usr/bin/busybox root/usr/sbin/init
echo '::sysinit:/bin/true' > root/etc/inittab
"""
SLEEP = "#!/bin/sh\nexec sleep 1000\n"
LOG = "#!/bin/sh\nexec multilog t ./main\n"
RECEIPT = "/var/lib/slashservice/receipt.json"


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A machine with services that are well, of which some are in places closed to others."""
    with sandboxes(request) as start:
        made = start(["/sbin/init"], prepare=BUSYBOX)
        made.run(COMMAND, "install")
        made.put("/srv/web/run", SLEEP)
        made.put("/srv/web/log/run", LOG)
        made.put("/srv/secret/run", SLEEP)
        made.run("chmod", "700", "/srv/secret/run")
        made.put("/root/hidden/run", SLEEP)
        made.run("chmod", "700", "/root")
        for path in ("/srv/web", "/srv/secret", "/root/hidden"):
            made.run("ln", "-s", path, f"/service/{Path(path).name}")

        def states() -> set[str]:
            said = json.loads(made.run("slashservice", "list", "--json", status=None))
            return {one["state"] for one in said["services"]}

        until(lambda: states() == {"running"}, "all run")
        assert "nothing found wrong" in made.run("slashservice", "doctor")
        yield made


def nobody(machine: Sandbox, *words: str, status: int = 0) -> str:
    """Run slashservice as an account that owns nothing; return all that it says."""
    account = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    line = shlex.join([*account, "slashservice", *words])
    return machine.run("sh", "-c", f"{line} 2>&1", status=status)


def test_status(machine: Sandbox) -> None:
    said = nobody(machine, "status").splitlines()
    assert said[0] == "slashservice is installed, and scans /service"
    assert re.fullmatch(r"svscan runs: pid \d+, version \S+, child of init.*; 3 services", said[1])
    why = f"only root may read {RECEIPT}; sudo slashservice status"
    assert said[2:] == [f"  files and logs were not looked at: {why}"]
    found = json.loads(nobody(machine, "status", "--json"))
    assert found["installed"] and found["closed"] == RECEIPT and found["svscan"]["pid"]
    assert not json.loads(machine.run("slashservice", "status", "--json"))["closed"]


def test_the_doctor(machine: Sandbox) -> None:
    """What can't be looked at is no fault."""
    found = json.loads(nobody(machine, "doctor", "--json"))
    assert [(one["what"], one["note"]) for one in found] == [
        (f"files were not looked at: only root may read {RECEIPT}", True),
        ("3 of the services were not looked at: only root may do that", True),
    ]
    assert "nothing found wrong" in nobody(machine, "doctor")


def test_the_doctor_finds_what_everybody_may_see(machine: Sandbox) -> None:
    machine.run("ln", "-s", "/nowhere-at-all", "/service/dangling")
    machine.run("chmod", "-x", "/srv/web/run")
    said = nobody(machine, "doctor", status=1)
    machine.run("rm", "/service/dangling")
    machine.run("chmod", "+x", "/srv/web/run")
    assert "/service/dangling leads nowhere: /nowhere-at-all" in said
    assert "/service/web/run is not executable" in said


def test_drained(machine: Sandbox) -> None:
    machine.run("slashservice", "drain", "-s")
    assert "it is drained" in nobody(machine, "status", status=1)
    assert "it is drained" in nobody(machine, "doctor", status=1)
    machine.run("slashservice", "install")
    assert "drained" not in nobody(machine, "status")


def test_services(machine: Sandbox) -> None:
    said = nobody(machine, "list")
    assert "how 3 of them are, only root may know: try it with sudo" in said
    said = nobody(machine, "why", "web", status=111)
    assert said.splitlines() == [
        "web: closed",
        "  how it is can't be told: access denied",
        "      sudo slashservice why web",
    ]
    machine.run("chmod", "-x", "/srv/web/run")
    said = nobody(machine, "why", "web", status=1)
    machine.run("chmod", "+x", "/srv/web/run")
    assert "/service/web/run is not executable" in said
