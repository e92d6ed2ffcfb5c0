"""runit as PID 1, and svscan in the place of its runsvdir: taken, kept over boots, given back.

An image of Void or Artix can't be had here. Their layouts are built from Debian's packages: the
links, and stages 2 and 3 as these distributions have them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.boots import story
from helpers.boots.fingerprint import differences
from helpers.boots.namespaces import Guest, guest
from helpers.boots.story import Wiring, do, eventually, explained
from helpers.boots.trees import INSIDE, RECIPES, Files
from testinfra.host import Host

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.root]

STAGE = "/etc/runit/2"
DOTS = "." * 300

VOID_2 = f"""\
#!/bin/sh
PATH=/usr/bin:/usr/sbin

runlevel=default
for arg in $(cat /proc/cmdline); do
    if [ -d /etc/runit/runsvdir/"$arg" ]; then
        runlevel="$arg"
    fi
done

[ -x /etc/rc.local ] && /etc/rc.local

runsvchdir "$runlevel"
mkdir -p /run/runit/runsvdir
ln -s /etc/runit/runsvdir/current /run/runit/runsvdir/current

exec env - PATH=$PATH \\
    runsvdir -P /run/runit/runsvdir/current 'log: {DOTS}'
"""

ARTIX_2 = f"""\
#!/bin/sh
PATH=/usr/bin:/usr/sbin
runsvchdir default >/dev/null
mkdir -p /run/runit
ln -sfn /etc/runit/runsvdir/current /run/runit/service
exec env - PATH=$PATH runsvdir -P /run/runit/service 'log: {DOTS}'
"""

LAST = """\
#!/bin/sh
PATH=/usr/bin:/usr/sbin
echo 'Waiting for services to stop...'
sv force-stop {directory}/*
sv exit {directory}/*
"""

COUNTER = """\
#!/bin/sh
exec 2>&1
exec /usr/local/bin/alone /usr/local/bin/counter
"""
COUNTS = """\
#!/usr/bin/python3 -u
import os, signal, time
told = []
signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
try:
    number = int(open("/var/lib/counter").read())
except FileNotFoundError:
    number = 0
while True:
    for last in (bool(told),) * (100 if told else 1):
        number += 1
        print("line", number)
    with open("/var/lib/counter.new", "w") as file:
        file.write(str(number))
    os.rename("/var/lib/counter.new", "/var/lib/counter")
    if last:
        break
    time.sleep(0.01)
"""
"""Numbers its lines, over restarts and boots, and writes a hundred more when told to end."""

ALONE = """\
#!/bin/sh
exec 9>/run/counter.lock
flock -n 9 || { echo twice >>/var/log/twice; exit 1; }
exec "$@"
"""
LOGGER = "#!/bin/sh\nmkdir -p /var/log/counter\nexec svlogd -t /var/log/counter\n"
SLOW = "#!/bin/sh\ntrap 'sleep 2; exit' TERM\nwhile :; do sleep 0.1; done\n"
"""Leaves time for something to happen while services are stopped."""
FINISH = '#!/bin/sh\necho "finish $1 $2" >>/var/log/finished\n'

SERVICE: Files = {
    "/etc/sv/counter/run": (COUNTER, 0o755),
    "/etc/sv/counter/finish": (FINISH, 0o755),
    "/etc/sv/counter/log/run": (LOGGER, 0o755),
    "/etc/sv/slow/run": (SLOW, 0o755),
    "/usr/local/bin/counter": (COUNTS, 0o755),
    "/usr/local/bin/alone": (ALONE, 0o755),
}


@dataclass(frozen=True)
class Layout:
    """One distribution's places: its stage 2, the directory's public name, and the links."""

    stage: str
    directory: str
    links: Mapping[str, str]

    @property
    def files(self) -> Files:
        """What is put over Debian's files; nothing where these are as they are."""
        if not self.stage:
            return SERVICE
        last = LAST.format(directory=self.directory)
        return {**SERVICE, STAGE: (self.stage, 0o755), "/etc/runit/3": (last, 0o755)}


LAYOUTS = {
    "Debian": Layout("", "/etc/service", {}),
    "Void, built from Debian's packages": Layout(
        VOID_2, "/var/service", {"/var/service": "/run/runit/runsvdir/current"}
    ),
    "Artix, built from Debian's packages": Layout(ARTIX_2, "/run/runit/service", {}),
}


def lay_out(root: Path, layout: Layout) -> None:
    """Make the links of a layout, and enable the counter.

    Debian's own services need a directory in /run that its stage 2 makes: elsewhere they go.
    """
    if layout.stage:
        (root / "etc/service").unlink()
        enabled = root / "etc/runit/runsvdir/default"
        for entry in enabled.iterdir():
            if entry.name != "booted":
                entry.unlink()
        for name in ("counter", "counter/log", "slow"):
            state = f"/run/runit/supervise.{name.replace('/', '.')}"
            (root / "etc/sv" / name / "supervise").symlink_to(state)
    for path, target in layout.links.items():
        (root / path.lstrip("/")).symlink_to(target)
    for name in ("counter", "slow"):
        (root / f"etc/runit/runsvdir/default/{name}").symlink_to(f"/etc/sv/{name}")


def logged(machine: Guest) -> list[int]:
    """Return the numbers in the counter's log, of a machine that is off."""
    folder = machine.root / "var/log/counter"
    files = [*sorted(folder.glob("@*")), folder / "current"]
    lines = [line for file in files for line in file.read_text().splitlines()]
    return [int(line.split()[-1]) for line in lines]


def is_supervised(host: Host, service: str) -> bool:
    """Tell whether a runsv has the service, and it is up."""
    return str(host.run("sv status %s", service).stdout).startswith("run: ")


def count(host: Host) -> int:
    """Return how far the counter has come."""
    return int(host.run("cat /var/lib/counter").stdout or 0)


def counts_on(host: Host) -> None:
    """Wait until the counter has come further."""
    now = count(host)
    eventually(lambda: count(host) > now, "the counter counts")


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_place_of_runsvdir(name: str) -> None:
    layout = LAYOUTS[name]
    scan = layout.directory
    with guest(
        RECIPES["runit"], files=layout.files, title=f"runit-init of {name}, replaced"
    ) as machine:
        lay_out(machine.root, layout)
        with explained(machine, scan):
            live(machine, scan)
    assert not (machine.root / "var/log/twice").exists()


def live(machine: Guest, scan: str) -> None:
    """Install, die, reboot, uninstall, reboot; the lines of one service go on throughout."""
    counter = f"{scan}/counter"
    machine.boot()
    eventually(lambda: is_supervised(machine.host, counter), "runit runs the counter")
    machine.power_off()
    plain = machine.fingerprint()

    machine.boot()
    host = machine.host
    eventually(lambda: is_supervised(host, counter), "runit runs the counter")
    story.say(f"{machine}: install --replace")
    foreseen = host.run(f"{INSIDE}/install --replace --dry-run")
    assert foreseen.rc == 2, foreseen
    assert "stop the services of runsvdir" in foreseen.stdout
    is_killed_in_the_middle(host, counter)
    do(host, f"{INSIDE}/install --replace")
    pid = eventually(lambda: story.service_pid(host, counter), "the counter is up")
    counts_on(host)
    assert not host.run("pgrep -r R,S,D,T -x runsv").stdout
    assert "nothing to do" in do(host, f"{INSIDE}/install")
    assert "nothing found wrong" in do(host, "slashservice doctor")

    story.say(f"{machine}: kill svscan")
    svscan = story.svscan(host, scan)
    do(host, f"kill -9 {svscan}")
    eventually(lambda: story.svscan(host, scan) not in (0, svscan), "svscan is back")
    eventually(lambda: story.service_pid(host, counter), "the counter is supervised again")
    assert story.service_pid(host, counter) == pid

    story.say(f"{machine}: uninstall before the first boot, and install again")
    uninstall(host, counter)
    do(host, f"{INSIDE}/install --replace --no-start")
    assert is_supervised(host, counter)
    assert not story.svscan(host, scan)

    machine.reboot()
    host = machine.host
    eventually(lambda: story.service_pid(host, counter), "the counter is up after a boot")
    story.is_the_right_child(host, Wiring("2", scan=scan))
    assert not host.run("pgrep -x 'runsv|runsvdir'").stdout
    counts_on(host)
    machine.power_off()
    machine.boot()
    host = machine.host
    eventually(lambda: story.service_pid(host, counter), "the counter is up after a boot")
    counts_on(host)

    story.say(f"{machine}: uninstall")
    uninstall(host, counter)
    machine.reboot()
    host = machine.host
    eventually(lambda: is_supervised(host, counter), "runit runs the counter after a boot")
    counts_on(host)
    machine.power_off()
    changed = [
        one
        for one in differences(plain, machine.fingerprint())
        if not one.startswith("var/lib/counter")
    ]
    assert not changed, "\n".join(changed)
    numbers = logged(machine)
    assert numbers == list(range(1, len(numbers) + 1)), numbers
    assert numbers[-1] == int(machine.file("/var/lib/counter"))


def uninstall(host: Host, counter: str) -> None:
    """Uninstall as foreseen; runit has the counter again, and nothing of slashservice is left."""
    foreseen = host.run("slashservice uninstall -n")
    assert foreseen.rc == 2, foreseen
    said = do(host, "slashservice uninstall").splitlines()
    assert said == [*story.is_done(foreseen.stdout), "uninstalled"], f"{foreseen.stdout}\n{said}"
    story.is_plain(host)
    eventually(lambda: is_supervised(host, counter), "runit runs the counter again")
    assert not host.run("pgrep -f '[t]rap over=yes'").stdout
    counts_on(host)


def is_killed_in_the_middle(host: Host, counter: str) -> None:
    """Kill the installer while services are stopped: runsvdir goes on, and starts them again."""
    do(host, f"{INSIDE}/install --replace >/dev/null 2>&1 </dev/null &")
    state = "ps -C runsvdir -o stat="
    eventually(lambda: host.run(state).stdout.startswith("T"), "runsvdir is held still")
    do(host, "pkill -KILL -o -f 'home, [p]ackages'")
    eventually(lambda: not host.run(state).stdout.startswith("T"), "runsvdir goes on")
    eventually(lambda: is_supervised(host, counter), "runit runs the counter again")
    counts_on(host)
