"""``.venv/bin/python -m benchmarks.containers``: the first process of a container, three ways.

Builds an image for each on the same Debian, runs them in turn, and prints a table as Markdown. Each
has two daemons with a log each. s6-svscan is used as s6-overlay uses it, with a ``finish`` script
that ends the container; supervisord as its manual has it. As root; the tests' engine is used.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from benchmarks.memory import kilobytes

engines = import_module("helpers.engine")  # of Linux alone, while all this is checked for others
until = import_module("helpers.waiting").until
BASE, OURS = engines.BASE, engines.OURS
Container: TypeAlias = Any
Engine: TypeAlias = Any

ROUNDS = 3
DAEMON = """#!/bin/sh
trap 'echo closing; exit 0' TERM
cut -d' ' -f1 /proc/uptime >/tmp/$1
echo "ready, and was given ${SECRET:-nothing}"
while :; do sleep 1 & wait $!; done
"""
OUR_RECIPE = """ARG BASE
FROM ${BASE}
COPY daemon /usr/local/bin/
RUN slashservice add a -- daemon a && slashservice add b -- daemon b && \
    touch /etc/slashservice/a/essential
"""
OTHERS = """ARG BASE
FROM ${BASE}
COPY daemon /usr/local/bin/
COPY root /
"""
S6 = """ENTRYPOINT ["/usr/bin/s6-svscan", "/etc/s6"]
"""
SUPERVISORD = """ENTRYPOINT ["/usr/bin/supervisord", "-n", "-c", "/etc/supervisord.conf"]
"""
PACKAGES = {
    "s6": ("s6", "libs6-2.11", "libskarnet2.13", "execline", "libexecline2.9"),
    "supervisor": ("supervisor", "python3-pkg-resources"),
}
"""Debian's packages of each, of which the files without the documentation are put into an image."""

S6_FILES = {
    "a/run": "#!/bin/sh\nexec 2>&1\nexec daemon a\n",
    "b/run": "#!/bin/sh\nexec 2>&1\nexec daemon b\n",
    "a/finish": "#!/bin/sh\n[ $1 = 256 ] && s=$((128+$2)) || s=$1\n"
    "echo $s >/tmp/status; exec s6-svscanctl -t /etc/s6\n",
    "a/log/run": "#!/bin/sh\nexec s6-log t s1000000 n10 /var/log/a\n",
    "b/log/run": "#!/bin/sh\nexec s6-log t s1000000 n10 /var/log/b\n",
    ".s6-svscan/finish": "#!/bin/sh\nexit $(cat /tmp/status 2>/dev/null || echo 0)\n",
}
SUPERVISORD_CONF = (
    "[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=/run/s.pid\n"
    + "".join(
        f"[program:{name}]\ncommand=daemon {name}\nstdout_logfile=/var/log/{name}\n"
        "redirect_stderr=true\n"
        for name in "ab"
    )
)
LOGS = {
    "slashservice": "/var/log/slashservice/a/current",
    "s6-svscan": "/var/log/a/current",
    "supervisord": "/var/log/a",
}


def write(path: Path, text: str, mode: int = 0o755) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def put_packages(root: Path, packages: tuple[str, ...]) -> None:
    """Put the files of packages that this machine has into a folder."""
    root.mkdir(parents=True)
    for package in packages:
        names = subprocess.check_output(["dpkg", "-L", package], text=True).split("\n")
        files = [
            name
            for name in names
            if os.path.lexists(name)
            and name.count("/") > 1
            and not (os.path.isdir(name) and not os.path.islink(name))
            and not name.startswith(
                ("/usr/share/doc", "/usr/share/man", "/etc/init.d", "/lib/systemd")
            )
        ]
        listed = "\0".join(name.lstrip("/") for name in files)
        command = f"tar -C / --null -T - -c | tar -C {root} -x"
        subprocess.run(["sh", "-c", command], input=listed, text=True, check=True)
    for folder in ("lib", "bin", "sbin"):  # where these are links, as in the base
        if (root / folder).is_dir():
            subprocess.run(["cp", "-a", f"{root}/{folder}", f"{root}/usr/"], check=True)
            subprocess.run(["rm", "-r", f"{root}/{folder}"], check=True)


def build(engine: Engine, top: Path) -> dict[str, str]:
    """Build the three images; return their names."""
    engine.build_ours()
    contexts = {name: top / name for name in LOGS}
    for context in contexts.values():
        write(context / "daemon", DAEMON)
    write(contexts["slashservice"] / "Recipe", OUR_RECIPE)
    put_packages(contexts["s6-svscan"] / "root", PACKAGES["s6"])
    for name, text in S6_FILES.items():
        write(contexts["s6-svscan"] / "root/etc/s6" / name, text)
    write(contexts["s6-svscan"] / "Recipe", OTHERS + S6)
    put_packages(contexts["supervisord"] / "root", PACKAGES["supervisor"])
    write(contexts["supervisord"] / "root/etc/supervisord.conf", SUPERVISORD_CONF, 0o644)
    write(contexts["supervisord"] / "Recipe", OTHERS + SUPERVISORD)
    for name, context in contexts.items():
        base = OURS if name == "slashservice" else BASE
        engine.build(f"localhost/with-{name}", context / "Recipe", context, base)
    return {name: f"localhost/with-{name}" for name in contexts}


