"""A soak: churn of services beside kills of everything; then every line and run is counted.

``python -m benchmarks.soak [--minutes N] [--seed N]``. Exit status 1, and a line for each, if a
bound does not hold: no run beside another, no line lost or doubled, descriptors, memory of svscan
and of log hosts, processor time when idle, and the time that ``svc -t`` takes, relative to the
start of the run.

Some services are linked from elsewhere, and some logs have a process of their own, C's or ours.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from benchmarks import world as worlds
from benchmarks.idle import activity
from benchmarks.world import World, wait_until
from slashservice.supervise.platform import posix
from slashservice.supervise.protocol import status
from slashservice.supervise.protocol.status import Status

SERVICES = 8
LINKED = (3, 5, 7)
ALONE = {4: worlds.C / "multilog", 5: None}
"""Which logs have a process of their own, and by which program; None stands for ours."""
KILOBYTES = 6144
TIMES_SLOWER = 10.0
MILLISECONDS_IDLE = 50.0
SECONDS_IDLE = 3.0
ENDS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGQUIT, signal.SIGTERM)
LETTERS = ("-t", "-k", "-d", "-u", "-o", "-p", "-c", "-h", "-u")

COUNTING = """\
#!/bin/sh
exec 9>>alone
/usr/bin/flock -n 9 || { echo $$ >>twice; exit 1; }
read -r since rest </proc/uptime
run=$$.$since
echo $run >>runs
n=0
while :; do
    n=$((n + 1))
    echo $run $n
    echo $run $n >>noted
    sleep 0.02 9>&-
