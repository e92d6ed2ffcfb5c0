"""A small router's services, as runit's and BusyBox's users write them, under each supervisor.

They are in ``tests/var_service``. Each machine is a sandbox with a network of its own: a cable,
``lan`` to ``isp``, whose far end is in another network namespace, where the DHCP server is.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers import busybox
from helpers.checkout import CHECKOUT
from helpers.keeping import sandboxes
from helpers.processes import kill, runs
from helpers.sandbox import Sandbox
from helpers.services import contents, in_status, is_supervised, send, status_of
from helpers.waiting import GENEROUS, until

pytestmark = [pytest.mark.root, pytest.mark.slow]

TREE = CHECKOUT / "tests/var_service"

STEERING = re.compile(r"\bsv ([a-z]) (\S+)")
"""What BusyBox's own examples say with svc: ``sv u fw`` is ``svc -u fw``."""

ROUTER = "10.77.0.1"
ADDRESS = "10.77.0.20"

SET_UP = f"""\
mkdir -p /var/log/service
mount -t tmpfs none /var/log/service  # where the kernel tells tail of changes
ip netns add isp
ip link add lan type veth peer name isp netns isp
ip -n isp address add {ROUTER}/24 dev isp
ip -n isp link set isp up
"""

SUPERVISORS = ("runsv", "runsvdir", "supervise", "svscan")
TOOLS = ("chpst", "setuidgid", "softlimit", "sv", "svc", "svlogd")

PATH = "PATH=/srv/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NOBODY = pwd.getpwnam("nobody").pw_uid

PATIENCE = 3 * GENEROUS
"""Seconds. One thing here waits for another, and each of them may wait for a processor."""


@dataclass(frozen=True)
class Choice:
    """Whose supervisor, whose tools, and the word that steers."""

    supervisor: str
    command: str
    tools: str
    word: str

    def __str__(self) -> str:
        return f"{self.supervisor}-{self.command.split()[0]}-{self.tools}-{self.word}"


CHOICES = [
    Choice("busybox", "runsvdir -P", "busybox", "svc"),
    Choice("runit", "runsvdir -P", "runit", "sv"),
    Choice("ours", "runsvdir -P", "ours", "sv"),
    Choice("ours", "svscan", "ours", "svc"),
    Choice("runit", "runsvdir -P", "ours", "svc"),
    Choice("ours", "svscan", "runit", "sv"),
]


OURS = [choice for choice in CHOICES if choice.supervisor == "ours"]


