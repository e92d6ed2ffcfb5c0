"""``install --user``: what an ordinary account has in its home, without any help of root."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import standins
from helpers.checkout import CHECKOUT
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

COMMAND = str(Path(sys.executable).parent / "slashservice")
CLONE = "/srv/clone"
COMMANDS = "/home/ada/.local/bin"
RECEIPT = "/home/ada/.local/share/slashservice/receipt.json"
THEIRS = "# mine\n@daily true\nMAILTO=ada\n"

PREPARE = """
rm -f root/sbin/init root/usr/sbin/policy-rc.d root/usr/bin/svstat
ln -s /usr/bin/busybox root/usr/sbin/init
echo '::sysinit:/bin/true' > root/etc/inittab
chroot root useradd -m -s /bin/sh ada
mkdir -p root/srv/clone root/run/user
"""


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A machine with an ordinary account, ada, and a checkout that she can read."""
    with sandboxes(request) as start:
        made = start(["/sbin/init"], prepare=PREPARE)
        made.run(COMMAND, "install", "--no-start")
        made.run("cp", "-a", "/package/admin/slashservice/vendor", CLONE)
        made.run("slashservice", "uninstall")
        parts = ("install", "installer", "supervise", "init_templates", "docs")
        made.run("cp", "-a", *(f"{CHECKOUT}/{name}" for name in parts), CLONE)
        made.run("chmod", "-R", "a+rX", CLONE)
        if not shutil.which("crontab"):
            made.run("install", "-d", "-m", "1777", "/var/spool/cron/crontabs")
            made.put("/usr/bin/crontab", standins.CRONTAB)
        yield made


def ada(machine: Sandbox, *words: str, status: int | None = 0, given: str = "") -> str:
    """Run a command as ada, as a login would."""
    line = f"PATH={COMMANDS}:$PATH; cd; " + (shlex.join(words) if len(words) > 1 else words[0])
    line = f"{line} <<'E'\n{given}E\n" if given else line
    return machine.run("su", "-", "ada", "-c", line, status=status)


def pid_of(machine: Sandbox, service: str) -> str:
    """Return the pid that svstat shows, empty for none."""
    found = re.search(r": up \(pid (\d+)\)", ada(machine, "svstat", f"service/{service}"))
    return found[1] if found else ""


def logged(machine: Sandbox, name: str) -> str:
    """Return what a service has logged."""
    path = machine.path(f"/home/ada/.local/state/slashservice/{name}/current")
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("crontab", [THEIRS, ""])
def test_from_install_to_the_last_byte(crontab: str, machine: Sandbox) -> None:
    if crontab:
        ada(machine, "crontab -", given=crontab)
    before = machine.changes()
    told = ada(machine, f"{CLONE}/install", "--user", "-n", status=2)
    assert "would edit your crontab" in told
    assert "would make directory /home/ada/service" in told
    assert machine.changes() == before
    told = ada(machine, f"{CLONE}/install", "--user")
    assert "init system: cron: ada may have a crontab" in told
    assert "note: cron starts svscan once at boot" in told
    assert told.count("installed\n") == 1
    assert ada(machine, "crontab -l").startswith(crontab + "# begin slashservice\n@reboot ")
    assert "nothing to do" in ada(machine, f"{CLONE}/install")
    everything = {path for path in machine.changes() if path not in before}
    outside = {path for path in everything if not path.startswith("/home/ada")}
    assert {path.split("/")[1] for path in outside} <= {"var", "run", "tmp"}

    told = ada(machine, "slashservice status")
    assert re.search(r"started by cron, scans /home/ada/service\nsvscan runs: pid \d+", told)
    command = "sh -c 'echo $HOME $GREETING; exec sleep 1000'"
    told = ada(machine, f"slashservice add web --env GREETING=hello -- {command}")
    assert "svscan supervises it: web: up" in told
    until(lambda: logged(machine, "web"), "a line in its log")
    assert logged(machine, "web").endswith(" /home/ada hello\n")
    loggers = ada(machine, "svstat service/web/log")
    pid = re.search(r"pid (\d+)", loggers)
    assert pid and "loghost" in machine.run("cat", f"/proc/{pid[1]}/cmdline")
    assert ada(machine, "slashservice doctor") == "nothing found wrong\n"
    assert ada(machine, "slashservice running") != ""

    web = pid_of(machine, "web")
    svscan = ada(machine, "slashservice running")
    version = f"{CLONE}/supervise/version.py"
    text = machine.path(version).read_text()
    machine.path(version).write_text(text.replace("0.1.0", "0.1.1"))
    try:
        told = ada(machine, f"{CLONE}/install")
        assert "have svscan on /home/ada/service run the new code" in told
    finally:
        machine.path(version).write_text(text)
    assert pid_of(machine, "web") == web
    assert ada(machine, "slashservice running") != svscan
    assert "slashservice 0.1.1, started by cron" in ada(machine, "slashservice status")

    assert "the service is down" in ada(machine, "slashservice remove web")
    ada(machine, "slashservice add left -- sleep 1000")
    left = pid_of(machine, "left")
    told = ada(machine, "slashservice uninstall")
    assert told.endswith("uninstalled\n")
    assert not machine.path(f"/proc/{left}").exists()
    assert ada(machine, "crontab -l", status=None) == (crontab or "no crontab for ada\n")
    kept = ("service", ".config", ".local/state", ".local")
    after = [path for path in machine.changes() if path not in before]
    assert all(path.startswith(tuple(f"/home/ada/{name}" for name in kept)) for path in after)
    machine.run("rm", "-rf", *(f"/home/ada/{name}" for name in kept))
    assert machine.changes() == before
    if crontab:
        ada(machine, "crontab -r")


