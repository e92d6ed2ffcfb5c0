"""Scripts that run, read or change themselves are told from those that only say their name."""

from __future__ import annotations

import pytest
from helpers.themselves import BY_BASH, CHANGES, HARMLESS, NAMES, READS, RUNS, UNRUN, forms
from hypothesis import given
from hypothesis import strategies as st

from slashservice.installer.plan import itself

PATHS = (*NAMES, *BY_BASH, "/etc/rc.local", '"/etc/rc.d/rc.local"', "/etc/../etc//rc.local")


def found(text: str, path: str = "/etc/rc.local") -> itself.Place | None:
    """Where a script may do it."""
    return itself.place(path, f"#!/bin/sh\n# why\n{text}\nexit 0\n".encode())


def combined(use: str) -> list[str]:
    """Each way to come by the name, and each way to keep it."""
    return [*forms(NAMES[3], use), *(use.replace("NAME", name) for name in PATHS)]


@pytest.mark.parametrize("use", [*READS, *CHANGES, *RUNS])
def test_what_may_do_harm(use: str) -> None:
    for text in combined(use):
        assert found(text) is not None, text


@pytest.mark.parametrize("use", [*HARMLESS, *UNRUN])
def test_what_does_none(use: str) -> None:
    for text in combined(use):
        assert found(text) is None, text


def test_the_line_is_named() -> None:
    assert found('echo one\n  tail -n +4 "$0"') == itself.Place(4, 'tail -n +4 "$0"')
    assert found("me=$0\nf() {\n  sh $1\n}\nf $me") == itself.Place(5, "sh $1")


@pytest.mark.parametrize("use", [*READS, *CHANGES, *RUNS])
def test_another_file_s_name_is_no_matter(use: str) -> None:
    for name in ("/etc/rc.local.orig", '"$0.conf"', "/etc/rc.localx", "/usr/etc/rc.local"):
        assert found(use.replace("NAME", name).replace("'$0 EXIT", "'x EXIT")) is None, use


def test_a_folder_that_it_is_in() -> None:
    assert found("cd /etc; tail -n +4 rc.local")
    assert found('cd "$(dirname "$0")"; ./rc.local')
    assert found("cd /root; tail -n +4 rc.local") is None
    assert found('tail -n +4 "$FOLDER/rc.local"')


def test_other_scripts_have_other_names() -> None:
    text = 'tail -n +4 "$0"; cat /etc/rc.local'
    assert found(text, "/etc/rc.d/rc.local_shutdown")
    assert found("cat /etc/rc.local", "/etc/rc.d/rc.local_shutdown") is None
    assert found("tail /etc/rc.d/rc.local_shutdown", "/etc/rc.d/rc.local_shutdown")


@given(st.text(alphabet="$0 tail<>\"'`(){};&|\n#me=/", max_size=60))
def test_no_text_is_too_much(text: str) -> None:
    found(text)
