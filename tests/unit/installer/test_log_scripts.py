"""What is read in a run script of a log, and what is left unread as it is not clear."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.installer import log_scripts
from slashservice.installer.log_scripts import LogScript, read

SH = b"#!/bin/sh\n"

CLEAR = {
    b"exec multilog t ./main\n": LogScript(("./main",)),
    b"multilog t ./main\n": LogScript(("./main",)),
    b"exec setuidgid log multilog t s100 '!gzip' /var/log/x ./y": LogScript(
        ("/var/log/x", "./y"), "log"
    ),
    b"exec 2>&1\nmkdir -p /var/log/x\nexec setuidgid log multilog /var/log/x": LogScript(
        ("/var/log/x",), "log", makes=True
    ),
    b"[ -d x ] || mkdir x\nexec multilog /var/log/x": LogScript(("/var/log/x",), makes=True),
    b"[ -d /var/log/x ] || install -d -o log /var/log/x\nexec setuidgid log multilog /var/log/x": (
        LogScript(("/var/log/x",), "log", makes=True)
    ),
    b"chown log /var/log/x\nexec /usr/bin/multilog /var/log/x": LogScript(("/var/log/x",)),
    b"umask 022\nset -e\nexec softlimit -m 1000000 multilog fdrop ./x": LogScript(
        ("./x",), waits=False
    ),
    b"exec env X=1 setuidgid log multilog ./x": LogScript(("./x",), "log"),
    b"exec chpst -ulog multilog ./x": LogScript(("./x",), is_known=False),
    b"exec sudo -u log multilog ./x": LogScript(("./x",), is_known=False),
    b"cd /var/log\nexec multilog /var/log/x": LogScript(("/var/log/x",)),
    b"exec multilog \\\n t \\\n ./x": LogScript(("./x",)),
    b"exec multilog t e": LogScript(()),
}

UNCLEAR = [
    b"exec multilog t $DIR",
    b"exec multilog t ./main | cat",
    b"cd /var/log\nexec multilog ./x",
    b'cd "$X"\nexec multilog ./x',
    b"if true; then\nexec multilog ./x\nfi",
    b"{\nexec multilog ./x\n}",
    b"exec cat\nexec multilog ./x",
    b"exec $CAT\nexec multilog ./x",
    b"echo multilog ./x",
    b"exit\nmultilog ./x",
    b". /etc/defaults\nexec multilog ./x",
    b"cat <<x\nexec multilog ./x\nx\n",
    b"exec svlogd ./main",
    b"exec setuidgid\n",
    b"",
]


@pytest.mark.parametrize("text", CLEAR)
def test_what_is_clear_is_read(text: bytes) -> None:
    assert read(SH + text) == CLEAR[text]


@pytest.mark.parametrize("text", UNCLEAR)
def test_what_is_not_clear_tells_nothing(text: bytes) -> None:
    assert read(SH + text) is None


@pytest.mark.parametrize("first", [b"", b"#!", b"#! ", b"#!/usr/bin/execlineb", b"\x7fELF"])
def test_other_languages_tell_nothing(first: bytes) -> None:
    assert read(first + b"\nexec multilog ./x\n") is None


def test_options_of_the_shell() -> None:
    assert read(b"#!/bin/sh -e\nexec multilog ./x\n") == LogScript(("./x",))
    assert read(b"#!/usr/bin/env bash\nexec multilog ./x\n") == LogScript(("./x",))


PIECES = st.sampled_from(
    [b"exec ", b"multilog ", b"./x ", b"\n", b"'", b'"', b"\\", b"setuidgid ", b"a ", b"#", b"\xff"]
)


@given(st.lists(PIECES, max_size=12))
def test_nothing_comes_out_but_a_script(pieces: list[bytes]) -> None:
    found = read(SH + b"".join(pieces))
    assert found is None or all(name[:1] in "./" for name in found.directories)
    assert log_scripts.read(b"".join(pieces)) is None
