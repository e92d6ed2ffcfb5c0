"""``install --user`` where systemd runs a user manager: booted, rebooted, and undone."""

from __future__ import annotations

import shlex

import pytest
from helpers.boots.namespaces import guest
from helpers.boots.story import do, eventually
from helpers.boots.trees import INSIDE, RECIPES
from testinfra.host import Host

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.root]

CLONE = "/srv/clone"
STAND_IN = {
    "/etc/systemd/system/user@.service.d/runtime.conf": (
        # For pam_systemd, which the tree lacks, and which does just this.
        "[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/%i\n",
        0o644,
    )
}
UNIT = "/home/ada/.config/systemd/user/svscan.service"


def ada(host: Host, line: str) -> str:
    """Run a line of shell as ada; return what it says."""
    words = f"PATH=/home/ada/.local/bin:$PATH; {line} 2>&1"
    return do(host, f"su - ada -c {shlex.quote(words)}")


def state(host: Host, service: str) -> str:
    """Return svstat's words of a service of ada's."""
    return ada(host, f"svstat service/{service}").partition(": ")[2]


def files(host: Host) -> str:
    """Return what is in ada's home, with modes and sizes."""
    return do(host, "find /home/ada -printf '%p %m %u %s %l\n' | grep -v bash_history | sort")


def test_systemd_s_user_manager() -> None:
    with guest(RECIPES["systemd"], files=STAND_IN) as machine:
        machine.boot()
        host = machine.host
        do(host, "useradd -m -s /bin/sh ada")
        do(host, f"cp -a {INSIDE} {CLONE} && chmod -R a+rX {CLONE}")
        assert (
            "no systemd user manager"
            in host.run(f"su - ada -c '{CLONE}/install --user --init systemd-user'").stderr
        )
        do(host, "systemctl start user@$(id -u ada)")
        before = files(host)
        told = ada(host, f"{CLONE}/install --user")
        assert "init system: systemd-user: a systemd user manager runs for ada" in told
        assert told.count("\ninstalled\n") == 1
        assert "until root says: loginctl enable-linger ada" in told
        doctor = host.run("su - ada -c '~/.local/bin/slashservice doctor'")
        assert "svscan ends when ada logs out" in doctor.stdout
        do(host, "loginctl enable-linger ada")
        assert ada(host, "slashservice doctor") == "nothing found wrong\n"
        assert "started by systemd-user" in ada(host, "slashservice status")
        assert "nothing to do" in ada(host, f"{CLONE}/install")
        told = ada(host, "slashservice add web -- sh -c 'echo $HOME; exec sleep 1000'")
        assert "web: up" in told

        pid = ada(host, "slashservice running").strip()
        do(host, f"kill -9 {pid}")
        eventually(
            lambda: ada(host, "slashservice running || :").strip() not in ("", pid), "svscan"
        )
        assert state(host, "web").startswith("up ")

        machine.reboot()
        host = machine.host
        eventually(lambda: host.run(f"test -e {UNIT}").rc == 0, "the machine")
        eventually(lambda: ada(host, "slashservice running || :"), "svscan after the reboot")
        eventually(lambda: state(host, "web").startswith("up "), "the service")
        manager = "systemctl --user show -p MainPID --value svscan"
        pid = ada(host, f"XDG_RUNTIME_DIR=/run/user/$(id -u) {manager}").strip()
        assert pid == ada(host, "slashservice running").strip()

        assert "is removed" in ada(host, "slashservice remove web")
        assert ada(host, "slashservice uninstall").endswith("uninstalled\n")
        assert host.run(f"test -e {UNIT}").rc == 1
        do(host, "rm -r /home/ada/.local/state && rmdir /home/ada/.local /home/ada/.config || :")
        assert files(host) == before
        machine.power_off()
