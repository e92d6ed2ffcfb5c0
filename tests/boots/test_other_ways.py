"""The ways to be started that no init system offers by itself, booted in namespaces."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from helpers.boots import story
from helpers.boots.namespaces import guest
from helpers.boots.story import Wiring, do, eventually
from helpers.boots.trees import CLOSER, INSIDE, RECIPES, SCRIPTS_ONLY, SLACKWARE
from helpers.processes import kill

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.root]

RC_LOCAL_TEXT = """\
#!/bin/sh -e
# what the administrator wants done \\
for i in 0 1; do echo $i; done >/run/loop
wait
: >/run/local; exit 0
"""
RC_LOCAL = {"/etc/rc.local": (RC_LOCAL_TEXT, 0o755)}


@pytest.mark.parametrize("name", ["systemd", "sysvinit"])
def test_rc_local(name: str) -> None:
    wiring = Wiring(options="--init rclocal", again="/etc/rc.local")
    with guest(RECIPES[name], files=RC_LOCAL, title=f"{name} with rc.local") as machine:
        story.whole_story(machine, wiring)


def test_a_system_v_script() -> None:
    wiring = Wiring(options="--init initd", again="/etc/init.d/svscan start")
    with guest(RECIPES["sysvinit"], title="sysvinit with init.d") as machine:
        story.whole_story(machine, wiring)


def test_a_system_with_neither_inittab_nor_rc_local() -> None:
    wiring = Wiring(options="--init initd", again="/etc/init.d/svscan start")
    with guest(SCRIPTS_ONLY, title="scripts in runlevels") as machine:
        assert not machine.file("/etc/inittab") and not machine.file("/etc/rc.local")
        story.whole_story(machine, wiring)


STOOD_IN = "Slackware, its rc scripts stood in for"


def test_slackware() -> None:
    with guest(RECIPES["sysvinit"], files=SLACKWARE, title=STOOD_IN) as machine:
        story.whole_story(machine, Wiring())


def test_slackware_in_single_user_mode() -> None:
    """``telinit 1`` stops all services in order, and ``telinit 3`` starts them again."""
    with guest(RECIPES["sysvinit"], files=SLACKWARE, title=f"{STOOD_IN}, single user") as machine:
        machine.boot()
        host = machine.host
        story.install(host)
        story.add_services(host)
        do(host, "telinit 1")
        there = "test -e /run/single-user"  # killed, at times, by what stops all processes
        eventually(lambda: host.run(there).rc == 0, "single user mode")
        ours = "pgrep -af '[s]vscan|[r]eadproctitle|[r]edis-server|[c]loser'"
        assert host.run(ours).rc == 1, host.run(ours).stdout
        log = story.LOGS
        closer, redis = (story.read(host, f"{log}/{name}/current") for name in ("closer", "redis"))
        story.closed_in_order(closer, redis, times=1)
        do(host, "telinit 3")
        eventually(lambda: story.answers(host), "redis answers again")
        machine.power_off()
        story.closed_in_order(*story.logs(machine), times=2)


def test_a_root_that_cannot_be_written_to() -> None:
    with guest(RECIPES["systemd"], read_only=True, title="systemd, read-only") as machine:
        story.whole_story(machine, Wiring(scan="/etc/service"))


def test_openrc_with_dependencies_newer_than_the_script() -> None:
    """As it is when slashservice is installed in the very second in which the host booted."""
    with guest(RECIPES["openrc-init"], title="openrc-init, just booted") as machine:
        machine.boot()
        host = machine.host
        do(host, "touch --date='1 hour' /run/openrc/deptree")
        story.install(host)
        story.add_services(host)
        machine.power_off()
        story.closed_in_order(*story.logs(machine), times=1)


def test_first_process_of_a_container() -> None:
    program = ("/command/svscan", "/service")
    with guest(RECIPES["busybox"], program=program, title="svscan as PID 1") as machine:
        for command in (
            "install --init container",
            "add --user redis redis -- redis-server --dir /var/lib/redis",
            f"add closer -- {CLOSER}",
        ):
            prepare(machine.root, command)
        machine.start()
        host = machine.host
        eventually(lambda: story.answers(host), "redis answers")
        eventually(lambda: "open" in story.read(host, f"{story.LOGS}/closer/current"), "it is open")
        story.remember(host, "one")

        orphan = int(do(host, "sh -c 'sleep 0.2 >/dev/null & echo $!'"))
        eventually(lambda: not host.file(f"/proc/{orphan}").exists, "orphans are reaped")

        redis = story.service_pid(host, "/service/redis")
        do(host, "kill -HUP 1")
        story.is_steered(host, "/service")
        assert story.service_pid(host, "/service/redis") != redis

        kill(machine.pid, signal.SIGTERM)
        assert machine.wait() == 0
        story.closed_in_order(*story.logs(machine), times=1)

        machine.start()
        eventually(lambda: story.answers(machine.host), "redis answers again")
        assert do(machine.host, "redis-cli get fact") == "one\n"
        kill(machine.pid, signal.SIGINT)
        assert machine.wait() == 0


def prepare(root: Path, command: str) -> None:
    """Run the installer in the image of a container, as whoever builds it does."""
    install = f"{INSIDE}/install" if command.startswith("install") else "/command/slashservice"
    words = command.split()[1:] if command.startswith("install") else command.split()
    subprocess.run(["chroot", str(root), install, *words], check=True, stdin=subprocess.DEVNULL)