def test_the_line_starts_everything_after_a_reboot(machine: Sandbox) -> None:
    before = machine.changes()
    ada(machine, f"{CLONE}/install", "--user")
    ada(machine, "slashservice add web --no-log -- sleep 1000")
    line = ada(machine, "crontab -l").splitlines()[1]
    assert line.startswith("@reboot ")
    machine.run("pkill", "-9", "-u", "ada")
    ada_runs = ("pgrep", "-u", "ada")
    until(lambda: not machine.run(*ada_runs, status=None), "the end of all that is hers")
    machine.run("rm", "-rf", "/run/user")
    variables = ("HOME=/home/ada", "LOGNAME=ada", "SHELL=/bin/sh", "PATH=/usr/bin:/bin")
    account = ("setpriv", "--reuid=ada", "--regid=ada", "--init-groups", "env", "-i", *variables)
    machine.run(*account, "/bin/sh", "-c", line.removeprefix("@reboot "))
    until(lambda: pid_of(machine, "web"), "the service")
    assert ada(machine, "slashservice running") != ""
    environment = machine.run("cat", f"/proc/{pid_of(machine, 'web')}/environ").split("\0")
    assert "HOME=/home/ada" in environment
    assert any(word.startswith(f"PATH={COMMANDS}:/command:") for word in environment)
    assert ada(machine, "slashservice doctor") == "nothing found wrong\n"
    assert ada(machine, "slashservice drain") == ""
    assert ada(machine, "slashservice running", status=100) == ""
    assert "svscan does not run" in ada(machine, "slashservice status", status=1)
    ada(machine, "slashservice remove web")
    ada(machine, "slashservice uninstall")
    machine.run("rm", "-rf", "/home/ada/.config")
    machine.run("mkdir", "-p", "/run/user")
    assert machine.changes() == before


def test_what_is_refused(machine: Sandbox) -> None:
    before = machine.changes()
    told = machine.run(f"{CLONE}/install", "--user", status=111)
    assert "--user is for ordinary accounts" in told
    told = ada(machine, f"{CLONE}/install", status=111)
    assert "only root may do that" in told and "slashservice install --user" in told
    told = ada(machine, f"HOME=/root {CLONE}/install --user", status=111)
    assert "/root is no home of ada" in told
    told = ada(machine, f"{CLONE}/install --user --init systemd-user", status=111)
    assert "systemd's user manager can't be used by ada here" in told
    told = ada(machine, f"{CLONE}/install --user --init nonsense", status=100)
    assert "There are systemd-user, openrc-user, launchd-user, cron, none." in told
    assert machine.changes() == before


def test_started_by_hand(machine: Sandbox) -> None:
    before = machine.changes()
    told = ada(machine, f"{CLONE}/install --user --init none --service-dir /home/ada/sv")
    assert f"note: start it yourself: {COMMANDS}/svscan /home/ada/sv" in told
    told = ada(machine, "slashservice add x --user ada -- sleep 1", status=111)
    assert "run as that account, and as no other" in told
    ada(machine, "svscan sv >/dev/null 2>&1 & until slashservice running; do sleep 0.1; done")
    assert "x: up" in ada(machine, "slashservice add x --no-log -- sleep 1000")
    ada(machine, "slashservice remove x")
    ada(machine, "slashservice uninstall")
    machine.run("rm", "-rf", "/home/ada/.config")
    until(lambda: not machine.run("pgrep", "-u", "ada", status=None), "the end of svscan")
    assert machine.changes() == before
