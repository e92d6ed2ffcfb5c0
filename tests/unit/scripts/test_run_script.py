"""Which run scripts are plain."""

from __future__ import annotations

import pytest

from slashservice.supervise.scripts import run_script

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

NEEDS_A_SHELL = {
    "#!/bin/sh\nchown joe main\nexec multilog t ./main\n": ["t", "./main"],
    "#!/bin/sh\nexec multilog t $DIR\n": None,
    '#!/bin/sh\nexec multilog t "$DIR"\n': None,
    "#!/bin/sh\nexec multilog t `pwd`\n": None,
    "#!/bin/sh\nexec multilog t $(basename $(pwd))\n": None,
    "#!/bin/sh\nexec multilog -* ./main\n": None,
    "#!/bin/sh\nexec multilog t ~/main\n": None,
    "#!/bin/sh\nexec multilog {a,b}\n": None,
    "#!/bin/sh\nA=\nexec multilog $A b\n": None,
    "#!/bin/sh\nA='x y'\nexec multilog $A b\n": None,
    "#!/bin/sh\nA=$(pwd)\nB=b\nexec multilog $B\n": ["b"],
    "#!/bin/sh\n[ -e x ] && A=x\nexec multilog $A\n": None,
    "#!/bin/sh\ncd main || exit 1\nexec multilog .\n": ["."],
    "#!/bin/bash\nset -euo pipefail\nexec multilog .\n": ["."],
    "#!/bin/sh\nif [ ! -d x ]\nthen mkdir x; chown joe x\nfi\nexec multilog x\n": ["x"],
    "#!/bin/sh\n[ -d x ] || { mkdir x && chmod 700 x; }\nexec multilog x\n": ["x"],
    "#!/bin/sh\n: ${A:=x}\nexec multilog $A\n": None,
    "#!/bin/sh\nmkdir x 2>/dev/null\nexec multilog x\n": ["x"],
}
"""Scripts of which a shell has to do something first, and the actions where they are known."""

SET_UP = {
    "#!/bin/sh -e\nexec multilog t ./main\n": T_MAIN,
    "#!/usr/bin/env sh\nset -eu\nexec multilog t ./main # comment\n": T_MAIN,
    "#!/data/data/com.termux/files/usr/bin/sh\numask 77\nexec multilog t ./main\n": T_MAIN,
    "#!/bin/sh\nexec multilog t ./main\nexec 2>&1 | (\n": T_MAIN,
    '#!/bin/sh\nD=./main U=joe\nexec setuidgid $U multilog t "${D}"\n': ("joe", ["t", "./main"]),
    "#!/bin/sh\nD=a\nD=$D/b\nexec multilog ${D}c\n": (None, ["a/bc"]),
    "#!/bin/sh\nA='x y'\nB=$A\nexec multilog \"$B\"\n": (None, ["x y"]),
    "#!/bin/sh\nexport A=x\nexec chpst -u joe multilog t ./main\n": ("joe", ["t", "./main"]),
    "#!/bin/sh\nexec chpst -ujoe:adm:log /x/multilog t ./main\n": (
        "joe:adm:log",
        ["t", "./main"],
    ),
    "#!/bin/execlineb -P\nsetuidgid joe multilog t ./main\n": ("joe", ["t", "./main"]),
    '#!/bin/execlineb -P\n# x\nsetuidgid joe\nmultilog "a b"\n': ("joe", ["a b"]),
}

