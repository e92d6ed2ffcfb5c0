"""Ways to write that a program is started, made of one another; and what merely looks like it.

Each is a line of a shell script, a function of the command line that it wraps. Those of
:data:`HARMLESS` can be run anywhere.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

Wrap = Callable[[str], str]

SCANNERS = ("/usr/bin/svscan", "/command/svscan", "svscan", "/usr/local/bin/svscan", "svscanboot")


def in_words(before: str, after: str = "") -> Wrap:
    """Put words around a command line."""
    return lambda line: f"{before} {line}{after}"


def in_text(before: str, after: str = "") -> Wrap:
    """Have a shell read the command line as one word."""
    return lambda line: f"{before} {shlex.quote(line)}{after}"


HARMLESS: tuple[Wrap, ...] = (
    *map(in_words, ("env", "env -i PATH=$PATH", "env - PATH=$PATH A=b", "env -u HOME", "nohup")),
    *map(in_words, ("setsid -w", "nice", "nice -n 3", "nice -5", "timeout 20", "env -- A=b")),
    *map(in_words, ("stdbuf -o L", "timeout -k 5 20", "ionice -c 3")),
    *map(in_text, ("sh -c", "/bin/sh -c", "bash -c", "sh -ec", "dash -e -c", "env -S")),
    *map(in_text, ("/usr/bin/env sh -c", "flock /dev/null -c", "sh -c --")),
)
"""Programs that run one command line."""

OF_THE_SHELL: tuple[Wrap, ...] = (
    lambda line: line,
    *map(in_words, ("exec", "command", "A=b C='d e'")),
    *map(in_text, ("eval", "exec sh -c", "A=b sh -c")),
)
"""What only a shell has before a command line."""

AROUND: tuple[Wrap, ...] = (
    lambda line: line,
    lambda line: f"( {line} )",
    lambda line: f"(cd / && {line})",
    lambda line: f"{{ {line}; }}",
    lambda line: f"true && {line}",
    lambda line: f"false || {line}",
    lambda line: f"if true; then {line}; fi",
    lambda line: f"if true\nthen\n    {line}\nfi",
    lambda line: f"for i in one; do {line}; done",
    lambda line: f"case x in\nx|y)\n    {line}\n    ;;\n*) exit 1 ;;\nesac",
    lambda line: f"case $0 in *) {line};; esac",
    lambda line: f"start() {{\n    {line}\n}}\nstart",
    lambda line: f"{line} >/dev/null 2>&1",
    lambda line: f"{line} 2>&1 </dev/null | cat >/dev/null",
    lambda line: f"echo one; {line}; echo two",
    lambda line: f"cat <<END >/dev/null\nit's\nEND\n{line}",
    lambda line: f"test -d / && \\\n  {line}",
    lambda line: f"sh <<'END'\n{line}\nEND",
    lambda line: f"trap {shlex.quote(line)} EXIT",
    lambda line: f"find / -maxdepth 0 -exec sh -c {shlex.quote(line)} \\;",
    lambda line: f"cat /dev/null | sh -s <<END\n\n{line}\nEND",
    lambda line: f"echo {shlex.quote(line)} | sh",
    lambda line: f"printf '%s\\n' {shlex.quote(line)} | bash -s",
    lambda line: f"echo \"it's\" # don't\n{line}",
    lambda line: f"read x <<-'E'\n\tthat's it\n\tE\n{line}",
    lambda line: f': $((1 << 2)) ${{A:-b}} "$(echo ")")"\n{line}',
)
"""Parts of scripts around a command line."""

LOOK_ALIKES: tuple[Wrap, ...] = (
    *map(in_words, ("echo", "#", ": run", "test -n", "printf %s", "grep -q x /dev/null", "ls")),
    *map(
        in_words, ("echo one;#", "true # then", "command -v", "which", "logger --help", "kill -l")
    ),
    *map(in_words, ("type", "hash", "chattr -i /nowhere", "setcap -h", "nohup --help")),
    *map(in_words, ("update-alternatives --query", "stat", "timeout --version", "du -s", "sh -n")),
    *map(in_text, ("sh -nc", "bash -n -c", "sh -c -n", "ssh -V", "docker --version", "ldd")),
    *map(in_text, ("echo", "printf '%s\\n'", "test -x", "A=", "echo sh -c", ": sh -c")),
    in_text("x="),
    in_text("trap", " USR1"),
    lambda line: f"cat <<END >/dev/null\n{line}\nEND",
    lambda line: f"cat <<-'END' >/dev/null\n\t{line}\n\tEND",
    lambda line: f"echo one two \\\n  {line}",
    lambda line: f"echo '\n{line}\n'",
    lambda line: f'echo "one\n# {line}\n"',
    lambda line: f"echo $(echo {shlex.quote(line)})",
    lambda line: f"{line.split()[0]} --version",
    lambda line: f"env {line.split()[0]} --help >/dev/null 2>&1",
    lambda line: f"if {line} --help; then echo yes; fi",
    lambda line: f"cat <<END | cat >/dev/null\nsh -c {shlex.quote(line)}\nEND",
    lambda line: f"echo {shlex.quote(line)} | cat; sh -c :",
    lambda line: "case x in\nsvscan|/usr/bin/svscan) exit 1 ;;\nesac",
    lambda line: "for i in svscan svscanboot; do :; done",
    lambda line: "svscan() {\n    :\n}",
    lambda line: f"[ -x {line.split()[0]} ] || exit 0",
    lambda line: f"if [ ! -d /nowhere ]; then\n    echo {shlex.quote(line)}\nfi",
)
"""Lines that name a command line and don't run it."""


def one_in_another(wraps: Sequence[Wrap]) -> Wrap:
    """Put wrappers around each other, the first innermost."""

    def wrap(line: str) -> str:
        for one in wraps:
            line = one(line)
        return line

    return wrap


COMMANDS = st.builds(
    lambda inner, outer: one_in_another([*inner, *outer]),
    st.lists(st.sampled_from(HARMLESS), max_size=3),
    st.lists(
        st.tuples(st.sampled_from(OF_THE_SHELL), st.just(in_text("sh -c"))).map(one_in_another),
        max_size=2,
    ),
)
"""Wrappers of wrappers."""

SCRIPTS = st.tuples(COMMANDS, st.sampled_from(OF_THE_SHELL), st.sampled_from(AROUND)).map(
    one_in_another
)
"""Wrappers of wrappers, in a script."""

ALIKE = st.tuples(COMMANDS, st.sampled_from(LOOK_ALIKES)).map(one_in_another)
"""What names them and runs nothing."""