done
"""

LINE = re.compile(rb"(?m)^(\d+\.[\d.]+) (\d+)$")


class Soak:
    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.scan = world.scan_directory()
        self.errors = world.root / "errors"
        self.hosted = f"#!/bin/sh\nexec {world.ours}/multilog s16777215 n1000000 ./main\n"
        self.elsewhere = world.root / "elsewhere"
        self.elsewhere.mkdir()
        self.services = [self.make_counting(number) for number in range(SERVICES)]
        # A multilog that is killed loses what it has read; a hosted logger does not.
        self.mortal_logs = [
            service / "log" for n, service in enumerate(self.services) if n not in ALONE
        ]
        self.count = 0
        self.svscan = self.start()

    def make_counting(self, number: int) -> Path:
        name = f"s{number}"
        log = self.hosted
        if number in ALONE:
            program = ALONE[number] or self.world.ours / "multilog"
            log = f"#!/bin/sh\n: not plain\nexec {program} s16777215 n1000000 ./main\n"
        if number not in LINKED:
            return self.make(name, COUNTING, log)
        worlds.make_service(self.elsewhere / name, COUNTING)
        worlds.make_service(self.elsewhere / name / "log", log)
        (self.scan / name).symlink_to(self.elsewhere / name)
        return self.scan / name

    def make(self, name: str, run: str, log: str = "") -> Path:
        hidden = self.scan / f".{name}"
        worlds.make_service(hidden, run)
        if log:
            worlds.make_service(hidden / "log", log)
        return hidden.rename(self.scan / name)

    def start(self) -> int:
        return self.world.start(self.world.ours / "svscan", self.scan, errors=self.errors)

    def svc(self, letters: str, *services: Path) -> None:
        worlds.run([self.world.ours / "svc", letters, *services])

    def step(self) -> None:
        """Do one thing to something."""
        service = self.random.choice(self.services)
        what = self.random.choice(["svc", "svc", "svc", "log", "daemon", "host", "svscan", "churn"])
        if what == "svc":
            self.svc(self.random.choice(LETTERS), service)
        elif what == "log":
            log = service / "log"
            self.svc(self.random.choice(["-t", "-k"] if log in self.mortal_logs else ["-t"]), log)
        elif what == "daemon":
            self.kill(worlds.daemon_pid(service, "run"))
        elif what == "host":
            self.kill(worlds.daemon_pid(service / "log", "loghost"))
        elif what == "svscan":
            wait_until(lambda: all(map(self.is_kept, self.services)))
            os.kill(self.svscan, self.random.choice(ENDS))
            os.waitpid(self.svscan, 0)
            self.svscan = self.start()
            self.wait_for_svscan()
        else:
            self.churn()

    def is_kept(self, service: Path) -> bool:
        """Tell whether the lines of a service outlive svscan.

        They are lost if service and log are dead and svscan is killed before it has seen that, or
        in the milliseconds in which it starts one of them again. So the log is to run. svscan may
        be late with what it was told, and a log that was sent TERM may be late to die.
        """
        if is_told(service) or is_told(service / "log"):
            return False
        log = status_of(service / "log")
        return log.pid > 0 and not log.termed and runs(log.pid)

    def wait_for_svscan(self) -> None:
        """Return once all services and their logs are supervised."""
        parts = [*self.services, *(service / "log" for service in self.services)]
        wait_until(lambda: all(not worlds.run([self.world.ours / "svok", part]) for part in parts))

    def kill(self, pid: int) -> None:
        if pid:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def churn(self) -> None:
        """Have a service come, and the one before it go, in whatever state it is."""
        before = self.scan / f"x{self.count}"
        self.count += 1
        self.make(f"x{self.count}", worlds.RUN, self.random.choice(["", self.hosted]))
        if before.exists():
            self.svc(self.random.choice(["-d", "-dx", "-k"]), before)
            gone = before.rename(self.scan / f".gone{self.count}")
            self.svc("-dx", *filter(Path.exists, (gone, gone / "log")))
            shutil.rmtree(gone, ignore_errors=True)

    def all_up(self) -> None:
        """Have all be up; return once they are, in one svscan."""
        self.svc("-cu", *self.services, *(service / "log" for service in self.services))
        for service in self.services:
            wait_until(lambda: worlds.daemon_pid(service, "run"))  # noqa: B023
            wait_until(lambda: (service / "log/main/current").exists())  # noqa: B023
        for log in self.mortal_logs:
            wait_until(lambda: worlds.daemon_pid(log, "loghost"))  # noqa: B023

    def latency(self) -> float:
        """Return how long a ``svc -t`` takes until the service runs again, in seconds."""
        taken = []
        for service in self.services[:5]:
            pid = worlds.daemon_pid(service, "run")
            time.sleep(1.1)  # it is not started sooner than a second after its last start
            began = time.monotonic()
            self.svc("-t", service)
            wait_until(lambda: worlds.daemon_pid(service, "run") not in (0, pid), 0.002)  # noqa: B023
            taken.append(time.monotonic() - began)
        return median(taken)

    def size(self) -> tuple[int, int]:
        """Return the descriptors and the kilobytes of svscan."""
        opened = len(os.listdir(f"/proc/{self.svscan}/fd"))
        return opened, kilobytes(self.svscan)

    def largest_host(self) -> int:
        """Return the kilobytes of the largest log host."""
        hosts = {worlds.daemon_pid(log, "loghost") for log in self.mortal_logs}
        return max(kilobytes(host) for host in hosts if host)

    def remove_churned(self) -> None:
        for entry in self.scan.glob("x*"):
            self.svc("-dx", *filter(Path.exists, (entry, entry / "log")))
            gone = entry.rename(self.scan / f".last-{entry.name}")
            self.svc("-dx", *filter(Path.exists, (gone, gone / "log")))
            shutil.rmtree(gone, ignore_errors=True)

    def drain(self) -> None:
        os.kill(self.svscan, signal.SIGTERM)
        os.waitpid(self.svscan, 0)

    def counted(self) -> list[str]:
        """Tell of each line that is lost or doubled, and of each run beside another."""
        told = []
        for service in self.services:
            if (service / "twice").exists():
                told.append(f"{service.name} ran twice at once")
            noted = numbers((service / "noted").read_bytes())
            main = service / "log/main"
            old = b"".join(path.read_bytes() for path in sorted(main.glob("@*")))
            found = numbers(old + (main / "current").read_bytes())
            for run in (service / "runs").read_bytes().split():
                said, kept = noted.get(run, []), found.get(run, [])
                # Killed between its two lines, it has said one more than it has noted.
                if kept != list(range(1, len(kept) + 1)) or len(kept) - len(said) not in (0, 1):
                    told.append(f"{service.name}, run {run!r}: {len(said)} said, {len(kept)} kept")
        return told


def status_of(service: Path) -> Status:
    found = status.unpack((service / worlds.STATUS).read_bytes())
    assert found
    return found


def is_told(service: Path) -> bool:
    """Tell whether svscan has yet to read what it was told."""
    fd = os.open(service / worlds.CONTROL, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return posix.is_readable(fd, 0)
    finally:
        os.close(fd)


def runs(pid: int) -> bool:
    try:
        return worlds.status_of(pid)["State"][0] not in "ZX"
    except OSError:
        return False


def kilobytes(pid: int) -> int:
    return int(worlds.status_of(pid)["VmRSS"].split()[0])


def numbers(text: bytes) -> dict[bytes, list[int]]:
    found = defaultdict(list)
    for run, number in LINE.findall(text):
        found[run].append(int(number))
    return found


def soak(world: World, seconds: float, seed: int) -> list[str]:
    """Run it; return what did not hold."""
    it = Soak(world, seed)
    it.wait_for_svscan()
    it.all_up()
    it.churn()
    it.remove_churned()
    quick = it.latency()
    opened, memory = it.size()
    host = it.largest_host()
    end = time.monotonic() + seconds
    steps = 0
    while time.monotonic() < end:
        it.step()
        steps += 1
        time.sleep(0.2 * it.random.random())
    it.remove_churned()
    it.all_up()
    told = []
    try:
        # A pidfd for each process that was adopted.
        wait_until(lambda: it.size()[0] <= opened + SERVICES + len(ALONE))
    except TimeoutError:
        told.append(f"descriptors: {opened} at first, {it.size()[0]} at the end")
    if it.size()[1] > memory + KILOBYTES:
        told.append(f"memory: {memory} kB at first, {it.size()[1]} at the end")
    if it.largest_host() > host + KILOBYTES:
        told.append(f"log host: {host} kB at first, {it.largest_host()} at the end")
    slow = it.latency()
    if slow > TIMES_SLOWER * quick:
        told.append(f"svc -t: {quick:.3f} s at first, {slow:.3f} s at the end")
    time.sleep(SECONDS_IDLE)
    before = activity([it.svscan])[1]
    time.sleep(SECONDS_IDLE)
    if (spent := activity([it.svscan])[1] - before) > MILLISECONDS_IDLE:
        told.append(f"idle svscan: {spent:.0f} ms in {SECONDS_IDLE:.0f} s")
    it.drain()
    said = it.errors.read_text(errors="replace").splitlines()
    told += [line for line in said if "internal error" in line or "Traceback" in line]
    told += it.counted()
    print(f"seed {seed}: {steps} steps in {seconds:.0f} s; svc -t {quick:.3f} s, then {slow:.3f} s")
    return told


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long; 10")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    with worlds.temporary_world() as world:
        told = soak(world, 60 * arguments.minutes, arguments.seed)
    for line in told:
        print(line)
    return 1 if told else 0


if __name__ == "__main__":
    raise SystemExit(main())
