"""Small parts of the installer: layouts, addresses, states, templates, versions."""

from __future__ import annotations

import dataclasses
import os
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from helpers.checkout import CHECKOUT
from helpers.images import MakeImage
from helpers.installer import Running, look_at, plan_for

from slashservice import init_templates
from slashservice.installer import remote
from slashservice.installer.detection.evidence import Wiring
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.host.layout import layout
from slashservice.installer.host.marks import OUR_FILE
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.init_systems import INIT_SYSTEMS, by_name
from slashservice.installer.plan import source
from slashservice.installer.plan.takeover import take_over
from slashservice.installer.plan.templates import HOLE
from slashservice.installer.record import transaction
from slashservice.installer.remote import Address
from slashservice.installer.services import Service, check, files
from slashservice.supervise.version import VERSION

TEMPLATES = sorted(
    path
    for path in (CHECKOUT / "init_templates").rglob("*")
    if path.is_file() and path.suffix not in (".py", ".typed", ".pyc")
)
FRAGMENTS = (
    *("crontab", "inittab", "rc.local", "rc.local_shutdown", "rc.shutdown"),
    *("rc.shutdown.execline", "shepherd.scm", "timeout-kill", "stage2", "stage3"),
)
"""Artefacts that are a part of somebody else's file, or a bare number."""


def test_the_version_is_the_project_s() -> None:
    assert metadata.version("slashservice") == VERSION == source.version()


def test_a_package_that_can_t_be_found_is_trouble() -> None:
    with pytest.raises(Trouble, match="the package no_such_package can't be found"):
        source._folder_of("no_such_package")


def test_a_package_that_is_no_distribution_has_no_licence(monkeypatch: pytest.MonkeyPatch) -> None:
    def distribution(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    assert list(source._licences("plumbum")) == ["vendor/plumbum.licence"]
    monkeypatch.setattr(metadata, "distribution", distribution)
    assert source._licences("plumbum") == {}


def test_a_command_of_another_package_is_left(make_image: MakeImage, small_source: object) -> None:
    host = Host(str(make_image("systemd").program("/usr/local/bin/svscan").root))
    plan = plan_for(host)
    assert any("another package provides svscan: " in note for note in plan.notes)
    linked = [getattr(action, "path", "") for action in plan.actions]
    assert "/usr/local/bin/svscanboot" in linked
    assert "/usr/local/bin/svscan" not in linked


@pytest.mark.parametrize("theirs", [True, False])
@pytest.mark.parametrize("layout", ["slashpackage", "fhs"])
def test_an_sv_of_another_package_is_not_hidden(
    make_image: MakeImage,
    small_source: source.Source,
    monkeypatch: pytest.MonkeyPatch,
    layout: str,
    theirs: bool,
) -> None:
    """Its users expect it to look where that package has its services."""
    commands = (*small_source.commands, "sv")
    with_sv = source.Source({**small_source.files, "command/sv": (b"#!/bin/sh\n", 0o755)}, commands)
    monkeypatch.setattr(source, "collect", lambda python, tree: with_sv)
    image = make_image("systemd")
    if theirs:
        image.program("/usr/bin/sv")
    host = Host(str(image.root))
    for _ in range(2):
        plan = plan_for(host, layout=layout)
        linked = [getattr(action, "path", "") for action in plan.actions]
        assert ("/usr/local/bin/sv" in linked) != theirs
        assert ("/command/sv" in linked) == (layout == "slashpackage")
        assert any("another package provides sv: " in note for note in plan.notes) == theirs
        transaction.install(host, plan, lambda line: None)


def test_a_svscan_that_runs_is_taken_over_on_linux_alone(make_image: MakeImage) -> None:
    root = make_image("freebsd").root
    seen = look_at(Host(str(root)))
    wiring = Wiring("/etc/ttys", "svscan", "/usr/local/bin/svscan", "/service")
    assert take_over(seen, INIT_SYSTEMS, (wiring,), "/service")
    live = dataclasses.replace(seen, host=Running(root))
    assert take_over(live, INIT_SYSTEMS, (), "/service") == []
    with pytest.raises(Refusal, match="can't be taken over: /etc/ttys"):
        take_over(live, INIT_SYSTEMS, (wiring,), "/service")


class Machine:
    """A host over SSH where a command succeeds if a word of ``good`` begins it."""

    host = "example"

    def __init__(self, *good: str) -> None:
        self.good = good
        self.line = ""

    def __getitem__(self, words: object) -> Machine:
        """Take the command line."""
        self.line = words[1] if isinstance(words, tuple) else ""
        return self

    def __call__(self) -> str:
        """Say who one is there."""
        return "1000\n"

    def run(self, retcode: object) -> tuple[int, str, str]:
        """Run it."""
        return 0 if self.line.startswith(self.good) else 1, "", ""


class TestRemote:
    """What another host has."""

    def test_an_older_name_of_python(self) -> None:
        machine: Any = Machine("python3.12 ")
        assert remote._python(machine) == "python3.12"

    def test_no_python(self) -> None:
        machine: Any = Machine("perl ")
        with pytest.raises(Refusal, match="example has no Python"):
            remote._python(machine)

    @pytest.mark.parametrize("name", ["sudo", "doas"])
    def test_a_way_to_be_root(self, name: str) -> None:
        machine: Any = Machine(name)
        assert remote._become_root(machine, Address("example")) == ([name, "-n"], b"")

    def test_a_password_is_asked_for_at_a_terminal(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []

        def getpass(prompt: str) -> str:
            asked.append(prompt)
            return "secret"

        monkeypatch.setattr(os, "isatty", lambda fd: True)
        monkeypatch.setattr("getpass.getuser", lambda: "me")
        monkeypatch.setattr("getpass.getpass", getpass)
        machine: Any = Machine("none")
        become = ["sudo", "-S", "-p", ""]
        assert remote._become_root(machine, Address("example")) == (become, b"secret\n")
        assert remote._become_root(machine, Address("example", "admin")) == (become, b"secret\n")
        assert asked == [f"sudo password of {who} on example: " for who in ("me", "admin")]


class TestLayout:
    def test_slashpackage(self) -> None:
        places = layout("slashpackage", "1.2")
        assert places.tree == "/package/admin/slashservice-1.2"
        assert places.command("svc") == "/command/svc"
        assert places.service_dir == "/service"

    def test_fhs(self) -> None:
        places = layout("fhs", "1.2")
        assert places.tree.startswith("/usr/local/lib/slashservice/")
        assert places.command("svc") == "/usr/local/bin/svc"
        assert places.service_dir == "/etc/service"

    @pytest.mark.parametrize(
        "directory", ["service", "/ser vice", "/service:x", "/a'b", "/a$b", "/a\nb", "/a#b"]
    )
    def test_refuses_a_scan_directory_that_inits_would_misread(self, directory: str) -> None:
        with pytest.raises(Refusal):
            layout("slashpackage", "1.2", directory)

    def test_refuses_an_unknown_one(self) -> None:
        with pytest.raises(Refusal):
            layout("gobo", "1.2")


class TestAddress:
    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("ssh://example", Address("example")),
            ("ssh://root@example", Address("example", "root")),
            ("ssh://me@example:2222", Address("example", "me", 2222)),
            ("ssh://me@[::1]:22", Address("::1", "me", 22)),
            ("ssh://10.0.0.1/", Address("10.0.0.1")),
        ],
    )
    def test_is_read(self, text: str, address: Address) -> None:
        assert Address.of(text) == address

    @pytest.mark.parametrize(
        "text",
        ["example", "http://x", "ssh://", "ssh://-oProxyCommand=x", "ssh://-l@x", "ssh://a:b"],
    )
    def test_is_refused(self, text: str) -> None:
        with pytest.raises(Refusal):
            Address.of(text)


