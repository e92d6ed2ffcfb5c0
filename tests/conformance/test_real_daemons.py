"""Real daemons under one svscan: redis-server and nginx, each with a multilog."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import nginx
from helpers.processes import kill, state_of
from helpers.services import (
    Outcome,
    await_down,
    await_pid,
    contents,
    make_service,
    pid_of,
    run,
    send,
    supervising,
)
from helpers.waiting import GENEROUS, until

from slashservice.supervise.protocol import scan_directory

LOG_RUN = "#!/bin/sh\nexec /usr/bin/multilog t ./main\n"

REDIS_RUN = """\
#!/bin/sh
exec 2>&1
exec redis-server --port {port} --bind 127.0.0.1 --dir {top} --save '' --daemonize no
"""


class Daemons:
    """The scan directory, and how to talk to what runs in it."""

    def __init__(self, top: Path, ours: Path) -> None:
        self.ours = ours
        self.top = top
        self.scan = top / "scan"
        self.redis_port, self.nginx_port = nginx.free_ports(2)
        self.configure("first")
        self.redis = make_service(
            self.scan / "redis", REDIS_RUN.format(port=self.redis_port, top=top), log=LOG_RUN
        )
        self.nginx = make_service(self.scan / "nginx", nginx.run(top), log=LOG_RUN)

    def configure(self, answer: str) -> None:
        """Have nginx give an answer once it has read its configuration."""
        nginx.configure(self.top, self.nginx_port, answer)

    def end(self) -> None:
        """Bring the daemons down by TERM: killed, nginx would leave its workers behind."""
        for service in (self.redis, self.nginx):
            send(service, b"d")
        for service in (self.redis, self.nginx):
            await_down(service)

    def svc(self, options: str, service: Path) -> None:
        assert run(self.ours / "svc", options, service) == Outcome(0, b"", b"")

    def web(self) -> str:
        """Ask nginx; nothing if it does not answer."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.nginx_port}/", timeout=1) as page:
                return str(page.read().decode())
        except OSError:
            return ""

    def ask(self, question: str, patience: float = 1.0) -> bytes:
        """Ask redis; nothing if it does not answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.redis_port), patience) as client:
                client.sendall(question.encode() + b"\r\n")
                return client.recv(1000)
        except OSError:
            return b""

    def log(self, service: Path) -> bytes:
        return contents(service / "log/main/current")


@pytest.fixture
def daemons(ours: Path, world_dir: Path) -> Iterator[Daemons]:
    top = Path(tempfile.mkdtemp(prefix="real-", dir=world_dir))
    made = Daemons(top, ours)
    everything = [made.redis, made.nginx, made.redis / "log", made.nginx / "log"]
    said = top / "errors"
    with supervising(ours / "svscan", made.scan, services=everything, err=said):
        try:
            until(lambda: made.ask("PING") == b"+PONG\r\n", "redis answers")
            until(lambda: made.web() == "first", "nginx answers")
            yield made
        finally:
            made.end()
    assert contents(said) == b""


@pytest.mark.root
def test_real_daemons(daemons: Daemons) -> None:
    redis, nginx = await_pid(daemons.redis), await_pid(daemons.nginx)

    # Killed, they come back.
    daemons.ask("SET word kept")
    kill(redis, signal.SIGKILL)
    os.killpg(nginx, signal.SIGKILL)  # its workers would keep the port
    assert await_pid(daemons.redis, redis) != redis
    assert await_pid(daemons.nginx, nginx) != nginx
    until(lambda: daemons.ask("PING") == b"+PONG\r\n", "redis is back")
    until(lambda: daemons.web() == "first", "nginx is back")
    assert daemons.ask("GET word", GENEROUS) == b"$-1\r\n"

    # HUP reloads nginx's configuration, in the same process.
    nginx = await_pid(daemons.nginx)
    daemons.configure("second")
    until(lambda: daemons.web() == "first", "nginx is as it was")
    daemons.svc("-h", daemons.nginx)
    until(lambda: daemons.web() == "second", "nginx has read its new configuration")
    assert pid_of(daemons.nginx) == nginx

    # Paused, redis does not answer, and all that was asked is answered when it goes on.
    redis = await_pid(daemons.redis)
    daemons.svc("-p", daemons.redis)
    until(lambda: state_of(redis) == "T", "redis is stopped")
    address = ("127.0.0.1", daemons.redis_port)
    with socket.create_connection(address, GENEROUS) as client:
        client.sendall(b"PING\r\n")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(100)
        assert b", paused" in run(daemons.ours / "svstat", daemons.redis).out
        daemons.svc("-c", daemons.redis)
        client.settimeout(GENEROUS)
        assert client.recv(100) == b"+PONG\r\n"
    assert pid_of(daemons.redis) == redis

    # Down, they stay down; up, they come back.
    daemons.svc("-d", daemons.redis)
    daemons.svc("-d", daemons.nginx)
    await_down(daemons.redis)
    await_down(daemons.nginx)
    assert daemons.ask("PING") == b"" and daemons.web() == ""
    until(lambda: b"bye bye" in daemons.log(daemons.redis), "redis has said goodbye")
    assert b", normally up" in run(daemons.ours / "svstat", daemons.nginx).out
    daemons.svc("-u", daemons.redis)
    daemons.svc("-u", daemons.nginx)
    until(lambda: daemons.ask("PING") == b"+PONG\r\n", "redis is up")
    until(lambda: daemons.web() == "second", "nginx is up")

    # Their logs have all of it, in order.
    until(lambda: daemons.log(daemons.nginx).count(b'"GET / HTTP') >= 4, "nginx's log")
    until(lambda: daemons.log(daemons.redis).count(b"Ready to accept") == 3, "redis's log")
    told = [
        line.split(b" ", 1)[1]
        for line in daemons.log(daemons.redis).splitlines()
        if b"Ready to accept" in line or b"bye bye" in line
    ]
    assert [b"Ready" in line for line in told] == [True, True, False, True]
    assert all(line.startswith(b"@4") for line in daemons.log(daemons.redis).splitlines())


@pytest.mark.root
def test_svscan_drains_real_daemons(daemons: Daemons) -> None:
    until(lambda: daemons.web() == "first", "nginx answers")
    pid = scan_directory.running(bytes(daemons.scan))
    children = [await_pid(service) for service in (daemons.redis, daemons.nginx)]
    loggers = [await_pid(service / "log") for service in (daemons.redis, daemons.nginx)]
    kill(pid, signal.SIGTERM)
    until(lambda: state_of(pid) in "ZX", "svscan has ended")
    assert [state_of(child) for child in children + loggers] == ["Z"] * 4
    assert daemons.log(daemons.redis).splitlines()[-1].endswith(b"bye bye...")
    for service in (daemons.redis, daemons.nginx):
        mode = (service / "log/main/current").stat().st_mode & 0o777
        assert mode == 0o744, "multilog has closed its log cleanly"
    # And all is as it was when svscan runs again.
    with supervising(
        daemons.ours / "svscan",
        daemons.scan,
        services=[part for one in (daemons.redis, daemons.nginx) for part in (one, one / "log")],
    ):
        until(lambda: daemons.web() == "first", "nginx answers")
        until(lambda: daemons.ask("PING") == b"+PONG\r\n", "redis answers")
        daemons.end()
