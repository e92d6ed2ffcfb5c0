"""Every example of the manual pages does what the page says, typed by root in a machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT, PACKAGES, PYTHON
from helpers.examples import Example, Reader, agree, examples, in_block
from helpers.keeping import ended
from helpers.sandbox import Sandbox
from helpers.waiting import until

from slashservice.installer.plan.source import installer_program

PAGES = sorted((CHECKOUT / "docs/man").glob("*.[578]"))

NOT_RUN = {
    "ssh": "there is no other host",
}
"""Commands in examples that are not run, and why."""

LOG = "exec multilog t ./main"
SERVICES = {
    "web": "exec 2>&1\necho it works\nexec sleep 1000000",
    "db": "exec sleep 1000000",
    "redis": "exec sleep 1000000",
    "old": "exec sleep 1000000",
    "app": "exec 2>&1\necho cannot bind to port 80\nexit 7",
    "backup": "exec sleep 1000000",
}
"""The services that pages speak of, which all have logs; ``backup`` is normally down."""

PROGRAMS = {
    "httpd": "exec sleep 1000000",
    "backup": "echo saved",
    "olddaemon": "setsid sleep 1000000 & echo $! >/run/olddaemon.pid",
    "pg_isready": "exit 0",
}
"""Programs that stand for others' ones."""

PATH = "/command:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

FILES = {
    "/lib/systemd/system/redis-server.service": "[Service]\nExecStart=/usr/local/bin/httpd -f\n",
    "/etc/supervisor/supervisord.conf": "[program:site]\ncommand=/usr/local/bin/httpd -f\n",
    "/srv/shop/Procfile": "web: httpd -f\nworker: httpd -w\n",
}
"""What services are imported from."""

ACCOUNTS = {"www": 4001, "log": 4002}


def prepare(machine: Sandbox) -> None:
    """Have in the machine what the pages speak of."""
    for name, text in PROGRAMS.items():
        machine.put(f"/usr/local/bin/{name}", f"#!/bin/sh\n{text}\n")
    for name, script in SERVICES.items():
        machine.put(f"/etc/slashservice/{name}/run", f"#!/bin/sh\n{script}\n")
        machine.put(f"/etc/slashservice/{name}/log/run", f"#!/bin/sh\n{LOG}\n")
        machine.path(f"/service/{name}").symlink_to(f"/etc/slashservice/{name}")
    machine.path("/etc/slashservice/backup/down").touch()
    for name, text in FILES.items():
        machine.put(name, text)


def accounts() -> str:
    """Return the shell commands that make accounts in a machine that is about to start."""
    lines = []
    for name, number in ACCOUNTS.items():
        lines.append(f"echo {name}:x:{number}:{number}::/:/bin/sh >>root/etc/passwd")
        lines.append(f"echo {name}:x:{number}: >>root/etc/group")
    return "\n".join(lines)


def is_up(machine: Sandbox, service: str) -> bool:
    """Tell whether a service has been up for a second."""
    words = machine.run("svstat", service).split()
    return words[1:3] == ["up", "(pid"] and int(words[4]) >= 1


@pytest.fixture
def machine(ours: Path, world_dir: Path) -> Iterator[Sandbox]:
    """A machine whose PID 1 is svscan on /service, with services."""
    launcher = world_dir / "slashservice-of-pages"
    text = installer_program(str(CHECKOUT), str(PACKAGES))
    launcher.write_text(f"#!{PYTHON} -ISXutf8\n{text}")
    launcher.chmod(0o755)
    prepared = f"""
        rm -rf root/service root/etc/slashservice root/var/log/slashservice root/etc/runit
        mkdir -p root/service root/command root/etc/runit
        mount -t tmpfs none root/root
        cp -a {ours}/. root/command
        cp {launcher} root/command/slashservice
        {accounts()}
    """
    made = Sandbox(
        ["env", f"PATH={PATH}", "/command/svscan", "/service"],
        prepared,
        network=True,
        seen=[world_dir],
    )
    with ended(made.close, made):
        prepare(made)
        for name in ("web", "web/log", "db", "redis", "old"):
            until(partial(is_up, made, name), f"{name} is up", pause=0.1)
        made.run("svc", "-t", "web")  # so that it has been restarted once
        until(lambda: made.path("/etc/slashservice/web/supervise/deaths").exists(), "it died")
        yield made


@pytest.mark.root
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples(page: Path, machine: Sandbox) -> None:
    reader = Reader(machine)
    for example in examples(page):
        if not any(word in example.command.split() for word in NOT_RUN):
            reader.follow(example)
    for script in reader.made:
        service = script.removesuffix("/run")
        if script.endswith("/run") and service.startswith(("/service/", "/etc/slashservice/")):
            name = os.path.basename(service)
            if not any(one.command.endswith(f"stop {name}") for one in examples(page)):
                until(partial(is_up, machine, service), f"{service} runs", pause=0.1)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_has_examples(page: Path) -> None:
    assert examples(page)


def test_what_is_not_run_is_in_some_page() -> None:
    words = {word for page in PAGES for one in examples(page) for word in one.command.split()}
    assert NOT_RUN.keys() <= words


def test_how_examples_are_read() -> None:
    lines = ["$ one \\", "two", "printed", "$ cat run", "#!/bin/sh", "exec x"]
    assert list(in_block(lines)) == [
        Example("one two", ("printed",)),
        Example("cat run", ("#!/bin/sh", "exec x")),
    ]


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        (["web: up (pid 4711) 60 seconds"], ["web: up (pid 9) 1 seconds"], True),
        (["web: up (pid 4711) 60 seconds"], ["web: down 1 seconds"], False),
        (["web: up (pid 4711) 60 seconds"], [], False),
        (["NAME  STATE", "a  3d 4h"], ["NAME STATE", "a  7s"], True),
        (["a", "...", "b"], ["a", "x", "y", "b"], True),
        (["a", "b"], ["a", "x", "b"], False),
        (["@400000006b09f85220e3ce56 x"], ["@400000006b0ae25034057b64 x"], True),
        ([], ["unasked"], False),
    ],
)
def test_what_is_the_same(shown: list[str], printed: list[str], same: bool) -> None:
    assert agree(shown, printed) is same
