"""``add --run FILE``, and how the log of a service is kept."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from helpers.images import Image
from helpers.installer import its_host, plain_image
from hypothesis import given
from hypothesis import strategies as st

from slashservice.installer import changing, removal, service_log, services
from slashservice.installer.errors import Refusal, WrongUse
from slashservice.installer.host.host import Host
from slashservice.installer.services import Service
from slashservice.supervise.logs.action_script import LEAST_SIZE, MOST_SIZE, ActionScript, Directory

image, host = plain_image, its_host

HOMES, SCAN = "/etc/x", "/service"
SCRIPT = "#!/usr/bin/lua\n-- nothing of ours is put into it\n"


def silent(line: str) -> None:
    """Say nothing."""


def texts(image: Image) -> dict[str, bytes]:
    """Return all the files of the service."""
    home = image.path(f"{HOMES}/web")
    return {str(path): path.read_bytes() for path in home.rglob("*") if path.is_file()}


def asked(**given: object) -> Service:
    """Return what is asked for."""
    return Service(**{"name": "web", "command": (), "checked": False, **given})  # type: ignore[arg-type]


def test_a_script_is_the_services_as_it_stands(host: Host, image: Image) -> None:
    services.add(host, asked(script=SCRIPT, log="/var/log/web"), HOMES, SCAN, silent)
    run = image.path(f"{HOMES}/web/run")
    assert run.read_text() == SCRIPT
    assert run.stat().st_mode & 0o777 == 0o755
    assert image.path(f"{HOMES}/web/log/run").exists()


def test_it_is_removed_as_any_other(host: Host, image: Image) -> None:
    services.add(host, asked(script=SCRIPT), HOMES, SCAN, silent)
    removal.remove(host, "web", SCAN, silent, homes=HOMES)
    assert not image.path(f"{HOMES}/web").exists()


def test_a_command_becomes_a_script_and_back(host: Host, image: Image) -> None:
    with_command = asked(command=("httpd",), environment={"A": "1"}, user="www")
    image.file("/etc/passwd", "root:x:0:0\nwww:x:33:44:::\n")
    services.add(host, with_command, HOMES, SCAN, silent)
    before = texts(image)
    found = changing.update(host, asked(script=SCRIPT), HOMES, SCAN, silent)
    assert {one.what for one in found.changes} == {"changed", "removed"}
    assert image.path(f"{HOMES}/web/run").read_text() == SCRIPT
    assert not image.path(f"{HOMES}/web/env").exists()
    changing.update(host, with_command, HOMES, SCAN, silent)
    assert texts(image) == before


def test_a_service_needs_either(host: Host) -> None:
    with pytest.raises(WrongUse, match="what shall it run"):
        services.check(asked())
    services.check(asked(script=SCRIPT))


def test_what_no_kernel_would_run_is_no_script(tmp_path: Path) -> None:
    from slashservice.installer.cli.verbs_services import _script

    path = tmp_path / "run"
    path.write_text("exec httpd\n")
    with pytest.raises(Refusal, match="does not begin with #!"):
        _script(str(path))
    path.write_bytes(b"#!/bin/sh\n\xff\n")
    assert _script(str(path)).encode("utf-8", "surrogateescape") == path.read_bytes()


def test_the_usual_log_is_as_it_was() -> None:
    assert service_log.actions() == "t s1000000 n10"


@given(
    st.sampled_from((0, LEAST_SIZE, MOST_SIZE)) | st.integers(LEAST_SIZE, MOST_SIZE),
    st.just(0) | st.integers(2, 10**6),
    st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"])),
)
def test_multilog_reads_what_was_asked_for(size: int, number: int, processor: str) -> None:
    line = f"printf '%s\\0' {service_log.actions(size, number, processor)} /log"
    words = subprocess.run(["sh", "-c", line], check=True, capture_output=True).stdout.split(b"\0")
    script = ActionScript(words[:-1])
    (action,) = script.actions
    assert isinstance(action, Directory)
    assert script.stamp == b"t"
    assert action.settings.size == (size or service_log.SIZE)
    assert action.settings.number == (number or service_log.NUMBER)
    assert action.settings.processor == (processor.encode() or None)
