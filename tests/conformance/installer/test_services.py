"""Services made and removed on a machine that runs: they start, or it is said why they don't."""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from helpers.booted import installed
from helpers.sandbox import Sandbox
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

STUBBORN = ("sh", "-c", 'trap "" TERM; echo begun; while :; do sleep 0.1; done')
LOGS = "/var/log/slashservice"


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A machine with slashservice; each test uses names of its own."""
    with installed(request) as made:
        yield made


def pid_of(machine: Sandbox, service: str) -> str:
    """Return the pid that svstat shows, empty for none."""
    found = re.search(r": up \(pid (\d+)\)", machine.run("svstat", service))
    return found[1] if found else ""


def add(machine: Sandbox, *words: str, status: int | None = 0) -> str:
    """Call ``slashservice add``."""
    return machine.run("slashservice", "add", *words, status=status)


def remove(machine: Sandbox, *words: str, status: int = 0) -> str:
    """Call ``slashservice remove``."""
    return machine.run("slashservice", "remove", *words, status=status)


def logged(machine: Sandbox, name: str, folder: str = LOGS) -> list[str]:
    """Return what a service has logged, without stamps."""
    path = machine.path(f"{folder}/{name}/current")
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.split(" ", 1)[1] for line in lines]


def is_gone(path: Path) -> bool:
    """Tell whether a process has ended, by its folder in /proc."""
    return not path.exists()


def interrupted(machine: Sandbox, seconds: float, *words: str, number: str = "INT") -> str:
    """Call slashservice, and send it a signal after so long; return what it says."""
    command = ("timeout", "--foreground", "-s", number, f"{seconds:.3f}", "slashservice")
    said = machine.run(*command, *words, status=None)
    assert "Traceback" not in said
    return said


class TestAdd:
    """What ``add`` makes runs, or it says that it doesn't."""

    def test_account_variables_and_limits(self, machine: Sandbox) -> None:
        told = add(
            machine,
            *("app", "--user", "nobody", "--log-user", "daemon", "--limit", "files=300"),
            *("--env", "SECRET=a $b 'c'  \"d", "--"),
            *("sh", "-c", 'echo "$(id -un) $(ulimit -Sn) $SECRET"; exec sleep 1000'),
        )
        assert re.search(r"svscan supervises it: app: up \(pid \d+\) \d seconds", told)
        until(lambda: logged(machine, "app"), "a line in its log")
        assert logged(machine, "app") == ["nobody 300 a $b 'c'  \"d"]
        home = "/etc/slashservice/app/env"
        assert machine.run("stat", "-c", "%a", home, f"{home}/SECRET") == "700\n600\n"
        nobody = ("setuidgid", "nobody", "cat", f"{home}/SECRET")
        assert "Permission denied" in machine.run(*nobody, status=1)
        assert machine.run("stat", "-c", "%U %a", f"{LOGS}/app") == "daemon 700\n"
        remove(machine, "app")

    def test_the_log_makes_its_directory_wherever_it_is(self, machine: Sandbox) -> None:
        talker = ("sh", "-c", "while :; do echo said; sleep 0.1; done")
        add(machine, "moved", "--log-user", "daemon", "--", *talker)
        hosted = pid_of(machine, "/service/moved/log")
        assert "loghost" in machine.run("cat", f"/proc/{hosted}/cmdline")
        machine.run("svc", "-d", "/service/moved")
        machine.run("svc", "-dx", "/service/moved/log")
        until(lambda: not pid_of(machine, "/service/moved/log"), "its end")
        machine.run("rm", "-r", LOGS)
        machine.run("svc", "-u", "/service/moved", "/service/moved/log")
        until(lambda: logged(machine, "moved"), "a line in its log")
        assert machine.run("stat", "-c", "%U %a", LOGS, f"{LOGS}/moved") == "root 755\ndaemon 700\n"
        remove(machine, "moved")

    @pytest.mark.parametrize("account", ["daemon", "root"])
    def test_a_log_that_a_group_may_read(self, account: str, machine: Sandbox) -> None:
        """By its group alone, whatever was rotated, and wherever its directory is made anew."""
        talker = ("sh", "-c", "echo first; while :; do echo said; sleep 0.1; done")
        words = ("--log-group", "adm", *(("--log-user", account) if account != "root" else ()))
        add(machine, "told", *words, "--", *talker)
        of_group, other = ("chpst", "-u", "nobody:adm"), ("chpst", "-u", "nobody")
        look = ("stat", "-c", "%U %G %a", f"{LOGS}/told")
        for _ in "as made", "on another host":
            until(lambda: "said" in logged(machine, "told"), "lines in its log")
            assert machine.run(*look) == f"{account} adm 2750\n"
            machine.run("svc", "-a", "/service/told/log")
            until(lambda: "@" in machine.run("ls", f"{LOGS}/told"), "a file that is finished")
            assert " first\n" in machine.run(*of_group, "svlog", "-a", "told")
            assert " first\n" in machine.run(*of_group, "slashservice", "logs", "-a", "told")
            refused = machine.run(*other, "svlog", "told", status=111)
            assert refused == f"svlog: warning: unable to read {LOGS}/told: access denied\n"
            machine.run("svc", "-d", "/service/told")
            machine.run("svc", "-dx", "/service/told/log")
            until(lambda: not pid_of(machine, "/service/told/log"), "its end")
            machine.run("rm", "-r", LOGS)
            machine.run("svc", "-u", "/service/told", "/service/told/log")
        # Two short runs of the log are taken for a failure until it has been up for a while.
        asked = ("slashservice", "doctor")
        until(lambda: "nothing found wrong" in machine.run(*asked, status=None), "all is well")
        remove(machine, "told")
        machine.run("rm", "-r", f"{LOGS}/told")

    def test_a_log_that_can_not_be_a_groups(self, machine: Sandbox) -> None:
        words = ("slashservice", "add", "told", "--log-group")
        assert "there is no group nosuch" in machine.run(*words, "nosuch", "--", "true", status=111)
        machine.run("mkdir", "-p", f"{LOGS}/told")
        said = machine.run(*words, "adm", "--", "true", status=111)
        assert f"chgrp adm {LOGS}/told && chmod 2750 {LOGS}/told" in said
        machine.run("rm", "-r", f"{LOGS}/told")
        assert "told" not in machine.run("ls", "-A", "/service")

    def test_one_that_dies(self, machine: Sandbox) -> None:
        broken = "echo no such table; echo so it ends >&2; exit 7"
        told = add(machine, "dying", "--", "sh", "-c", broken, status=1)
        assert re.search(
            r"^dying died at once, (2|3) times in 2 seconds: exit 7; it is ", told, re.M
        )
        assert "    no such table\n    so it ends\n" in told
        assert "slashservice remove dying" in told
        told = add(machine, "silent", "--no-log", "--", "false", status=1)
        assert "it has no log: what it says is where svscan's own messages are" in told
        remove(machine, "dying")
        remove(machine, "silent")

    def test_one_whose_log_dies(self, machine: Sandbox) -> None:
        machine.run("mkdir", "-p", "/srv/theirs")
        words = ("--log-user", "nobody", "--log", "/srv/theirs")
        told = add(machine, "mute", *words, "--", "sleep", "1000", status=1)
        assert "its log does not run: /service/mute/log/run" in told
        remove(machine, "mute")

    @pytest.mark.parametrize(
        ("command", "told"),
        [
            (["/usr/bin/no-such"], "there is no program /usr/bin/no-such that svscan can run"),
            (["no-such"], "The PATH of services is /command:/usr/local/bin"),
            (["tail -F x | grep y"], "add refused -- sh -c 'tail -F x | grep y'"),
            (["./server"], "Name it by its whole path: /server"),
            (["/etc/passwd"], "/etc/passwd can't be run by svscan"),
            (["/srv/crlf"], "its first line ends in a carriage return"),
            (["/srv/gone"], "its first line names /usr/bin/pyhton, which svscan can't run"),
            (["/srv/env"], "its first line names pyhton, which svscan can't run"),
            (["/srv"], "/srv can't be run by svscan"),
        ],
    )
    def test_a_program_that_is_not_there(
        self, command: list[str], told: str, machine: Sandbox
    ) -> None:
        machine.put("/srv/crlf", "#!/bin/sh\r\nexit 1\r\n")
        machine.put("/srv/gone", "#!/usr/bin/pyhton\n")
        machine.put("/srv/env", "#!/usr/bin/env pyhton\n")
        before = machine.changes()
        assert told in add(machine, "refused", "--", *command, status=111)
        assert machine.changes() == before

    def test_a_program_that_its_account_cannot_reach(self, machine: Sandbox) -> None:
        machine.put("/srv/closed/server", "#!/bin/sh\nexec sleep 1000\n")
        machine.path("/srv/closed").chmod(0o700)
        command = ("--", "/srv/closed/server")
        told = add(machine, "closed", "--user", "nobody", *command, status=111)
        assert "/srv/closed/server can't be run by nobody" in told
        assert "--no-check" in told
        told = add(machine, "closed", "--user", "nobody", "--no-check", *command, status=1)
        assert "closed died at once" in told
        remove(machine, "closed")

    def test_a_log_directory_is_absolute(self, machine: Sandbox) -> None:
        machine.run("mkdir", "-p", "/srv/logs")
        talker = "exec slashservice add near --log here/./x -- sh -c 'echo hi; exec sleep 1000'"
        machine.run("sh", "-c", f"cd /srv/logs && {talker}")
        until(lambda: logged(machine, "x", "/srv/logs/here"), "a line in its log")
        remove(machine, "near")

    def test_below_somebody_elses_directory(self, machine: Sandbox) -> None:
        machine.run("install", "-d", "-o", "daemon", "/srv/daemon")
        words = ("theirs", "--log", "/srv/daemon/logs/theirs")
        command = ("--", "sh", "-c", "echo hi; exec sleep 1000")
        before = machine.changes()
        told = add(machine, *words, *command, status=111)
        assert "no safe place for a log that root writes: /srv/daemon belongs to user" in told
        assert machine.changes() == before
        add(machine, *words, "--log-user", "daemon", *command)
        until(lambda: logged(machine, "theirs", "/srv/daemon/logs"), "a line in its log")
        made = ("/srv/daemon/logs", "/srv/daemon/logs/theirs")
        assert machine.run("stat", "-c", "%U", *made) == "daemon\ndaemon\n"
        remove(machine, "theirs")

    def test_below_a_directory_of_a_group(self, machine: Sandbox) -> None:
        """As /var/log on Ubuntu, where the account of the log is mostly none of the group."""
        machine.run("sh", "-c", "echo 'meddlers:x:977:nobody' >>/etc/group")
        machine.run("install", "-d", "-g", "meddlers", "-m", "775", "/srv/group")
        command = ("--", "sh", "-c", "echo hi; exec sleep 1000")
        words = ("grouped", "--log", "/srv/group/logs/grouped")
        before = machine.changes()
        told = add(machine, *words, *command, status=111)
        assert "no safe place for a log that root writes: /srv/group can be written by" in told
        assert machine.changes() == before
        add(machine, *words, "--log-user", "daemon", *command)
        until(lambda: logged(machine, "grouped", "/srv/group/logs"), "a line in its log")
        made = ("/srv/group/logs", "/srv/group/logs/grouped")
        assert machine.run("stat", "-c", "%U %a", *made) == "root 755\ndaemon 700\n"
        remove(machine, "grouped")

    @pytest.mark.parametrize("account", ["", "daemon"])
    def test_where_var_log_is_a_group_s(self, account: str, machine: Sandbox) -> None:
        machine.run("chgrp", "daemon", "/var/log")
        machine.run("chmod", "775", "/var/log")
        try:
            command = ("--", "sh", "-c", "echo hi; exec sleep 1000")
            words = ("elsewhere", *(["--log-user", account] if account else []))
            told = add(machine, *words, *command)
            place = "/var/lib/slashservice-logs"
            assert f"its log will be {place}/elsewhere: /var/log can be written by group" in told
            until(lambda: logged(machine, "elsewhere", place), "a line in its log")
            assert machine.run("stat", "-c", "%U %a", place) == "root 755\n"
            assert f"kept: {place}/elsewhere" in remove(machine, "elsewhere")
            machine.run("rm", "-r", place)
        finally:
            machine.run("chgrp", "root", "/var/log")
            machine.run("chmod", "755", "/var/log")

    @pytest.mark.parametrize("account", ["", "nobody"])
    @pytest.mark.parametrize("limit", ["", "files=300"])
    @pytest.mark.parametrize("where", ["here", "there", "both"])
    def test_the_path_on_which_a_program_is_looked_for(
        self, where: str, limit: str, account: str, machine: Sandbox
    ) -> None:
        """It is found by ``add`` just when it is found by what runs: ours, and C's commands."""
        program = f"server-{where}"
        folders = {"here": ["/usr/local/bin"], "there": ["/srv/bin"]}
        for folder in folders.get(where, ["/usr/local/bin", "/srv/bin"]):
            machine.put(f"{folder}/{program}", f"#!/bin/sh\necho {folder}\nexec sleep 1000\n")
            machine.path(f"{folder}/{program}").chmod(0o755)
        name = f"path-{where}-{limit[-1:]}-{account}".rstrip("-")
        words = [name, "--env", "PATH=/srv/bin:/bin:/usr/bin"]
        words += ["--limit", limit] if limit else []
        words += ["--user", account] if account else []
        runs = "svscan supervises it" in add(
            machine, *words, "--no-check", "--", program, status=None
        )
        script = machine.run("cat", f"/etc/slashservice/{name}/run").splitlines()[-1]
        command = script.removeprefix("exec ")
        by_c = machine.run(
            *("env", "PATH=/usr/bin:/bin:/usr/local/bin", "sh", "-c"),
            f"cd /etc/slashservice/{name} && exec timeout 0.5 {command}",
            status=None,
        )
        said = re.search(r"^(/\S+/bin)$", by_c, re.M)
        assert bool(said) == runs, by_c
        if said:
            until(lambda: logged(machine, name), "a line in its log")
            assert logged(machine, name)[-1] == said[1]
        remove(machine, name)
        told = add(machine, *words, "--down", "--", program, status=0 if runs else 111)
        assert ("there is no program" not in told) == runs, told
        if runs:
            remove(machine, name)
        machine.run("rm", "-f", f"/usr/local/bin/{program}", f"/srv/bin/{program}")

    def test_a_link_that_the_account_has_put_there_gives_nothing_away(
        self, machine: Sandbox
    ) -> None:
        machine.run("install", "-d", "-o", "daemon", "/srv/trap")
        machine.run("mkdir", "-p", "/srv/roots")
        machine.run("setuidgid", "daemon", "ln", "-s", "/srv/roots", "/srv/trap/logs")
        words = ("trapped", "--log", "/srv/trap/logs/x", "--log-user", "daemon")
        told = add(machine, *words, "--", "sleep", "1000", status=111)
        assert "the log directory /srv/trap/logs/x can't be made" in told
        assert machine.run("ls", "/srv/roots") == ""
        assert not machine.path("/etc/slashservice/trapped").exists()

    def test_a_full_disk_is_named_and_nothing_is_left(self, machine: Sandbox) -> None:
        mount = "mount -t tmpfs -o size=64k none /mnt && "
        mount += "(cat /dev/zero >/mnt/filler; true) 2>/dev/null"
        machine.run("sh", "-c", mount)
        try:
            before = machine.changes()
            told = add(machine, "full", "--in", "/mnt/homes", "--", "sleep", "1", status=111)
            assert (
                told
                == "slashservice: fatal: /mnt/homes/full can't be made: No space left on device\n"
            )
            assert machine.changes() == before
            assert machine.run("ls", "-A", "/mnt") == "filler\n"
        finally:
            machine.run("umount", "/mnt")


