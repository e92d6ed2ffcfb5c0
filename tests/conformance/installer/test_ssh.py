"""Another host over SSH: a real sshd, in a network of its own, on a machine that has no more
of slashservice than any other.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from helpers.booted import booted
from helpers.checkout import COMMAND
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

SERVER, CLIENT = "10.99.0.1", "10.99.0.2"
SSHD_CONFIG = f"""\
ListenAddress {SERVER}
HostKey /etc/ssh/test_key
PidFile none
PermitRootLogin prohibit-password
AuthorizedKeysFile /etc/ssh/authorized
StrictModes no
UsePAM no
"""
PREPARE = """
mkdir -p root/run/sshd
echo '::respawn:/usr/sbin/sshd -D -f /etc/ssh/test_config' >root/etc/inittab
chroot root useradd -m -s /bin/sh admin
chroot root useradd -m -s /bin/sh plain
chroot root passwd -q -d admin
chroot root passwd -q -d plain
echo 'admin ALL=(ALL) NOPASSWD: ALL' >root/etc/sudoers.d/admin
cp "$SETUP"/* root/etc/ssh/
chmod 600 root/etc/ssh/test_key
"""


@pytest.fixture(scope="module")
def network(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Sandbox, Sandbox]]:
    """A server and a client, each with a network of its own, and a wire between."""
    setup = tmp_path_factory.mktemp("ssh")
    for name in ("test_key", "user_key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(setup / name)]
        subprocess.run(command, check=True)
    (setup / "authorized").write_text((setup / "user_key.pub").read_text())
    (setup / "test_config").write_text(SSHD_CONFIG)
    prepare = PREPARE.replace('"$SETUP"', str(setup))
    with sandboxes(request) as start:
        server = booted(start, prepare, network=True, checkout=False)
        client = start(["sleep", "100000"], network=True)
        wire = ["ip", "link", "add", "wire", "netns", str(server.pid), "type", "veth"]
        subprocess.run([*wire, "peer", "name", "wire", "netns", str(client.pid)], check=True)
        for machine, address in ((server, SERVER), (client, CLIENT)):
            machine.run("ip", "link", "set", "lo", "up")
            machine.run("ip", "address", "add", f"{address}/24", "dev", "wire")
            machine.run("ip", "link", "set", "wire", "up")
        (client.path("/root") / ".ssh").mkdir(mode=0o700, exist_ok=True)
        key = client.path("/run/key")
        key.write_text((setup / "user_key").read_text())
        key.chmod(0o600)
        yield server, client


OPTIONS = (
    "IdentityFile=/run/key",
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "BatchMode=yes",
)


def slashservice(client: Sandbox, user: str, *words: str, status: int | None = 0) -> str:
    """Run ``slashservice --host`` on the client."""
    options = [part for one in OPTIONS for part in ("--ssh-option", one)]
    verb, *rest = words
    address = f"ssh://{user}@{SERVER}"
    return client.run(COMMAND, verb, "--host", address, *options, *rest, status=status)


@pytest.fixture(scope="module")
def answering(network: tuple[Sandbox, Sandbox]) -> tuple[Sandbox, Sandbox]:
    """The two machines, once sshd answers."""
    server, client = network
    until(lambda: "busybox" in slashservice(client, "root", "detect", status=None), "a sshd")
    return server, client


def test_as_root_from_install_to_uninstall(answering: tuple[Sandbox, Sandbox]) -> None:
    server, client = answering
    before = server.changes()
    told = slashservice(client, "root", "install", "--dry-run", status=2)
    assert "would start svscan on /service" in told
    assert server.changes() == before
    told = slashservice(client, "root", "install")
    assert "init system: busybox" in told
    assert "installed" in told
    assert "svscan runs" in slashservice(client, "root", "status")
    assert server.run("/command/slashservice", "running").strip().isdigit()
    for folder in ("/run", "/tmp"):  # these are no part of what changes() looks at
        assert not [name for name in os.listdir(server.path(folder)) if "slashservice-" in name]
    slashservice(client, "root", "add", "web", "--no-log", "--", "sleep", "1000")
    until(lambda: "up (pid" in server.run("/command/svstat", "/service/web"), "the service")
    client.path("/run/secrets").write_text("A='s e c'\nB=two\n")
    words = ("web", "--update", "--env-from", "/run/secrets", "--env", "B=2", "--no-log")
    told = slashservice(client, "root", "add", *words, "--restart", "--", "sleep", "1000")
    assert "web is restarted" in told and "s e c" not in told
    env = "/etc/slashservice/web/env"
    assert server.run("cat", f"{env}/A", f"{env}/B") == "s e c\n2\n"
    slashservice(client, "root", "remove", "web")
    told = slashservice(client, "root", "uninstall")
    assert told.endswith("uninstalled\n")
    assert server.changes() == before


def test_as_somebody_who_may_use_sudo(answering: tuple[Sandbox, Sandbox]) -> None:
    server, client = answering
    before = server.changes()
    slashservice(client, "admin", "install", "--layout", "fhs", "--no-start")
    assert server.path("/usr/local/lib/slashservice/current").is_symlink()
    slashservice(client, "admin", "uninstall")
    server.run("rm", "-f", "/home/admin/.sudo_as_admin_successful")  # which sudo makes
    assert server.changes() == before


def test_as_somebody_who_may_not(answering: tuple[Sandbox, Sandbox]) -> None:
    server, client = answering
    before = server.changes()
    told = slashservice(client, "plain", "install", status=111)
    assert "neither sudo nor doas" in told
    assert server.changes() == before


def test_exit_statuses_come_back(answering: tuple[Sandbox, Sandbox]) -> None:
    _, client = answering
    assert "not installed" in slashservice(client, "root", "status", status=1)
    assert "usage" in slashservice(client, "root", "detect", "--bogus", status=100)


def test_a_connection_that_breaks_off_leaves_nothing_half_done(
    answering: tuple[Sandbox, Sandbox],
) -> None:
    """The installer over there goes on, and finishes."""
    server, client = answering
    before = server.changes()
    options = [part for one in OPTIONS for part in ("-o", one)]
    address = ["--host", f"ssh://root@{SERVER}"]
    words = [part for one in OPTIONS for part in ("--ssh-option", one)]
    process = subprocess.Popen(
        client.argv(COMMAND, "install", *address, *words), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("put the code in place"):
            break
    client.run("ip", "link", "set", "wire", "down")
    process.kill()
    process.wait()
    process.stdout.close()
    running = ("/command/slashservice", "running")
    until(lambda: server.run(*running, status=None).strip().isdigit(), "svscan")
    client.run("ip", "link", "set", "wire", "up")
    client.run("ssh", *options, f"root@{SERVER}", "true")
    until(
        lambda: "nothing to do" in slashservice(client, "root", "install", status=None),
        "the end of the first installer",
    )
    slashservice(client, "root", "uninstall")
    assert server.changes() == before


def test_a_host_that_does_not_answer_is_trouble(answering: tuple[Sandbox, Sandbox]) -> None:
    _, client = answering
    address = ["--host", "ssh://root@127.0.0.1:1"]
    told = client.run(COMMAND, "detect", *address, "--ssh-option", "BatchMode=yes", status=111)
    assert "no connection to 127.0.0.1" in told
