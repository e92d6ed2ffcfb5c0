"""Shapes of rc.local, executed by the shells that read such files, with and without our block.

The block is reached once; all that the script says, makes and returns is as before.
"""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
from pathlib import Path

import pytest
from helpers.images import KINDS, Image
from helpers.installer import plan_for
from helpers.shapes import COMMAND, SHELLS, Ran, edit_of, load, on_a_host, run
from helpers.themselves import HARMLESS, NAMES, READS, forms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slashservice.installer.host.host import Host
from slashservice.installer.plan import itself, proof
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.files import EditFile
from slashservice.installer.plan.source import Source

BLOCK = f"/bin/sh -c '{COMMAND} </dev/null >/dev/null 2>&1 &'\n"
RC_LOCAL = load("rc.local.txt")
RUNS = [
    (name, shell)
    for name, shape in RC_LOCAL.items()
    if not shape.refused
    for shell in shape.shells()
]


def both(argv: list[str], plain: bytes, edited: bytes, at: Path, traced: bool) -> tuple[Ran, Ran]:
    """Run a script as it is, and as it was edited."""
    return run(argv, plain, at / "plain", traced), run(argv, edited, at / "edited", traced)


@pytest.mark.parametrize(("name", "shell"), RUNS)
def test_the_block_is_reached_once_and_changes_nothing(
    name: str, shell: str, in_memory: Path, tmp_path: Path, small_source: Source
) -> None:
    shape = RC_LOCAL[name]
    host = on_a_host(shape, Image(in_memory / "root"))
    edited = edit_of(host).wanted(host, host.state("/etc/rc.local")).data
    plain = Block("").remove(shape.text)
    before, after = both(shape.shells()[shell], plain, edited, tmp_path, shape.traced)
    assert (before.marks, after.marks) == (0, 1)
    assert (after.status, after.output, after.errors) == (
        before.status,
        before.output,
        before.errors,
    )
    assert after.files == before.files


def test_the_shells_are_those_of_the_corpus() -> None:
    """None is left out without a word: each runs most shapes."""
    for shell in SHELLS:
        assert sum(one == shell for _, one in RUNS) > 110


# Scripts that nobody wrote --------------------------------------------------------------------

WORDS = st.sampled_from(["a", "'b c'", '"d;e"', "f#g", '"$1"', "\\#", "'#'", "$((1<<2))", "exit"])
CALL = 'if [ -z "${D-}" ]; then D=1; f; fi'
"""Calls a function, if there is one: once, as it may be in the function itself."""

SAY = st.lists(WORDS, min_size=1, max_size=3).map(lambda words: f"echo {' '.join(words)}")
SIMPLE = st.one_of(
    SAY,
    st.sampled_from(["true", "false", ":", "A=1", "wait", "cd .", "exit 0", "exit 3", "exec 2>&1"]),
    st.sampled_from(["exec echo last", "set -e", "set +e", "return 0", CALL, "jobs", "read x"]),
    st.sampled_from(["echo one \\\n two", "echo 'one\nexit 0'", 'echo "one\n  exit 1\n"', "# \\"]),
    st.sampled_from(["(exit 4)", "echo $(exit 2)", "echo $?", "trap 'echo bye' EXIT", "! true"]),
)
HERE = st.builds(
    lambda end, body: f"cat <<{end}\n{body}\n{end.strip('-').strip(chr(39))}",
    st.sampled_from(["E", "'E'", "-E"]),
    st.lists(SIMPLE, max_size=2).map(lambda lines: "\n".join(lines).replace("$", "")),
)