class Router:
    """A machine with these services."""

    scan = "/var/service"

    def __init__(
        self,
        choice: Choice,
        programs: dict[str, Path],
        start: Callable[..., Sandbox],
        terminal: int,
        tty: str,
    ) -> None:
        self.terminal = terminal
        self.tty = tty
        self.getty = "getty_" + tty.removeprefix("/dev/").replace("/", "_")
        self.choice = choice
        self.machine = start(["sleep", "1000000"], network=True, seen=[programs["ours"].parent])
        self.services = self.machine.path(self.scan)
        self.machine.run("mkdir", "-p", "/srv/bin")
        for whose, names in ((choice.supervisor, SUPERVISORS), (choice.tools, TOOLS)):
            for name in names:
                if (programs[whose] / name).exists():
                    self.machine.path(f"/srv/bin/{name}").symlink_to(programs[whose] / name)
        for path in (TREE / "bin").iterdir():
            shutil.copy(path, self.machine.path("/srv/bin"))
        self._put_services()
        self.machine.run("sh", "-ec", SET_UP)
        self.supervisor = self._start()

    def _put_services(self) -> None:
        shutil.copytree(TREE / "services", self.services)
        shutil.copytree(self.services / "getty_TTY", self.services / self.getty)
        for link in ("/service", "/etc/service"):
            path = self.machine.path(link)
            if path.is_symlink():
                path.unlink()
            elif path.exists():
                shutil.rmtree(path)
            path.symlink_to(self.scan)
        if self.choice.word == "svc":
            for script in self.services.rglob("*"):
                if os.access(script, os.X_OK) and script.is_file():
                    script.write_text(STEERING.sub(r"svc -\1 \2", script.read_text()))

    def _start(self) -> subprocess.Popen[bytes]:
        words = [*self.choice.command.split(), self.scan]
        with self.machine.path("/said").open("ab") as said:
            return subprocess.Popen(
                self.argv(*words), stdin=subprocess.DEVNULL, stdout=said, stderr=said
            )

    def argv(self, *words: str) -> list[str]:
        """The command line that runs a command inside, with the tools of this machine."""
        return self.machine.argv("env", PATH, *words)

    def run(self, *words: str) -> str:
        """Run a command inside, that has to succeed; return what it says."""
        done = subprocess.run(
            self.argv(*words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE
        )
        said = done.stdout.decode()
        assert done.returncode == 0, f"{words}: {done.returncode}\n{said}"
        return said

    def sv(self, letter: str, name: str, within: str = "/") -> None:
        """Steer a service by its name, from a directory."""
        words = f"sv {letter} {name}" if self.choice.word == "sv" else f"svc -{letter} {name}"
        self.run("sh", "-ec", f"cd {within}; {words}")

    def path(self, name: str) -> Path:
        """What a service has written down below /run/net."""
        return self.machine.path("/run/net") / name

    def lines(self, name: str) -> list[str]:
        """Lines of what a service has written down."""
        return contents(self.path(name)).decode().splitlines()

    def addresses(self) -> list[str]:
        """The addresses that ``lan`` has."""
        shown = self.run("ip", "-o", "-4", "address", "show", "dev", "lan")
        return re.findall(r"inet ([\d.]+)/", shown)

    def is_bound(self) -> bool:
        """Tell whether the lease is known, set up, and all is quiet again."""
        return (
            self.addresses() == [ADDRESS]
            and (self.services / "dhcp_lan/lease").exists()
            and self.is_at_rest("fw")
        )

    def await_bound(self) -> None:
        """Wait until it is."""
        until(self.is_bound, "the client has its address", PATIENCE, pause=0.1)

    def is_at_rest(self, name: str) -> bool:
        """Tell whether a service is down, and not about to be run."""
        now = status_of(self.services / name)
        return now is not None and now.pid == 0 and now.want != b"u"

    def pid(self, name: str) -> int:
        """The pid of a service, as seen inside."""
        return in_status(self.services / name)

    def run_check(self, name: str) -> bool:
        """Tell what a service's check says."""
        words = self.argv("sh", "-c", f"cd {self.scan}/{name} && exec ./check")
        return subprocess.run(words, timeout=PATIENCE, capture_output=True).returncode == 0

    def log(self, name: str) -> str:
        """All that the log of a service has."""
        return self.run("env", "PAGER=cat", "page-log", name)

    def fetch(self, page: str = "") -> str:
        """What the provider gets of a page of ours; nothing if it can't reach it."""
        words = ["ip", "netns", "exec", "isp", "timeout", "5", "busybox", "wget", "-q", "-O", "-"]
        words.append(f"http://{ADDRESS}:8080/{page}")
        done = subprocess.run(self.argv(*words), capture_output=True, timeout=PATIENCE)
        return done.stdout.decode()

    def kill_supervisor(self) -> None:
        """Kill the supervisor, and start another."""
        kill(self.inside(), signal.SIGKILL)
        self.supervisor.wait(PATIENCE)
        self.supervisor = self._start()

    def end(self) -> None:
        """Have the supervisor bring all down: nothing is left but PID 1."""
        ours_alone = self.choice.command == "svscan"
        kill(self.inside(), signal.SIGTERM if ours_alone else signal.SIGHUP)
        assert self.supervisor.wait(PATIENCE) == (0 if ours_alone else 111)
        until(self._is_over, f"nothing runs in {self.machine}", PATIENCE, pause=0.1)

    def _is_over(self) -> bool:
        """Tell whether PID 1 is alone.

        A runsv goes on if an "up" of another service, which is ending, comes behind its "exit".
        """
        for service in self.services.iterdir():
            send(service, b"x")
        return len(self.processes()) == 1

    def inside(self) -> int:
        """The supervisor's pid."""
        pid = self.supervisor.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text())

    def processes(self) -> list[str]:
        """The pids of all there is inside."""
        namespace = os.readlink(f"/proc/{self.machine.pid}/ns/pid")
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with suppress(OSError):
                if os.readlink(f"/proc/{pid}/ns/pid") == namespace and runs(int(pid)):
                    found.append(pid)
        return found