def pids(container: Container) -> list[int]:
    """Return all processes of a container but the daemons and what they run."""
    space = os.readlink(f"/proc/{container.pid}/ns/pid")
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.readlink(f"/proc/{name}/ns/pid") == space:
                comm = Path(f"/proc/{name}/comm").read_text().strip()
                found += [int(name)] if comm not in ("daemon", "sleep") else []
        except OSError:
            continue
    return found


def ready(container: Container) -> float:
    """Return how many seconds after the start of the first process both daemons ran."""
    root = Path(f"/proc/{container.pid}/root/tmp")
    until(
        lambda: all((root / name).exists() and (root / name).read_text() for name in "ab"), "ready"
    )
    stat = Path(f"/proc/{container.pid}/stat").read_text().rpartition(") ")[2].split()
    begun = int(stat[19]) / os.sysconf("SC_CLK_TCK")
    return max(float((root / name).read_text()) for name in "ab") - begun


def has(log: Path, word: str) -> bool:
    return log.exists() and word in log.read_text()


def yes(condition: bool) -> str:
    return "yes" if condition else "no"


def measure(engine: Engine, name: str, image: str) -> dict[str, str]:
    """Return what a way does, by what is asked for."""
    starts, memory, stops = [], [], []
    found: dict[str, str] = {}
    size = [
        int(engine.podman("image", "inspect", "--format={{.Size}}", one)) for one in (image, BASE)
    ]
    found["bytes added to the image"] = f"{(size[0] - size[1]) / 1e6:.1f} MB"
    for _ in range(ROUNDS):
        with engine.started(image, "--env=SECRET=hush") as container:
            starts.append(ready(container))
            log = Path(f"/proc/{container.pid}/root{LOGS[name]}")
            until(partial(has, log, "ready"), "its log has it")
            time.sleep(1.0)  # what runs at a start alone is over
            memory.append(sum(map(kilobytes, pids(container))) * 1024 / 1e6)
            processes = len(pids(container))
            given = log.read_text()
            container.shell("for i in 1 2 3 4; do (sleep 0.0$i &) ; done")
            time.sleep(1.0)
            zombies = container.shell("grep -l '^State:.Z' /proc/[0-9]*/status || :")
            merged = merged_log(engine, container, log)
            before = time.monotonic()
            status = container.stop()
            stops.append(time.monotonic() - before)
            closing = "closing" in merged()
    found["processes beside the daemons"] = str(processes)
    found["their memory (PSS, page tables, stacks)"] = f"{median(memory):.1f} MB"
    found["first process to both daemons"] = f"{median(starts):.2f} s"
    found["`podman stop`, all of it"] = f"{median(stops):.1f} s"
    found["reaps orphans"] = yes(not zombies)
    found["TERM ends it, with status 0"] = yes(status == 0)
    found["a daemon's last words are in its log"] = yes(closing)
    found["a service does not inherit the secret"] = yes("given hush" not in given)
    with engine.started(image) as container:
        ready(container)
        container.shell(KILL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and Path(f"/proc/{container.pid}").exists():
            time.sleep(0.05)
        ended = not Path(f"/proc/{container.pid}").exists()
        found["ends as the essential daemon did (KILL: 137)"] = (
            str(container.status()) if ended else "no: it is started again"
        )
    with engine.started(image, "--user=12345", "--read-only", "--tmpfs=/run") as container:
        try:
            until(lambda: len(daemons(container)) == 2, "both run", seconds=10)
            found["this image, read-only and as any uid"] = "yes"
        except (AssertionError, OSError):
            found["this image, read-only and as any uid"] = "no"
    return found


KILL = (
    "for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline 2>/dev/null) in "
    "'/bin/sh /usr/local/bin/daemon a '*) kill -9 ${p#/proc/};; esac; done"
)


def daemons(container: Container) -> list[int]:
    """Return the daemons of a container."""
    space = os.readlink(f"/proc/{container.pid}/ns/pid")
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.readlink(f"/proc/{name}/ns/pid") == space:
                comm = Path(f"/proc/{name}/comm").read_text().strip()
                found += [int(name)] if comm == "daemon" else []
        except OSError:
            continue
    return found


def merged_log(engine: Engine, container: Container, log: Path) -> Callable[[], str]:
    """Return what reads a log also when the container has ended."""
    where = engine.podman("inspect", "--format={{.GraphDriver.Data.UpperDir}}", container.name)
    inside = str(log).partition("/root/")[2]

    def read() -> str:
        return str(engine.call("cat", f"{where.strip()}/{inside}", status=None))

    return read


def main() -> int:
    with engines.engine() as engine:
        images = build(engine, engine.folder / "images")
        columns = {name: measure(engine, name, image) for name, image in images.items()}
    first, *_ = columns.values()
    print("| | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for row in first:
        print(f"| {row} | " + " | ".join(column[row] for column in columns.values()) + " |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
