"""Which run scripts are plain, and that a shell makes the same of those that are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slashservice.supervise.logs import run_script

PLAIN = {
    "#!/bin/sh\nexec multilog t ./main\n": (None, ["t", "./main"]),
    "#!/bin/sh\nexec multilog": (None, []),
    "#! /bin/sh\n\n# logs\n  exec\tmultilog  t\t./main  \n\n": (None, ["t", "./main"]),
    "#!/bin/sh\nexec setuidgid joe multilog t ./main\n": ("joe", ["t", "./main"]),
    "#!/bin/bash\nexec /command/multilog t ./main\n": (None, ["t", "./main"]),
    "#!/bin/sh\nexec multilog '-*' \"+* fatal: *\" '!gzip -9' ./a\\ b\n": (
        None,
        ["-*", "+* fatal: *", "!gzip -9", "./a b"],
    ),
    "#!/bin/sh\nexec multilog '' \"\" -'x'\"y\"z\\*\n": (None, ["", "", "-xyz*"]),
    "#!/bin/sh\nexec multilog =status e n20 s100000 ./main": (
        None,
        ["=status", "e", "n20", "s100000", "./main"],
    ),
}

T_MAIN = (None, ["t", "./main"])

MERGED = {
    "#!/bin/sh\nexec 2>&1\nexec multilog t ./main\n": T_MAIN,
    "#!/bin/sh\n\texec\t2>&1 \n\nexec 2>&1\nexec multilog t ./main\n": T_MAIN,
    "#!/bin/sh\n# all\nexec 2>&1\n# of it\nexec setuidgid joe multilog t ./main\n": (
        "joe",
        ["t", "./main"],
    ),
    "#!/bin/sh\nexec 2>&1; exec multilog t ./main\n": T_MAIN,
    "#!/bin/sh\nexec 2>&1;\nexec multilog t ./main\n": T_MAIN,
    "#!/bin/sh\nexec multilog t ./main 2>&1\n": T_MAIN,
    "#!/bin/sh\nexec 2>&1 multilog t ./main\n": T_MAIN,
    "#!/bin/sh\nexec multilog 2>&1 t \\\n ./main\n": T_MAIN,
    "#!/bin/sh\nexec 2>&1\nexec multilog t \\\n  ./main": T_MAIN,
}

JOINED = {
    "#!/bin/sh\nexec multilog t ./main \\\n./other\n": ["t", "./main", "./other"],
    "#!/bin/sh\nexec \\\nmultilog \\\n t \\\n \\\n ./ma\\\nin\n": ["t", "./main"],
    '#!/bin/sh\n\\\nexec multilog "+a\\\n b"\n': ["+a b"],
    "#!/bin/sh\nexec multilog t a\\\\\n": ["t", "a\\"],
    "#!/bin/sh\nexec multilog t ./a\\ \n": ["t", "./a "],
    "#!/bin/sh\n# comment \\\nexec multilog t ./main\n": ["t", "./main"],
}

NOT_PLAIN = [
    "#!/bin/sh\nexec multilog t ./main \\",
    "#!/bin/sh\nexec multilog t 'a\\\nb'\n",
    "#!/bin/sh\nexec multilog t 'a' \\\nb\n",
    "#!/bin/sh\nexec multilog t ./main \\\n# comment\n",
    "#!/bin/sh\nexec multilog t ./main \\ \n./b c\n",
    "#!/bin/sh\nexec 2>&1 | exec multilog t ./main\n",
    "#!/bin/sh\nexec 2>&1 x; exec multilog t ./main\n",
    "#!/bin/sh\nexec 2>&1;; exec multilog t ./main\n",
    "#!/bin/sh\nexec; exec multilog t ./main\n",
    "#!/bin/sh\n2>&1\nexec multilog t ./main\n",
    "#!/bin/sh\nexec 2>&1\n",
    "#!/bin/sh\nexec multilog t ./main\nexec 2>&1\n",
    "#!/bin/sh\nexec 2>&1x\nexec multilog t ./main\n",
    "#!/bin/sh\nexec x2>&1\nexec multilog t ./main\n",
    "#!/bin/sh\nexec 1>&2\nexec multilog t ./main\n",
    "#!/bin/sh\nexec 2>/dev/null\nexec multilog t ./main\n",
    "#!/bin/sh\nexec '2>&1'\nexec multilog t ./main\n",
    "#!/bin/sh\nexec 2>&1 multilog\nexec multilog t ./main\n",
    "#!/bin/sh\nmkdir -p main\nexec multilog t ./main\n",
    "#!/bin/sh\nchown joe main\nexec multilog t ./main\n",
    "#!/bin/sh\nexec multilog t ./ma\0in\n",
    "",
    "exec multilog t ./main\n",
    "#!/bin/sh -e\nexec multilog t ./main\n",
    "#!/usr/bin/python3\nexec multilog t ./main\n",
    "#!/bin/sh\nmultilog t ./main\n",
    "#!/bin/sh\nexec multilog t ./main | cat\n",
    "#!/bin/sh\nexec multilog t $DIR\n",
    '#!/bin/sh\nexec multilog t "$DIR"\n',
    "#!/bin/sh\nexec multilog t `pwd`\n",
    "#!/bin/sh\nexec multilog -* ./main\n",
    "#!/bin/sh\nexec multilog t ~/main\n",
    "#!/bin/sh\nexec multilog t ./main &\n",
    "#!/bin/sh\nexec multilog t ./main; true\n",
    "#!/bin/sh\nexec multilog t './main\n",
    "#!/bin/sh\nexec multilog t 'a\nb'\n",
    "#!/bin/sh\nexec multilog t ./main # comment\n",
    "#!/bin/sh\numask 77\nexec multilog t ./main\n",
    "#!/bin/sh\nexec env multilog t ./main\n",
    "#!/bin/sh\nexec svlogd ./main\n",
    "#!/bin/sh\nexec setuidgid joe svlogd ./main\n",
    "#!/bin/sh\nexec softlimit -m1 multilog ./main\n",
    "#!/bin/sh\nPATH=/x exec multilog ./main\n",
    "#!/bin/sh\nexec -a x multilog ./main\n",
    "#!/bin/sh\nexec multilog {a,b}\n",
    "#!/bin/sh\nexec setuidgid joe\n",
    "#!/bin/sh\nexec\n",
    "#!/bin/sh\n" + "#" * 9000 + "\nexec multilog ./main\n",
]


@pytest.mark.parametrize("text", PLAIN)
def test_plain(text: str) -> None:
    found = run_script.parse(text.encode())
    account, actions = PLAIN[text]
    assert found is not None
    assert found.account == (account.encode() if account else None)
    assert found.actions == [word.encode() for word in actions]


@pytest.mark.parametrize("text", MERGED)
def test_complaints_to_standard_output(text: str) -> None:
    found = run_script.parse(text.encode())
    account, actions = MERGED[text]
    assert found is not None
    assert found.merged
    assert found.account == (account.encode() if account else None)
    assert found.actions == [word.encode() for word in actions]


@pytest.mark.parametrize("text", JOINED)
def test_lines_that_are_joined(text: str) -> None:
    found = run_script.parse(text.encode())
    assert found is not None
    assert found.actions == [word.encode() for word in JOINED[text]]
    assert not found.merged


def test_directories_that_are_made_where_they_are_missing() -> None:
    lines = b"[ -d /a ] || mkdir -p /a\nexec 2>&1\n[ -d '/b c' ] || exec install -d /b\n"
    found = run_script.parse(b"#!/bin/sh\n" + lines + b"exec multilog t /a\n")
    assert found and found.made == [b"/a", b"/b c"]
    assert found.merged
    assert found.actions == [b"t", b"/a"]
    behind = b"#!/bin/sh\nexec multilog t /a\n[ -d /a ] || mkdir -p /a\n"
    assert run_script.parse(behind) is None


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_not_plain(text: str) -> None:
    assert run_script.parse(text.encode()) is None


WORDS = ["a", "b/", "=", "-", "+", "!", "*", "?", "~", "#", " ", "  ", "\t", "'", '"', "\\", "$x"]
WORDS += ["`", "'a b'", '"c  d"', "\\ ", "\\'", "''", ";", "&", "|", ">", "<", "(", "{a,b}", "[a]"]
WORDS += ["%", "\xe9", "^", ",", "@", ":", "\\\\", '"\\a"', '"\\$"', "!gzip", "e"]
WORDS += ["\\\n", " \\\n ", "2>&1", " 2>&1 ", " 2>&1", "1>&2", "2", ">&1"]

LINES = [
    "exec 2>&1\n",
    " exec\t2>&1 \n",
    "exec 2>&1;",
    "exec 2>&1 ; ",
    "exec 2>&1 \\\n",
    "# x \\\n",
]
LINES += [
    "\n",
    "\\\n",
    "exec \\\n 2>&1\n",
    "exec 2\\\n>&1\n",
    "exec 2>&1x\n",
    "2>&1 ",
    "exec\n",
    "; ",
]
LINES += [
    "[ -d / ] || mkdir -p /x\n",
    "[ -d /bin ] || exec install -d 2>&1 -m 700 '/x y' \n",
    "[ -d '/' ] || 'x'\n",
    "[ -d /nosuch ] || mkdir -p z\n",
    "[ -d / ] || echo x; echo y\n",
    "[ -d / ] || echo x && echo y\n",
    "[ -d / ]\t|| echo x\n",
    "[ -d / -o -d /x ] || echo x\n",
    "[ -d . ] || echo x\n",
]
LINES += ["mkdir -p x\n", "exec 1>&2\n", "'\n", "exec 2>&1 # y\n"]

STAND_IN = """#!/usr/bin/python3 -IS
import sys, os
merged = os.path.sameopenfile(1, 2)
open_ = [fd for fd in range(20) if os.path.exists(f"/proc/self/fd/{fd}")]
words = [os.fsencode(w) for w in sys.argv[1:]]
os.write(1, repr((words, merged, open_)).encode())
"""
"""Prints how it was called, whether its outputs are one, and its descriptors."""


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(
    before=st.lists(st.sampled_from(LINES), max_size=3).map("".join),
    text=st.lists(st.sampled_from(WORDS), max_size=8).map("".join),
    after=st.sampled_from(["\n", "", "\n\n# end", "\nexec 2>&1\n", "\\"]),
)
def test_a_shell_makes_the_same_of_it(before: str, text: str, after: str, tmp_path: Path) -> None:
    """A script that is plain runs multilog, whatever the shell, with the words we found.

    Its complaints go where we say, and it has no descriptor more.
    """
    script = b"#!/bin/sh\n" + (before + "exec multilog " + text + after).encode()
    found = run_script.parse(script)
    if found is None or not all(map(os.path.isdir, found.made)):
        return
    show = tmp_path / "multilog"
    if not show.exists():
        show.write_text(STAND_IN)
        show.chmod(0o755)
    run = tmp_path / "run"
    run.write_bytes(script)
    for shell in ("dash", "bash"):
        done = subprocess.run(
            [shell, run],
            env={"PATH": f"{tmp_path}:/bin", "HOME": "/home/x", "x": "y", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=tmp_path,
            check=False,
        )
        assert done.stderr == b""
        expected = repr((found.actions, found.merged, [0, 1, 2])).encode()
        assert done.stdout == expected, os.fsdecode(script)