@contextmanager
def terminal() -> Iterator[tuple[int, str]]:
    """A terminal: its other end, and its name."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    try:
        yield ours, os.ttyname(theirs)
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.fixture(scope="module", params=CHOICES, ids=str)
def router(request: pytest.FixtureRequest, ours: Path, oracle: Path) -> Iterator[Router]:
    programs = {"ours": ours, "runit": oracle}
    try:
        programs["busybox"] = busybox.supervisors()
    except busybox.Unavailable as why:
        if "busybox" in (request.param.supervisor, request.param.tools):
            pytest.skip(f"Debian's source package of busybox can't be had: {why}")
    with sandboxes(request) as start, terminal() as (end, name):
        made = Router(request.param, programs, start, end, name)
        try:
            made.await_bound()
            made.sv("d", "dhcp_lan_pinger")  # a slow answer is none to it
            yield made
            made.end()
        finally:
            print(contents(made.machine.path("/said")).decode())
            for path in (made.services, made.machine.path("/run/net")):
                for told in sorted(path.glob("*")):
                    print(told.name, contents(told / "supervise/stat"), contents(told)[-1000:])


def test_a_lease_is_written_down_and_set_up(router: Router) -> None:
    router.await_bound()
    assert router.lines("dhcp_lan.net") == [f"dev=lan addr={ADDRESS}/24 via={ROUTER}"]
    assert router.lines("runs")[:2] == ["begin", "end 127.0.0.1/8"]
    assert router.lines("runs")[-2:] == ["begin", f"end 127.0.0.1/8 {ADDRESS}/24"]
    assert f"default via {ROUTER} dev lan" in router.run("ip", "route")
    assert f"-d {ADDRESS}/32 -i lan" in router.run("iptables", "-S", "INPUT")


def test_up_has_a_one_shot_that_runs_run_once_more(router: Router) -> None:
    """However often it is said; and what it finds then is what is known by then."""
    router.await_bound()
    hold, more = router.services / "fw/hold", router.path("more.net")
    wanted = router.services / "fw/wanted"
    wanted.unlink()  # that of the run before
    before = len(router.lines("runs"))
    hold.touch()
    try:
        router.sv("u", "fw")
        until(lambda: router.lines("runs")[before:] == ["begin"], "it runs", PATIENCE)
        until(lambda: contents(wanted).count(b"\n") == 2, "it has read", PATIENCE)
        more.write_text("dev=lan addr=10.77.0.99/24\n")
        for _ in range(3):
            router.sv("u", "fw", within=f"{router.scan}/clock")
        hold.unlink()
        until(lambda: router.is_at_rest("fw"), "it is down", PATIENCE)
        known = f"end 127.0.0.1/8 {ADDRESS}/24"
        assert router.lines("runs")[before:] == ["begin", known, "begin", known + " 10.77.0.99/24"]
        assert router.addresses() == [ADDRESS, "10.77.0.99"]
    finally:
        hold.unlink(missing_ok=True)
        more.unlink(missing_ok=True)
        router.sv("u", "fw")
    router.await_bound()


def test_a_cable_that_is_pulled(router: Router) -> None:
    """What finish takes away comes back with the cable."""
    router.await_bound()
    finished, asked = len(router.lines("dhcp_lan.finish")), len(router.lines("clock.runs"))
    router.run("ip", "-n", "isp", "link", "set", "isp", "down")
    until(lambda: router.is_at_rest("dhcp_lan"), "the client is down", PATIENCE)
    until(lambda: not router.addresses(), "its address is gone", PATIENCE, pause=0.1)
    until(lambda: router.is_at_rest("fw"), "all is quiet", PATIENCE)
    assert router.lines("dhcp_lan.finish")[finished:] == ["0 0"]
    assert not router.path("dhcp_lan.net").exists()
    assert not (router.services / "dhcp_lan/lease").exists()
    assert router.lines("runs")[-1] == "end 127.0.0.1/8"
    assert ADDRESS not in router.run("iptables", "-S", "INPUT")
    router.run("ip", "-n", "isp", "link", "set", "isp", "up")
    router.await_bound()
    until(
        lambda: router.lines("clock.runs")[asked:] == [f"clock: peers {ROUTER}"],
        "the clock was restarted, once",
        PATIENCE,
    )
    until(lambda: router.pid("clock"), "it goes on", PATIENCE)


def test_a_client_that_is_killed(router: Router) -> None:
    router.await_bound()
    finished, before = len(router.lines("dhcp_lan.finish")), router.pid("dhcp_lan")
    router.run("kill", "-9", str(before))
    until(lambda: router.lines("dhcp_lan.finish")[finished:] == ["-1 9"], "finish", PATIENCE)
    until(lambda: router.pid("dhcp_lan") not in (0, before), "it is back", PATIENCE)
    router.await_bound()


def test_a_router_that_is_silent(router: Router) -> None:
    """Its pinger has the client begin again, until there is an answer."""
    router.await_bound()
    finished, before = len(router.lines("dhcp_lan.finish")), router.pid("dhcp_lan")
    log = router.services / "dhcp_lan_pinger/pinger.log"
    said = len(contents(log).splitlines())
    ignore = ["ip", "netns", "exec", "isp", "sysctl", "-q", "-w"]
    router.run(*ignore, "net.ipv4.icmp_echo_ignore_all=1")
    router.sv("u", "dhcp_lan_pinger")
    until(lambda: len(contents(log).splitlines()) > said, "it says so", PATIENCE)
    until(lambda: router.pid("dhcp_lan") not in (0, before), "the client is a new one", PATIENCE)
    router.sv("d", "dhcp_lan_pinger")
    router.run(*ignore, "net.ipv4.icmp_echo_ignore_all=0")
    router.await_bound()
    assert set(router.lines("dhcp_lan.finish")[finished:]) == {"0 0"}
    assert contents(log).decode().splitlines()[said:][0] == (
        f"{ROUTER} is silent: dhcp_lan begins again"
    )


def test_a_getty_on_the_terminal_of_its_name(router: Router) -> None:
    seen = b""

    def is_seen(word: bytes) -> bool:
        nonlocal seen
        with suppress(BlockingIOError):
            seen += os.read(router.terminal, 1000)
        return word in seen

    for user in (b"guest", b"other"):
        until(lambda: is_seen(b" login: "), "a prompt", PATIENCE)
        seen = b""
        before = router.pid(router.getty)
        os.write(router.terminal, user + b"\n")
        welcome = b"welcome %b on %b\r\n" % (user, os.fsencode(router.tty))
        until(lambda: is_seen(welcome), "the answer of login", PATIENCE)  # noqa: B023
        seen = seen.partition(welcome)[2]
        until(lambda: router.pid(router.getty) not in (0, before), "another getty", PATIENCE)  # noqa: B023
    assert router.pid("getty_TTY")  # it has no terminal, and waits


STAMPED = re.compile(r"\d{4}-\d\d-\d\d_\d\d:\d\d:\d\d\.\d{5} \S")


def test_logs_are_paged_and_watched_across_rotations(router: Router) -> None:
    router.await_bound()
    folder = router.machine.path("/var/log/service/web")
    with subprocess.Popen(router.argv("watch-log", "web"), stdout=subprocess.PIPE) as watch:
        assert watch.stdout is not None
        os.set_blocking(watch.stdout.fileno(), False)
        seen = ""

        def times() -> int:
            nonlocal seen
            seen += (watch.stdout.read() or b"").decode() if watch.stdout else ""
            return seen.count("url:/turn")

        for turn in range(3):
            (router.services / f"web/pages/turn{turn}").write_text("here\n")
            assert router.fetch(f"turn{turn}") == "here\n"
            until(lambda: times() > turn, "it is watched", PATIENCE)  # noqa: B023
            old = {path.name for path in folder.glob("@*")}
            router.sv("a", "../web/log", within=f"{router.scan}/fw")
            until(
                lambda: {path.name for path in folder.glob("@*")} > old,  # noqa: B023
                "it is rotated",
                PATIENCE,
            )
        watch.kill()
    lines = router.log("web").splitlines()
    assert [line for line in lines if not STAMPED.match(line)] == []
    assert [word for line in lines for word in re.findall(r"url:/(turn.)", line)][-3:] == [
        "turn0",
        "turn1",
        "turn2",
    ]
    stamps = [line.partition(" ")[0] for line in lines]
    assert sorted(stamps) == stamps
    assert len(list(folder.glob("@*"))) >= 3
    assert (folder / "current").stat().st_uid == NOBODY


def test_a_log_beside_its_service(router: Router) -> None:
    current = router.services / "link_lan/log/main/current"
    until(lambda: b" lan: u\n" in contents(current), "it is written", PATIENCE)
    assert all(map(STAMPED.match, contents(current).decode().splitlines()))


def test_a_daemon_has_what_its_run_script_gives_it(router: Router) -> None:
    router.await_bound()
    until(lambda: router.run_check("web"), "it answers", PATIENCE)
    assert router.fetch() == "the page\n"
    pid = router.pid("web")
    assert router.run("stat", "-c", "%u", f"/proc/{pid}") == f"{NOBODY}\n"
    assert router.run("cat", f"/proc/{pid}/environ") == f"{PATH}\0"
    assert re.search("Max open files +64 ", router.run("cat", f"/proc/{pid}/limits"))


def test_who_needs_another_waits_for_it(router: Router) -> None:
    """And a client that restarts a service waits for its check."""
    until(lambda: router.lines("report") == ["the page"], "it had what it needs", PATIENCE)
    router.sv("d", "web")
    until(lambda: router.is_at_rest("web"), "it is down", PATIENCE)
    router.path("report").unlink()
    router.sv("t", "report")
    router.sv("u", "web")
    until(lambda: router.lines("report") == ["the page"], "it has it again", PATIENCE)
    said = router.run("sv", "-w", str(int(PATIENCE)), "restart", "web")
    assert re.fullmatch(r"ok: run: web: \(pid \d+\) \d+s\n", said)
    assert router.run_check("web")


def test_who_brings_itself_down(router: Router) -> None:
    until(lambda: router.is_at_rest("quits"), "it is down", PATIENCE)
    assert router.lines("quits") == ["quits"]


def test_who_is_normally_down_runs_once(router: Router) -> None:
    before = router.lines("spare")
    assert router.is_at_rest("spare")
    router.sv("o", "spare")
    until(lambda: router.lines("spare") == [*before, "spare"], "it has run", PATIENCE)
    until(lambda: router.is_at_rest("spare"), "it is down", PATIENCE)
    assert router.lines("spare") == [*before, "spare"]


@pytest.mark.parametrize("router", OURS, indirect=True, ids=str)
def test_a_supervisor_that_is_killed(router: Router) -> None:
    """The next one finds all as it was: nothing has ended, and no one-shot runs."""
    router.await_bound()
    names = ("dhcp_lan", "dhcp_lan/log", "dhcpd_isp", "web", "web/log", "link_lan", "clock")
    until(lambda: all(map(router.pid, names)), "all are up", PATIENCE)
    before = [router.pid(name) for name in names], router.lines("runs")
    router.kill_supervisor()
    until(lambda: is_supervised(router.services / "spare"), "there is another", PATIENCE)
    spare = router.lines("spare")
    router.sv("o", "spare")
    until(lambda: router.lines("spare") == [*spare, "spare"], "it can be steered", PATIENCE)
    assert ([router.pid(name) for name in names], router.lines("runs")) == before
    router.run("ip", "-n", "isp", "link", "set", "isp", "down")
    until(lambda: router.is_at_rest("dhcp_lan"), "the client is down", PATIENCE)
    until(lambda: not router.addresses(), "its address is gone", PATIENCE, pause=0.1)
    router.run("ip", "-n", "isp", "link", "set", "isp", "up")
    router.await_bound()