@pytest.mark.parametrize(
    "state",
    [
        ABSENT,
        FileState("link", target="a\udcff"),
        FileState("directory", 0o1755, 1, 2),
        FileState("file", 0o4755, 1, 2, b"\0\xff", xattrs=(("user.a", b"\0"),), mtime_ns=5),
    ],
)
def test_a_state_survives_json(state: FileState) -> None:
    again = FileState.from_json(state.to_json())
    assert again == state
    assert again.mtime_ns == state.mtime_ns


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
class TestTemplate:
    def test_says_whose_it_is(self, template: Path) -> None:
        if template.name not in FRAGMENTS:
            assert OUR_FILE in template.read_bytes()

    def test_has_only_holes_that_are_filled(self, template: Path) -> None:
        leftover = HOLE.sub("", template.read_text())
        assert not re.search(r"@\w+@", leftover)

    def test_ends_its_last_line(self, template: Path) -> None:
        assert template.read_text().endswith("\n")


def test_every_init_system_has_templates_of_its_own() -> None:
    folder = Path(init_templates.__file__).parent
    for name in set(INIT_SYSTEMS) - {"container"}:
        assert (folder / name).is_dir(), name


def test_an_unknown_init_system_is_refused_with_those_there_are() -> None:
    with pytest.raises(Refusal) as refusal:
        by_name("initng")
    assert "systemd" in refusal.value.advice[0]
    assert by_name("inittab").name == "sysvinit"


class TestService:
    def test_has_a_log_and_runs_what_was_asked(self) -> None:
        made = files(Host(), Service("web", ["httpd", "-f", "a b"], log="/var/log/web"))
        assert made["run"][0].endswith("exec 2>&1\nexec httpd -f 'a b'\n")
        assert made["log/run"][0] == (
            "#!/bin/sh\n[ -d /var/log/web ] || mkdir -p -m 700 /var/log/web\n"
            "exec multilog t s1000000 n10 /var/log/web\n"
        )

    def test_accounts_and_variables(self) -> None:
        made = files(
            Host(),
            Service("web", ["x"], user="www", log="/l", log_user="log", environment={"A": "1"}),
        )
        assert "exec envdir ./env setuidgid www x\n" in made["run"][0]
        assert "|| install -d -m 700 -o log /l\nexec setuidgid log multilog" in made["log/run"][0]
        assert made["env/A"] == ("1\n", 0o600)

    def test_down_and_without_log(self) -> None:
        made = files(Host(), Service("web", ["x"], down=True))
        assert set(made) == {"run", "down"}

    @pytest.mark.parametrize("name", ["", ".web", "a/b", "..", "a b", "-a", "a\n"])
    def test_refuses_a_name(self, name: str) -> None:
        with pytest.raises(Refusal):
            check(Service(name, ["x"]))

    @pytest.mark.parametrize("command", [[], ["a\0"]])
    def test_refuses_a_command(self, command: list[str]) -> None:
        with pytest.raises(Refusal):
            check(Service("web", command))
