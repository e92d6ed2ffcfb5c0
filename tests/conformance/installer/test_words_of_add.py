"""Whatever words and variables ``add`` is given, over several lines too: just those arrive."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.administration import Administrator, slashservice, tree
from helpers.installer import its_host, plain_image
from helpers.services import await_pid
from helpers.tree import ENVIRONMENT, Tree
from helpers.waiting import GENEROUS, until
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from slashservice.installer.errors import WrongUse
from slashservice.installer.host.host import Host
from slashservice.installer.services import Service, check, drawn
from slashservice.supervise.admin.run_script import RunScript
from slashservice.supervise.platform import processes

__all__ = ["slashservice", "tree"]

host, image = its_host, plain_image

SHELLS = [
    words for words in (["sh"], ["bash"], ["busybox", "sh"], ["ksh"]) if shutil.which(words[0])
]

AWKWARD = "a \n'\"\\$`!#;&|*?~{}()[]=-\t\r\x1b"
TEXT = st.one_of(
    st.text(AWKWARD, max_size=20),
    st.binary(max_size=20).map(lambda data: os.fsdecode(data.replace(b"\0", b"\n"))),
    st.sampled_from(
        ["\n", "\n\n", "a\nexec other\n", "x\ncd /\n", "'\n'", "\\\n", "a\n#", "<<E\nE"]
    ),
)
WORDS = st.lists(TEXT, max_size=4)
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,6}", fullmatch=True).filter(
    lambda name: name not in ("PATH", "IFS", "PWD", "OLDPWD")
)
EXAMPLES = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def run_script(host: Host, service: Service) -> bytes:
    """Return the run script of a service, as it is written."""
    check(service)
    return drawn(host, service).contents["run"].data


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
@EXAMPLES
@given(words=WORDS)
@example(words=["sh", "-c", "while :; do\n  date\n  sleep 1\ndone"])
def test_each_word_arrives(host: Host, shell: list[str], words: list[str]) -> None:
    script = run_script(host, Service("web", ["printf", "%s\\0", "-", *words]))
    done = subprocess.run(
        [*shell, "/dev/stdin"], input=script, capture_output=True, timeout=GENEROUS, check=True
    )
    assert done.stdout == b"".join(os.fsencode(word) + b"\0" for word in ["-", *words])


@EXAMPLES
@given(program=st.one_of(st.just("sh"), TEXT.filter(bool)), words=WORDS, user=st.booleans())
def test_why_reads_what_was_written(host: Host, program: str, words: list[str], user: bool) -> None:
    """Or it says nothing: what is wrong would be worse."""
    service = Service("web", [program, *words], user="www" * user, environment={"A": "b"})
    script = run_script(host, service)
    found = RunScript("run", script)
    assert found.program in ("", program)
    assert found.accounts in ([], ["www"]) and found.folders in ([], ["./env"])
    joined = b"\n".join(os.fsencode(word) for word in (program, *words))
    if program == "sh" and not any(part in joined for part in (b"cd", b"PATH", b"<<", b".")):
        assert found.program == "sh" and found.accounts == ["www"] * user


RECORDER = """
import os, sys
variables = [b"%b=%b" % one for one in os.environb.items()]
os.write(1, b"".join(part + b"\\0" for part in [*map(os.fsencode, sys.argv[1:]), *variables]))
"""


@EXAMPLES
@given(variables=st.dictionaries(NAMES, TEXT, max_size=3), words=WORDS)
def test_each_variable_arrives(
    host: Host, ours: Path, tmp_path: Path, variables: dict[str, str], words: list[str]
) -> None:
    command = [sys.executable, "-ISc", RECORDER, *words]
    service = Service("web", command, environment={"A": "b", **variables})
    if any(value[-1:] in (" ", "\t") for value in variables.values()):
        with pytest.raises(WrongUse, match="a value can't end in a blank"):
            check(service)
        return
    check(service)
    shutil.rmtree(tmp_path / "env", ignore_errors=True)
    for name, state in drawn(host, service).contents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(state.data)
    done = subprocess.run(
        ["/bin/sh", "run"],
        cwd=tmp_path,
        env={"PATH": f"{ours}:{ENVIRONMENT['PATH']}"},
        capture_output=True,
        timeout=GENEROUS,
        check=True,
    )
    parts = done.stdout.split(b"\0")[:-1]
    assert parts[: len(words)] == [os.fsencode(word) for word in words]
    for name, value in {"A": "b", **variables}.items():
        assert os.fsencode(f"{name}={value}") in parts[len(words) :]


LINES = "trap 'exit 0' TERM\nprintf '%s\\n' \"two\nlines\" >said\n\nwhile :; do sleep 0.1; done"


def test_a_daemon_of_several_lines(
    host: Host, tree: Tree, slashservice: Path, tmp_path: Path
) -> None:
    """It is started, edited, and nothing is wrong with it."""
    admin = Administrator(slashservice, tree.scan)
    script = run_script(host, Service("web", ["/bin/sh", "-c", LINES, "a\nb"]))
    path = tree.add("web", script.decode())
    tree.svscan()
    pid = await_pid(path)
    until(lambda: (path / "said").exists(), "it runs")
    assert Path(f"/proc/{pid}/cmdline").read_bytes() == b"\0".join(
        [b"/bin/sh", b"-c", LINES.encode(), b"a\nb", b""]
    )
    until(lambda: (path / "said").read_text() == "two\nlines\n", "it has said so")
    assert admin.types("why", "web").status == 0
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/sleep 0.1/sleep 0.2/' \"$1\"\n")
    editor.chmod(0o755)
    assert admin.types("edit", "web", VISUAL=str(editor)).status == 0
    assert (path / "run").read_bytes() == script.replace(b"sleep 0.1", b"sleep 0.2")
    assert processes.name(pid) == "sh"


@pytest.mark.parametrize(
    "service",
    [
        Service("we\nb", ["true"]),
        Service("web", ["true"], log="/var/log/a\nb"),
        Service("web", ["true"], environment={"A\nB": "c"}),
        Service("web", ["a\0b"]),
    ],
)
def test_where_a_newline_means_nothing(service: Service) -> None:
    with pytest.raises(WrongUse):
        check(service)
