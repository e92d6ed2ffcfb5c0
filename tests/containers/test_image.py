"""The recipes of ``container/``, built and run: whoever runs them, and wherever state may be."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.engine import EXAMPLE, Container, Engine, stopped
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

SECRET = ("--env=DB_PASSWORD=hush", "--env=TOKEN=s3cret")

TMPFS = ("--read-only", "--tmpfs=/run", "--tmpfs=/var/log/slashservice")
WAYS = {
    "root": (),
    "any uid": ("--user=12345",),
    "read-only": TMPFS,
    "read-only, any uid": (*TMPFS, "--user=12345"),
    "read-only, any uid and gid": (
        *TMPFS,
        *("--user=12345:777", "--group-add=0", "--cap-drop=all"),
    ),
    "read-only, podman's tmpfs": ("--read-only", "--tmpfs=/var/log/slashservice"),
}
"""Options that people run images with."""

LINE = "worker: worker ends"
"""The last that a service of the example says."""


@pytest.mark.parametrize("way", WAYS)
def test_it_runs_drains_and_keeps_secrets(ours: Engine, way: str) -> None:
    with ours.up(EXAMPLE, *SECRET, *WAYS[way]) as container:
        until(lambda: "worker: worker begins" in container.output(), "its output has the logs")
        given = container.output()
        assert "web: web begins, and was given hush" in given
        assert "worker: worker begins, and was given no password" in given

        assert container.environment(1) == set()
        for name in ("worker", "output"):
            names = {
                one.partition("=")[0] for one in container.environment(pid_in(container, name))
            }
            assert names <= {"PATH", "HOME", "PWD", "OLDPWD", "_"}, name

        logged = container.shell("cat /var/log/slashservice/worker/current")
        assert "no password" in logged

        assert container.stop() == 0
        assert container.output().splitlines()[-1] == LINE


def pid_in(container: Container, name: str) -> int:
    """Return the pid of a service that is up."""
    return until(lambda: container.pid_of(name), f"{name} has a pid")


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 7", 7), ("exit 0", 0), ("kill -9 $$", 128 + signal.SIGKILL)],
)
def test_the_container_ends_with_what_is_essential(
    ours: Engine, script: str, status: int, tmp_path: Path
) -> None:
    program = tmp_path / "web"
    program.write_text(f"#!/bin/sh\necho web ends\n{script}\n")
    program.chmod(0o755)
    with ours.started(EXAMPLE, f"--volume={program}:/usr/local/bin/web:ro") as container:
        assert container.status() == status
        assert "web: web ends" in container.output()
        assert "web is essential and has ended" in container.output()


def test_programs_are_found_on_the_path_of_the_container(ours: Engine) -> None:
    path = "/tmp/tools:/command:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    with ours.up(EXAMPLE, f"--env=PATH={path}") as container:
        container.shell("mkdir /tmp/tools; cp /bin/sleep /tmp/tools/tool")
        container.run("slashservice", "add", "made", "--no-log", "--", "tool", "1000")
        assert pid_in(container, "made")


def test_a_second_one_changes_nothing(ours: Engine) -> None:
    with ours.up(EXAMPLE, *SECRET) as container:
        look = "cat /run/svscan/env/*; readlink /run/svscan/service"
        before = container.shell(look)
        assert "hush" in before
        for words in ([], ["/tmp"]):
            container.run("/command/svcontainer", *words, status=111)
            assert container.shell(look) == before
        assert container.is_up()


def test_what_was_told_to_end_ends_nothing(ours: Engine) -> None:
    """Restarted and stopped it may be; then any other end counts."""
    with ours.up(EXAMPLE) as container:
        first = container.pid_of("web")
        container.run("svc", "-t", "/service/web")
        until(lambda: container.pid_of("web") not in (0, first), "web is restarted")
        container.run("slashservice", "stop", "web")
        container.run("slashservice", "start", "web")
        said = container.run("slashservice", "why", "web", status=None)
        assert "it is essential" in said
        container.run("svc", "-k", "/service/web")
        assert container.status() == 128 + signal.SIGKILL


def test_started_again_it_goes_on(ours: Engine) -> None:
    """No line of the first time comes again, and what is new comes."""
    with ours.up(EXAMPLE) as container:
        until(lambda: container.output().count("worker begins") == 1, "the worker has begun")
        ours.podman("restart", "-t", "10", container.name)
        until(lambda: container.output().count("worker begins") == 2, "it has begun again")
        assert container.output().count("worker: worker ends") == 1
        assert container.stop() == 0


def test_orphans_are_reaped(ours: Engine) -> None:
    with ours.up(EXAMPLE) as container:
        container.shell("for i in 1 2 3 4 5 6 7 8; do (sleep 0.0$i &) ; done")
        until(
            lambda: not container.shell("grep -l '^State:.Z' /proc/[0-9]*/status || :"),
            "no zombie is left",
        )


NUMBERS = """#!/bin/sh
i=0
while :; do
    i=$((i+1)); echo "$i ..............................................................."
    [ $((i % 100)) != 0 ] || sleep 0.01
done
"""


def written(container: Container) -> int:
    """Return how many bytes there are in the log of the worker."""
    size = 0
    for path in Path(f"/proc/{container.pid}/root/var/log/slashservice/worker").glob("*"):
        with suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def grows(container: Container) -> None:
    """Wait until more has been logged than a pipe can hold."""
    before = written(container)
    until(lambda: written(container) > before + 300_000, "the log grows all the same")


def test_output_that_is_stuck_blocks_nobody(ours: Engine, tmp_path: Path) -> None:
    """While nobody reads the output, services run and logs are written; then no line is missing."""
    program = tmp_path / "worker"
    program.write_text(NUMBERS)
    program.chmod(0o755)
    with ours.up(EXAMPLE, f"--volume={program}:/usr/local/bin/worker:ro") as container:
        with stopped(container.conmon):
            grows(container)
        os.kill(container.pid, signal.SIGTERM)
        assert container.status() == 0
        numbers = [
            int(line.split()[1])
            for line in container.output().splitlines()
            if line.startswith("worker: ") and line.endswith("...")
        ]
        assert numbers == list(range(1, len(numbers) + 1))


def test_a_stuck_output_does_not_keep_it_from_ending(ours: Engine, tmp_path: Path) -> None:
    program = tmp_path / "worker"
    program.write_text(NUMBERS)
    program.chmod(0o755)
    with ours.up(EXAMPLE, f"--volume={program}:/usr/local/bin/worker:ro") as container:
        root = Path(f"/proc/{container.pid}/root")
        with stopped(container.conmon):
            grows(container)
            os.kill(container.pid, signal.SIGTERM)
            until(lambda: not (root / "service").exists(), "it has ended")
        assert container.status() == 0


def test_where_nothing_can_be_written_it_says_so(ours: Engine) -> None:
    said = ours.run(EXAMPLE, "--read-only", "--read-only-tmpfs=false", status=111)
    assert said == (
        "svcontainer: fatal: unable to write to /run/svscan, mount a tmpfs on /run: "
        "read-only file system\n"
    )