NOT_PLAIN = [
    "#!/bin/sh\nexec multilog t ./main \\",
    "#!/bin/sh\nexec multilog t './main\n",
    "#!/bin/sh\nexec 2>&1 | exec multilog t ./main\n",
    "#!/bin/sh\nexec 2>&1 x; exec multilog t ./main\n",
    "#!/bin/sh\nexec 2>&1;; exec multilog t ./main\n",
    "#!/bin/sh\nexec; exec multilog t ./main\n",
    "#!/bin/sh\n2>&1\nexec multilog t ./main\n",
    "#!/bin/sh\nexec 2>&1\n",
    "#!/bin/sh\nexec 2>&1x\nexec multilog t ./main\n",
    "#!/bin/sh\nexec x2>&1\nexec multilog t ./main\n",
    "#!/bin/sh\nexec 1>&2\nexec multilog t ./main\n",
    "#!/bin/sh\nexec 2>/dev/null\nexec multilog t ./main\n",
    "#!/bin/sh\nexec '2>&1'\nexec multilog t ./main\n",
    "#!/bin/sh\nexec multilog t ./ma\0in\n",
    "",
    "exec multilog t ./main\n",
    "#!/bin/sh -x\nexec multilog t ./main\n",
    "#!/bin/sh\nset -x\nexec multilog t ./main\n",
    "#!/bin/sh\nset -a\nexec multilog t ./main\n",
    "#!/usr/bin/env -S sh -e\nexec multilog t ./main\n",
    "#!/usr/bin/python3\nexec multilog t ./main\n",
    "#!/bin/sh\nmultilog t ./main\n",
    "#!/bin/sh\nexec multilog t ./main | cat\n",
    "#!/bin/sh\nexec multilog t ./main &\n",
    "#!/bin/sh\nexec multilog t ./main; true\n",
    "#!/bin/sh\nexec multilog t ./main || exit\n",
    "#!/bin/sh\nexec multilog t ./main.$$\n",
    "#!/bin/sh\nexec multilog t $(echo $$)\n",
    "#!/bin/sh\nexec multilog t $PPID\n",
    "#!/bin/sh\nexec multilog t $((1))\n",
    "#!/bin/sh\nexec multilog t $'a'\n",
    "#!/bin/sh\nexec $L t ./main\n",
    "#!/bin/sh\nexec setuidgid $U multilog t ./main\n",
    "#!/bin/sh\nU=$(id -un)\nexec setuidgid $U multilog t ./main\n",
    "#!/bin/sh\nPATH=$PATH:/x\nexec multilog t ./main\n",
    "#!/bin/sh\nIFS=,\nexec multilog t ./main\n",
    "#!/bin/sh\nulimit -n 10\nexec multilog t ./main\n",
    "#!/bin/sh\ntrap '' HUP\nexec multilog t ./main\n",
    "#!/bin/sh\n. ./conf\nexec multilog t ./main\n",
    "#!/bin/sh\nmkdir() { echo; }\nexec multilog t ./main\n",
    "#!/bin/sh\nread A\nexec multilog t ./main\n",
    "#!/bin/sh\nsleep 9 &\nexec multilog t ./main\n",
    "#!/bin/sh\nfor a in b; do mkdir $a; done\nexec multilog t ./main\n",
    "#!/bin/sh\nif true; then umask 0; fi\nexec multilog t ./main\n",
    "#!/bin/sh\nif true; then exec multilog a; fi\nexec multilog t ./main\n",
    "#!/bin/sh\nif true; then exec 2>&1; fi\nexec multilog t ./main\n",
    "#!/bin/sh\ntrue && export A=1\nexec multilog t ./main\n",
    "#!/bin/sh\ncat >x <<E\ny\nE\nexec multilog t ./main\n",
    "#!/bin/sh\necho x >&9\nexec multilog t ./main\n",
    "#!/bin/sh\nA=1 mkdir x\nexec multilog t ./main\n",
    "#!/bin/sh\nexec env multilog t ./main\n",
    "#!/bin/sh\nexec setuidgid joe:adm multilog ./main\n",
    "#!/bin/sh\nexec chpst -e env multilog ./main\n",
    "#!/bin/sh\nexec chpst -u joe -m 1 multilog ./main\n",
    "#!/bin/sh\nexec softlimit -m1 multilog ./main\n",
    "#!/bin/sh\nPATH=/x exec multilog ./main\n",
    "#!/bin/sh\nexec -a x multilog ./main\n",
    "#!/bin/sh\n" + "! " * 4000 + "true\nexec multilog ./main\n",
    "#!/bin/sh\nexec multilog " + "$(" * 2000 + "true" + ")" * 2000 + "\n",
    "#!/bin/sh\nexec setuidgid joe\n",
    "#!/bin/sh\nexec\n",
    "#!/bin/sh\n" + "#" * 9000 + "\nexec multilog ./main\n",
    "#!/bin/execlineb\nmultilog t ./main\n",
    "#!/bin/execlineb -P\nimportas A A multilog t $A\n",
    "#!/bin/execlineb -P\nforeground { mkdir x multilog t ./main\n",
    "#!/bin/execlineb -P\nfdmove -c 1 2 multilog t ./main\n",
]


@pytest.mark.parametrize("text", [*PLAIN, *SET_UP])
def test_plain(text: str) -> None:
    found = run_script.parse(text.encode())
    account, actions = {**PLAIN, **SET_UP}[text]
    assert found is not None
    assert not found.is_needed
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
    lines = b"[ -d /a ] || mkdir -p /a\nexec 2>&1\ntest -d '/b c' || rm /b\nmkdir -p d e >&2\n"
    found = run_script.parse(b"#!/bin/sh\n" + lines + b"exec multilog t /a\n")
    assert found and found.made == [b"/a", b"/b c", b"d", b"e"]
    assert found.merged and not found.is_needed
    assert found.actions == [b"t", b"/a"]
    assert found.before == b"#!/bin/sh\n" + lines + b"printf '%s\\0' t /a \"\" >&9\n"
    other = run_script.parse(b"#!/bin/sh\n[ -d /a ] || exec make /a\nexec multilog t /a\n")
    assert other and other.made == [b"/a"]
    assert other.before is None, "what is not for us to do"


def test_execline_tells_in_the_same_order() -> None:
    lines = b"#!/bin/execlineb -P\nforeground { mkdir -p x } "
    found = run_script.parse(lines + b'multilog t "a b"\n')
    assert found and found.before == lines + b'fdmove 1 9 printf "%s\\\\0" "t" "a b" ""\n'


@pytest.mark.parametrize("text", NEEDS_A_SHELL)
def test_what_a_shell_has_to_do(text: str) -> None:
    found = run_script.parse(text.encode())
    assert found is not None
    assert found.is_needed
    assert found.before and found.before.startswith(text.partition("exec m")[0].encode())
    actions = NEEDS_A_SHELL[text]
    assert found.actions == (None if actions is None else [word.encode() for word in actions])


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_not_plain(text: str) -> None:
    assert run_script.parse(text.encode()) is None
