"""Small parts of the installer: layouts, addresses, states, templates, versions."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT

from slashservice import init_templates
from slashservice.installer.errors import Refusal
from slashservice.installer.host.layout import layout
from slashservice.installer.host.marks import OUR_FILE
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.init_systems import INIT_SYSTEMS, by_name
from slashservice.installer.plan import source
from slashservice.installer.plan.templates import HOLE
from slashservice.installer.remote import Address
from slashservice.installer.services import Service, check, files
from slashservice.supervise.version import VERSION

TEMPLATES = sorted(
    path
    for path in (CHECKOUT / "init_templates").rglob("*")
    if path.is_file() and path.suffix not in (".py", ".typed", ".pyc")
)
FRAGMENTS = ("inittab", "rc.local", "rc.local_shutdown", "rc.shutdown", "timeout-kill")
"""Artefacts that are a part of somebody else's file, or a bare number."""


def test_the_version_is_the_project_s() -> None:
    assert metadata.version("slashservice") == VERSION == source.version()


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
        made = files(Service("web", ["httpd", "-f", "a b"], log="/var/log/web"))
        assert made["run"][0].endswith("exec 2>&1\nexec httpd -f 'a b'\n")
        assert made["log/run"][0] == ("#!/bin/sh\nexec multilog t s1000000 n10 /var/log/web\n")

    def test_accounts_and_variables(self) -> None:
        made = files(
            Service("web", ["x"], user="www", log="/l", log_user="log", environment={"A": "1"})
        )
        assert "exec setuidgid www envdir ./env x\n" in made["run"][0]
        assert "exec setuidgid log multilog" in made["log/run"][0]
        assert made["env/A"] == ("1\n", 0o600)

    def test_down_and_without_log(self) -> None:
        made = files(Service("web", ["x"], down=True))
        assert set(made) == {"run", "down"}

    @pytest.mark.parametrize("name", ["", ".web", "a/b", "..", "a b", "-a", "a\n"])
    def test_refuses_a_name(self, name: str) -> None:
        with pytest.raises(Refusal):
            check(Service(name, ["x"]))

    @pytest.mark.parametrize("command", [[], ["a\0"], ["a\nb"]])
    def test_refuses_a_command(self, command: list[str]) -> None:
        with pytest.raises(Refusal):
            check(Service("web", command))