def compounds(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Commands that are made of others."""
    lines = st.lists(inner, min_size=1, max_size=3).map("\n".join)
    forms = st.sampled_from(
        [
            *("if true; then\n%s\nfi", "if false\nthen\n:\nelse\n%s\nfi", "{\n%s\n}", "(\n%s\n)"),
            *("for i in 1 2; do\n%s\ndone", "while :; do\n%s\nbreak\ndone", "f() {\n%s\n}"),
            *("case x in\nx)\n%s\n;;\nesac", "true && {\n%s\n}", "false || (\n%s\n)"),
            *("f ()\n{ # why\n%s\n}", "{\n%s\n} | cat", "(\n%s\n) >made 2>&1", "x=$(\n%s\n)"),
        ]
    )
    one_line = st.sampled_from(
        [
            *("if true; then %s; fi", "for i in 1 2; do %s; done > made", "( %s ) 2>&1"),
            *("{ %s; } >made", "true && %s", "false || %s", "f() { %s; }", "echo x; %s"),
        ]
    )
    plain = SAY | st.sampled_from(["exit 0", "exit 2", "true", "false", "return 1"])
    return st.builds(lambda form, text: form % text, forms, lines) | st.builds(
        lambda form, text: form % text, one_line, plain
    )


COMMANDS = st.recursive(SIMPLE | HERE, compounds, max_leaves=8)
SCRIPTS = st.builds(
    lambda option, head, commands, end: f"#!/bin/sh{option}\n{head}" + "\n".join(commands) + end,
    st.sampled_from(["", " -e", " -u", " -"]),
    st.sampled_from(["", "# what for\n", "# goes on \\\n", "\n", "#\n\n# apart\n"]),
    st.lists(COMMANDS, max_size=5),
    st.sampled_from(["\n", "", "\nexit 0\n"]),
)


@settings(max_examples=120, suppress_health_check=list(HealthCheck))
@given(script=SCRIPTS, shell=st.sampled_from(list(SHELLS)))
def test_whatever_the_script_is(script: str, shell: str) -> None:
    """As above, of scripts that a grammar makes."""
    plain = script.encode()
    edited = Block(BLOCK, "start", fresh="#!/bin/sh\n").insert(plain)
    proof.prove(Host(), "rc.local", edited, "shell")
    first = plain.split(b"\n", 1)[0].decode()[2:].split()[1:]
    with tempfile.TemporaryDirectory() as folder:
        argv = [*SHELLS[shell], *first]
        before, after = both(argv, plain, edited, Path(folder), traced=False)
    assert (before.marks, after.marks) == (0, 1)
    assert dataclasses.replace(after, marks=0) == before


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(script=SCRIPTS, data=st.data())
def test_shells_agree_where_a_command_may_begin(script: str, data: st.DataObject) -> None:
    """What one shell says of a place is what another says of it."""
    lines = script.encode().splitlines(keepends=True)
    part = b"".join(lines[: data.draw(st.integers(1, len(lines)))])
    if part.endswith(b"\n"):
        said = {
            shell: proof.is_complete(Host(), b"#!/bin/" + shell.encode() + b"\n" + part)
            for shell in ("dash", "bash", "mksh")
        }
        assert len(set(said.values())) == 1, said


# Scripts that know their own name -------------------------------------------------------------

USES = st.builds(
    lambda name, use, form: forms(name, use)[form],
    st.sampled_from(NAMES),
    st.sampled_from((*HARMLESS, *READS)),
    st.integers(0, len(forms("", "")) - 1),
)


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(uses=st.lists(USES, min_size=1, max_size=2), shell=st.sampled_from(list(SHELLS)))
def test_what_a_line_more_would_change_is_refused(uses: list[str], shell: str) -> None:
    """And what is not refused does the same with it."""
    plain = "\n".join(["#!/bin/sh", *uses, "exit 0", "data", "more", ""]).encode()
    edited = Block(BLOCK, "start").insert(plain)
    with tempfile.TemporaryDirectory() as folder:
        before, after = both(SHELLS[shell], plain, edited, Path(folder), traced=False)
    if itself.place("/etc/rc.local", plain) is None:
        assert (before.marks, after.marks) == (0, 1)
        assert dataclasses.replace(after, marks=0) == before


@pytest.mark.parametrize("use", READS)
def test_a_line_more_does_change_it(use: str, tmp_path: Path) -> None:
    """The scripts that are refused are not refused for nothing."""
    (text, *_) = forms('"$0"', use)
    plain = f"#!/bin/sh\n{text}\nexit 0\ndata\nmore\n".encode()
    edited = Block(BLOCK, "start").insert(plain)
    before, after = both(SHELLS["bash"], plain, edited, tmp_path, traced=False)
    assert before.output != after.output


# Another language -------------------------------------------------------------------------------

EXECLINE = {
    "one command": "#!/usr/bin/execlineb -P\necho one\n",
    "comments": "#!/usr/bin/execlineb -P\n# all \\\n# down\n\necho one # two\n",
    "blocks": "#!/usr/bin/execlineb -S0\nforeground { echo one }\nif { false }\necho never\n",
    "a status": "#!/usr/bin/execlineb\nifelse { true } { exit 3 }\necho never\n",
    "nothing else": "#!/usr/bin/execlineb -P\n",
    "quotes": '#!/usr/bin/execlineb -P\necho "one\ntwo"\n',
}


@pytest.mark.parametrize("name", EXECLINE)
def test_execline_runs_a_line_of_its_own(name: str, in_memory: Path, small_source: Source) -> None:
    """s6's rc.shutdown: ours is run once, and what comes after it as before."""
    image, text = Image(in_memory / "root"), EXECLINE[name]
    KINDS["s6"].make(image)
    path = "/etc/s6-linux-init/current/scripts/rc.shutdown"
    host = Host(str(image.program(path, text).program("/usr/bin/execlineb").root))
    (edit,) = (one for one in plan_for(host).actions if getattr(one, "path", "") == path)
    assert isinstance(edit, EditFile)
    edited = edit.wanted(host, host.state(path)).data.decode()
    assert edited.count("/command/slashservice drain /service") == 1
    ran = []
    for script in (text, edited.replace("/command/slashservice drain /service", "echo drained")):
        copy = in_memory / "script"
        copy.write_text(script)
        argv = [*script.split("\n", 1)[0].removeprefix("#!").split(), str(copy)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        ran.append((done.returncode, done.stdout + done.stderr))
    (status, said), (status_after, said_after) = ran
    assert (status_after, said_after) == (status, "drained\n" + said)
