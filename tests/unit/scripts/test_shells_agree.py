"""What we make of a plain script is what a shell makes of it: of any, put together by chance.

Each is run by a real shell, with programs that write down how they are called. Beside it is done
what we would do: the part before the logger, if it is needed, and then the logger.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from slashservice.supervise.scripts import run_script
from slashservice.supervise.scripts.plain import Plain

WORDS = ["a", "b/", "=", "-", "+", "!", "*", "?", "~", "#", " ", "  ", "\t", "'", '"', "\\", "$x"]
WORDS += ["`", "'a b'", '"c  d"', "\\ ", "\\'", "''", ";", "&", "|", ">", "<", "(", "{a,b}", "[a]"]
WORDS += ["%", "\xe9", "^", ",", "@", ":", "\\\\", '"\\a"', '"\\$"', "!gzip", "e", "$", "${", "}"]
WORDS += ["\\\n", " \\\n ", "2>&1", " 2>&1 ", " 2>&1", "1>&2", "2", ">&1", "$A", "${A}", '"$B"']
WORDS += [
    " $C ",
    "$(pwd)",
    "`echo x y`",
    "${A:-z}",
    "${D##*/}",
    "\n",
    "${U:=v w}",
    '"${A}x$B"',
    "$0",
]
WORDS += ["$(echo 'a)b')", '"$(echo "x  y")"', "$?", "$#", "$A\\\nB", "made/*", "A=b"]

LINES = [
    *("exec 2>&1\n", " exec\t2>&1 \n", "exec 2>&1;", "exec 2>&1 ; ", "exec 2>&1 \\\n", "# x \\\n"),
    *("\n", "\\\n", "exec \\\n 2>&1\n", "exec 2\\\n>&1\n", "exec 2>&1x\n", "2>&1 ", "exec\n", "; "),
    *("[ -d / ] || mkdir -p x\n", "[ -d /bin ] || exec install -d 2>&1 -m 700 'x y' \n"),
    *("[ -d '/' ] || 'x'\n", "[ -d /nosuch ] || mkdir -p z\n", "[ -d / ] || echo x; echo y\n"),
    *("[ -d / ] || echo x && echo y\n", "[ -d / ]\t|| echo x\n", "[ -d / -o -d /x ] || echo x\n"),
    *("[ -d . ] || echo x\n", "mkdir -p x\n", "exec 1>&2\n", "'\n", "exec 2>&1 # y\n"),
    *("A=b\n", "A='a  b'\n", "A=b B=c\n", "B=$A\n", 'B="$A$A"\n', "C=\n", "D=x/y\n", "A=~/x\n"),
    *("B=`pwd`\n", "A=$(echo '*')\n", "export A\n", "export A=b B\n", "export E='f g'\n", "A+=x\n"),
    *("E=x\n", "C=$C$B\n", "A=b mkdir q\n", "a=1 2>&1\n", "export B=$A\n", "A=x:~\n", "A={a,b}\n"),
    *(
        "set -e\n",
        "set -eu\n",
        "set -u\n",
        "set +e\n",
        "set -o pipefail\n",
        "set -f\n",
        "set -- x\n",
    ),
    *(
        "umask 022\n",
        "umask 77\n",
        "umask 9\n",
        "umask\n",
        "cd made\n",
        "cd nosuch\n",
        "cd made || exit\n",
    ),
    *(
        "cd nosuch || exit 3\n",
        "cd .\n",
        "cd made && cd ..\n",
        "mkdir -p made made/x/y\n",
        "mkdir made\n",
    ),
    *(
        "mkdir -m 700 z\n",
        "chmod 750 made\n",
        "chmod 700 nosuch\n",
        "mkdir -p file/x\n",
        "mkdir -p x 2>&1\n",
    ),
    *(
        "mkdir x 2>/dev/null\n",
        'mkdir -p "$A"\n',
        "mkdir -p $A $B\n",
        "touch file made/f\n",
        "rm nosuch\n",
    ),
    *(
        "if [ ! -d q ]; then\n mkdir q\n chmod 700 q\nfi\n",
        "if test -d made; then echo y; else mkdir made; fi\n",
    ),
    *(
        "if false; then A=q; elif true; then A=r; fi\n",
        "if true; then cd made; fi\n",
        "{ mkdir g; }\n",
    ),
    *(
        "[ -d q ] || { mkdir q && chmod 711 q; }\n",
        "[ -e file ] && A=z\n",
        "! mkdir made\n",
        "exit 4\n",
    ),
    *(
        "test -d made || exit 5\n",
        "[ -d file ] || exit 0\n",
        "false\n",
        "true\n",
        ": x\n",
        "echo $A >w\n",
    ),
    *(
        "echo x >&2\n",
        "printf '%s|' \"$A\" $B\n",
        "nosuch\n",
        "[ a b c ]\n",
        "ls\n",
        "false && true\n",
    ),
    *(
        "sleep 0 &\n",
        "mkdir h | cat\n",
        "(mkdir h)\n",
        "for i in 1; do mkdir i; done\n",
        "ulimit -n 99\n",
    ),
    *(
        "trap '' HUP\n",
        "B=${A:=w}\n",
        ": ${B:=w}\n",
        "IFS=b\n",
        "fi\n",
        "then\n",
        "if true\n",
        "}\n",
    ),
    *(
        "A=b\\\nc\n",
        "mk\\\ndir r\n",
        "if true;\\\n then mkdir j; fi\n",
        "readlink -f $0 >link\n",
        "mkdir \\\n k\n",
    ),
]

STARTS = [
    "exec multilog ",
    "exec \\\nmultilog ",
    "exec setuidgid joe multilog ",
    "exec multilog t $A ",
]
STARTS += [
    "exec chpst -u j:k multilog ",
    "exec 'multilog' \"$A\" ",
    "multilog ",
    "exec multilog $B",
]

STATUS = "cd made\n[ a b c ]\n"
"""Leaves a status that is not 0, in another directory."""

STUB = """#!/bin/dash
exec 3>"$RECORD"
for word in "${0##*/}" "$@"; do printf '%s\\0' "$word" >&3; done
[ /proc/$$/fd/1 -ef /proc/$$/fd/2 ] && echo merged >&3
pwd -P >&3
umask >&3
echo /proc/$$/fd/* >&3
grep SigIgn /proc/$$/status >&3
env -0 >&3
"""
"""Writes down how it is called, and what it inherits."""


@dataclass
class Outcome:
    """What came of a script."""

    status: int
    out: bytes
    err: bytes
    tree: list[tuple[str, int]]
    words: list[bytes]
    where: str = ""
    merged: bool = False
    umask: int = -1
    ignored: bytes = b""
    variables: frozenset[bytes] = frozenset()


class Bench:
    """A place in which scripts are run."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.record = top / "record"
        (top / "bin").mkdir()
        for name in ("multilog", "setuidgid", "chpst"):
            stub = top / "bin" / name
            stub.write_text(STUB)
            stub.chmod(0o755)
        self.environment = {
            "PATH": f"{top}/bin:/bin",
            "HOME": str(top / "home"),
            "x": "y",
            "E": "inherited",
            "LC_ALL": "C",
            "RECORD": str(self.record),
        }

    def run(self, words: list[bytes], script: bytes, report: bool) -> tuple[Outcome, bytes]:
        """Run a shell in a new directory that holds the script, and always the same otherwise."""
        place = self.top / "place"
        subprocess.run(["rm", "-rf", place], check=True)
        (place / "made").mkdir(parents=True)
        (place / "file").touch()
        (place / "run").write_bytes(script)
        self.record.unlink(missing_ok=True)
        told, telling = os.pipe()
        try:
            done = subprocess.run(
                words,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                cwd=place,
                check=False,
                umask=0o022,
                pass_fds=(9,) if report else (),
                preexec_fn=(lambda: os.dup2(telling, 9) and None) if report else None,
            )
        finally:
            os.close(telling)
        with open(told, "rb") as file:
            said = file.read()
        tree = sorted(
            (str(path.relative_to(place)), path.lstat().st_mode) for path in place.rglob("*")
        )
        outcome = Outcome(done.returncode, done.stdout, done.stderr, tree, [])
        if self.record.exists():
            self._read(outcome)
        return outcome, said

    def _read(self, outcome: Outcome) -> None:
        *words, rest = self.record.read_bytes().split(b"\nSigIgn:", 1)[0].split(b"\0")
        lines = rest.split(b"\n")
        outcome.words = words
        outcome.merged = lines[0] == b"merged"
        *_, where, umask, open_ = lines
        outcome.where = os.fsdecode(where)
        outcome.umask = int(umask, 8)
        descriptors = {int(word.rpartition(b"/")[2]) for word in open_.split()}
        assert descriptors == {0, 1, 2, 3, 4, 10}, "3, 4 and 10 are the stub's own"
        ignored, _, variables = (
            self.record.read_bytes().split(b"\nSigIgn:\t", 1)[1].partition(b"\n")
        )
        outcome.ignored = ignored
        own = {os.fsencode(f"{name}={value}") for name, value in self.environment.items()}
        changed = {entry for entry in variables.split(b"\0") if entry and entry not in own}
        names = {entry.partition(b"=")[0] for entry in changed}
        outcome.variables = frozenset(names - {b"PWD", b"OLDPWD", b"SHLVL", b"_"})


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("shells"))


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(
    before=st.lists(st.sampled_from(LINES), max_size=5).map("".join),
    start=st.sampled_from(STARTS),
    text=st.lists(st.sampled_from(WORDS), max_size=6).map("".join),
    after=st.sampled_from(["\n", "", "\n\n# end", "\nexec 2>&1\n", "\\", "\n'"]),
    shell=st.sampled_from([b"dash", b"bash"]),
)
@example(before=STATUS, start="exec multilog ", text="$?", after="\n", shell=b"dash")
@example(before=STATUS, start="exec multilog ", text="$?", after="\n", shell=b"bash")
def test_any_script(
    before: str, start: str, text: str, after: str, shell: bytes, bench: Bench
) -> None:
    script = b"#!/bin/sh\n" + (before + start + text + after).encode()
    plain = run_script.parse(script)
    assume(plain is not None)
    assert plain is not None
    compare(script, plain, shell, bench)


def compare(script: bytes, plain: Plain, shell: bytes, bench: Bench) -> None:
    """Have the shell run the script, and us."""
    started = [b"multilog"]
    if plain.account:
        how = [b"setuidgid"] if "setuidgid" in plain.programs else [b"chpst", b"-u"]
        started = [*how, plain.account, b"multilog"]
    expected, _ = bench.run([shell, b"./run"], script, False)
    place = bench.top / "place"
    is_there = all((place / os.fsdecode(path)).is_dir() for path in plain.made)
    if plain.is_needed or not is_there:
        if plain.before is None:
            return  # it is run as written
        ours, told = bench.run([shell, b"-c", plain.before, b"./run"], script, True)
        assert (ours.out, ours.err, ours.tree) == (expected.out, expected.err, expected.tree)
        assert ours.words == []
        if not told:
            assert expected.words == []
            assert ours.status == expected.status
            return
        *actions, where, end = told.split(b"\0")
        assert end == b""
        moved = os.fsdecode(where.removesuffix(b".").removesuffix(b"\n"))
        assert bool(where) == plain.moves
        if plain.actions is not None:
            assert actions == plain.actions
    else:
        assert expected.out == expected.err == b""
        assert plain.actions is not None
        assert not plain.moves
        actions, moved = plain.actions, ""
    assert expected.words == [*started, *actions]
    assert expected.where == (moved or str(place))
    assert expected.merged == plain.merged
    assert expected.umask == (0o022 if plain.umask is None else plain.umask)
    assert expected.ignored == b"0000000000000000"
    assert expected.variables <= plain.exported | (plain.assigned & {b"x", b"E", b"HOME"})