class TestRemove:
    """A service that does not want to end is named, and ended."""

    def test_one_that_ignores_term(self, machine: Sandbox) -> None:
        add(machine, "stuck", "--", *STUBBORN)
        pid = pid_of(machine, "/service/stuck")
        told = interrupted(machine, 2.5, "remove", "stuck")
        assert told.startswith("/service/stuck is unlinked\n")
        assert f"waiting for /etc/slashservice/stuck to go down (pid {pid})" in told
        assert "interrupted by SIGINT" in told
        told = add(machine, "stuck", "--", *STUBBORN, status=111)
        assert "its service still runs" in told
        assert "slashservice remove stuck" in told
        told = remove(machine, "stuck", "--kill-after", "1")
        assert "/service/stuck was unlinked before" in told
        assert "which was killed" in told or "is down" in told
        assert told.endswith(f"its logs are kept: {LOGS}/stuck\n")
        assert not machine.path("/etc/slashservice/stuck").exists()
        assert not machine.path(f"/proc/{pid}").exists()

    def test_one_that_was_linked_by_hand(self, machine: Sandbox) -> None:
        machine.put("/srv/byhand/run", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.1; done\n")
        machine.run("ln", "-s", "/srv/byhand", "/service/byhand")
        until(lambda: pid_of(machine, "/service/byhand"), "the service")
        interrupted(machine, 1.5, "remove", "byhand")
        told = remove(machine, "byhand", "--kill-after", "0")
        assert "/srv/byhand is kept" in told
        assert "there is no service byhand" in remove(machine, "byhand", status=111)

    def test_one_whose_log_can_not_be_written(self, machine: Sandbox) -> None:
        """It is said why the log is waited for; it is a log, and never a service called so."""
        talks = ("sh", "-c", "while :; do echo hello; sleep 0.1; done")
        add(machine, "mute-log", "--log-user", "nobody", "--", *talks)
        until(lambda: logged(machine, "mute-log"), "it logs")
        machine.run("rm", "-r", f"{LOGS}/mute-log")
        trouble = machine.path("/etc/slashservice/mute-log/log/supervise/trouble")
        until(lambda: trouble.exists() and trouble.read_text(), "its log is in trouble")
        told = interrupted(machine, 3.5, "remove", "mute-log")
        assert re.search(
            r"waiting for the log in /etc/slashservice/mute-log/log \(pid \d+\), which can't be "
            r"written: \S.*; slashservice remove mute-log --kill-after SECONDS gives up what it "
            r"has not written\n",
            told,
        )
        shown = machine.run("slashservice", "list", status=None)
        assert "mute-log/log" in shown and not re.search("^log ", shown, re.MULTILINE)
        why = machine.run("slashservice", "why", "mute-log/log", status=1)
        assert "it is the log of a service that is no longer in /service" in why
        assert "it can't be written, and waits" in why and "ln -s" not in why
        doctor = machine.run("slashservice", "doctor", status=1)
        assert "mute-log/log is unlinked: " in doctor
        told = remove(machine, "mute-log", "--kill-after", "0")
        assert "its log was ended before its input was" in told
        assert "mute-log" not in machine.run("slashservice", "list", status=None)

    def test_one_that_leaves_a_process(self, machine: Sandbox) -> None:
        """It has the pipe to the log, and runs on: it is named, then and before."""
        add(machine, "parent", "--", "sh", "-c", "sleep 1000 & echo $! >/tmp/child; wait")
        until(lambda: machine.path("/tmp/child").exists(), "it has a child")
        told = remove(machine, "parent")
        found = re.search(
            r"waiting for the log in \S+ \(pid \d+\), to which sleep \(pid (\d+)\) can still "
            r"write; kill (\d+) ends that\n",
            told,
        )
        assert found and found[1] == found[2]
        assert f"of its processes these still run: sleep (pid {found[1]})\n" in told
        machine.run("kill", found[1])

    @pytest.mark.parametrize(
        ("folder", "word"),
        [
            ("/", "/service/there"),
            ("/", "/etc/slashservice/there/"),
            ("/service", "./there"),
            ("/service", "there/"),
            ("/etc/slashservice/there", "."),
        ],
    )
    def test_by_a_path(self, folder: str, word: str, machine: Sandbox) -> None:
        add(machine, "./there", "--", "sleep", "1000", status=111)
        machine.run("sh", "-c", "cd /service && exec slashservice add ./there -- sleep 1000")
        told = machine.run("sh", "-c", f"cd {folder} && exec slashservice remove {word}")
        assert "/etc/slashservice/there is removed" in told
        told = remove(machine, "/srv/there", status=111)
        assert told.startswith("slashservice: fatal: /srv/there is no service in /service\n")

    def test_nobody_supervises_what_runs(self, machine: Sandbox) -> None:
        machine.run("mkdir", "-p", "/srv/scan")
        add(machine, "alone", "--service-dir", "/srv/scan", "--no-log", "--", "sleep", "1000")
        scan = "svscan /srv/scan >/dev/null 2>&1 & p=$!"
        scan += "; until svok /srv/scan/alone; do sleep 0.1; done"
        scan += "; until svstat /srv/scan/alone | grep -q ': up'; do sleep 0.1; done; kill -9 $p"
        machine.run("sh", "-c", scan)
        words = ("alone", "--service-dir", "/srv/scan")
        assert "runs, but no svscan that would stop it" in remove(machine, *words, status=111)
        machine.run("slashservice", "drain", "/srv/scan")
        assert "is removed" in remove(machine, *words)


def test_drain_says_what_it_waits_for(machine: Sandbox) -> None:
    machine.run("mkdir", "-p", "/srv/drained")
    for name, command in (("stuck", STUBBORN), ("good", ("sleep", "1000"))):
        words = (f"drained-{name}", "--service-dir", "/srv/drained")
        add(machine, *words, "--", *command)
    svscan = machine.argv("svscan", "/srv/drained")
    process = subprocess.Popen(svscan, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        begun = lambda: logged(machine, "drained-stuck") == ["begun"]  # noqa: E731
        until(begun, "the stubborn one")
        pid = pid_of(machine, "/srv/drained/drained-stuck")
        told = machine.run("slashservice", "drain", "-t", "2", "/srv/drained", status=111)
        assert f"slashservice: waiting for drained-stuck (pid {pid}) to go down\n" in told
        last = told.splitlines()[-1]
        assert "did not go down in time: drained-stuck (pid" in last
        assert "drained-good" not in told
        told = interrupted(machine, 1.5, "drain", "/srv/drained")
        assert "interrupted: svscan goes on with taking down /srv/drained" in told
        machine.run("kill", "-9", pid)
        machine.run("slashservice", "drain", "/srv/drained")
    finally:
        process.wait(60)


@pytest.mark.parametrize("number", ["INT", "TERM"])
@pytest.mark.parametrize("seed", range(2))
def test_interrupted_anywhere_the_same_verb_again_does_it(
    seed: int, number: str, machine: Sandbox
) -> None:
    """No traceback, nothing left halfway: ``add``, then ``remove``, each interrupted at random."""
    dice = random.Random(seed)
    name = f"again-{number}-{seed}"
    command = ("--", "sh", "-c", 'trap "sleep 0.5; exit" TERM; while :; do sleep 0.1; done')
    before = machine.changes()
    for _ in range(5):
        interrupted(machine, dice.uniform(0.2, 2.0), "add", name, *command, number=number)
    linked = machine.path(f"/service/{name}").is_symlink()
    assert linked == machine.path(f"/etc/slashservice/{name}").exists()
    if not linked:
        assert set(machine.changes()) <= {*before, LOGS}
        add(machine, name, *command)
    assert "already" in add(machine, name, *command, status=111)
    until(lambda: pid_of(machine, f"/service/{name}"), "the service")
    for _ in range(5):
        interrupted(machine, dice.uniform(0.2, 1.2), "remove", name, number=number)
    if machine.path(f"/etc/slashservice/{name}").exists():
        remove(machine, name)
    assert "there is no service" in remove(machine, name, status=111)
    machine.run("rm", "-rf", f"{LOGS}/{name}")
    assert set(machine.changes()) <= {*before, LOGS}


SLOW = ("sh", "-c", 'trap "sleep 0.4; exit" TERM; while :; do sleep 0.1; done')


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("number", ["INT", "TERM"])
def test_a_drain_interrupted_anywhere_is_finished_by_the_next(
    number: str, killed: bool, machine: Sandbox
) -> None:
    """Nothing is left, not even the svscan that takes up what a killed one has left."""
    dice = random.Random(f"{number} {killed}")
    scan = f"/srv/scan-{number}-{killed}"
    machine.run("mkdir", scan)
    name = f"slow-{number}-{killed}"
    add(machine, name, "--service-dir", scan, "--no-log", "--", *SLOW)
    service = f"{scan}/{name}"
    for _ in range(4):
        svscan = machine.argv("svscan", scan)
        process = subprocess.Popen(svscan, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: pid_of(machine, service), "the service")
        pid = pid_of(machine, service)
        if killed:
            machine.run("kill", "-9", machine.run("slashservice", "running", scan).strip())
            process.wait(60)
        interrupted(machine, dice.uniform(0.1, 0.7), "drain", scan, number=number)
        machine.run("slashservice", "drain", scan)
        process.wait(60)
        until(partial(is_gone, machine.path(f"/proc/{pid}")), "its end")
        assert machine.run("pgrep", "-f", f"^[^ ]*python[^ ]* .*svscan.* {scan}", status=None) == ""
    remove(machine, name, "--service-dir", scan)


def test_uninstall_says_what_it_waits_for(machine: Sandbox) -> None:
    """The last test here: it takes away what the others use."""
    add(machine, "last", "--no-log", "--", *STUBBORN)
    pid = pid_of(machine, "/service/last")
    told = interrupted(machine, 3.5, "uninstall")
    assert f"waiting for last (pid {pid}) to go down" in told
    assert "interrupted by SIGINT" in told
    assert "slashservice uninstall, once more, goes on" in told
    machine.run("kill", "-9", pid)
    assert machine.run("/package/admin/slashservice/command/slashservice", "uninstall").endswith(
        "uninstalled\n"
    )
