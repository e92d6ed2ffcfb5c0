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

NOT_PLAIN = [
    "",
    "exec multilog t ./main\n",
    "#!/bin/sh -e\nexec multilog t ./main\n",
    "#!/usr/bin/python3\nexec multilog t ./main\n",
    "#!/bin/sh\nmultilog t ./main\n",
    "#!/bin/sh\nexec multilog t ./main 2>&1\n",
    "#!/bin/sh\nexec multilog t ./main | cat\n",
    "#!/bin/sh\nexec multilog t $DIR\n",
    '#!/bin/sh\nexec multilog t "$DIR"\n',
    "#!/bin/sh\nexec multilog t `pwd`\n",
    "#!/bin/sh\nexec multilog -* ./main\n",
    "#!/bin/sh\nexec multilog t ~/main\n",
    "#!/bin/sh\nexec multilog t ./main &\n",
    "#!/bin/sh\nexec multilog t ./main; true\n",
    "#!/bin/sh\nexec multilog t './main\n",
    "#!/bin/sh\nexec multilog t ./main \\\n./other\n",
    "#!/bin/sh\nexec multilog t 'a\nb'\n",
    "#!/bin/sh\nexec multilog t ./main # comment\n",
    "#!/bin/sh\numask 77\nexec multilog t ./main\n",
    "#!/bin/sh\nexec 2>&1\nexec multilog t ./main\n",
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


@pytest.mark.parametrize("text", NOT_PLAIN)
def test_not_plain(text: str) -> None:
    assert run_script.parse(text.encode()) is None


WORDS = ["a", "b/", "=", "-", "+", "!", "*", "?", "~", "#", " ", "  ", "\t", "'", '"', "\\", "$x"]
WORDS += ["`", "'a b'", '"c  d"', "\\ ", "\\'", "''", ";", "&", "|", ">", "<", "(", "{a,b}", "[a]"]
WORDS += ["%", "\xe9", "^", ",", "@", ":", "\\\\", '"\\a"', '"\\$"', "!gzip", "e"]

pieces = st.sampled_from(WORDS)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(text=st.lists(pieces, max_size=8).map("".join))
def test_a_shell_makes_the_same_of_it(text: str, tmp_path: Path) -> None:
    """A script that is plain runs multilog, whatever the shell, with the words we found."""
    script = b"#!/bin/sh\nexec multilog " + text.encode() + b"\n"
    found = run_script.parse(script)
    if found is None:
        return
    show = tmp_path / "multilog"
    if not show.exists():
        show.write_text(
            "#!/usr/bin/python3 -IS\nimport sys, os\n"
            "os.write(1, repr([os.fsencode(w) for w in sys.argv[1:]]).encode())\n"
        )
        show.chmod(0o755)
    run = tmp_path / "run"
    run.write_bytes(script)
    for shell in ("dash", "bash"):
        done = subprocess.run(
            [shell, run],
            env={"PATH": f"{tmp_path}:/bin", "HOME": "/home/x", "x": "y", "LC_ALL": "C"},
            capture_output=True,
            cwd=tmp_path,
            check=False,
        )
        assert done.stderr == b""
        assert done.stdout == repr(found.actions).encode(), os.fsdecode(script)
