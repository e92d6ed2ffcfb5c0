"""Interactive shells in a terminal, at whose completions keys are pressed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from helpers.checkout import CHECKOUT
from helpers.terminal import Terminal, terminal
from helpers.waiting import until

COMPLETION = CHECKOUT / "installer/cli/completion"


BASH = """\
PS1='ready> '
bind 'set show-all-if-ambiguous on'
bind 'set page-completions off'
bind 'set completion-query-items 0'
bind 'set enable-bracketed-paste off'
cd {here}
source {functions}/slashservice
for name in {commands}; do
    eval "$name() {{ printf '%s\\0' \\"\\$@\\" >{out}.new; mv {out}.new {out}; }}"
done
"""
ZSH = """\
PS1='ready> '
cd {here}
fpath=({functions} $fpath)
autoload -U compinit
compinit -u -d {folder}/dump
setopt no_list_beep auto_list
unsetopt menu_complete auto_menu
LISTMAX=1000
for name in {commands}; do
    eval "$name() {{ printf '%s\\0' \\"\\$@\\" >{out}.new; mv {out}.new {out}; }}"
done
"""
FISH = """\
function fish_prompt; printf 'ready> '; end
function fish_right_prompt; end
set -g fish_greeting
cd {here}
set -g fish_autosuggestion_enabled 0
set -p fish_complete_path {functions}
for name in {commands}
    function $name
        printf '%s\\0' $argv >{out}.new
        mv {out}.new {out}
    end
end
"""


RC = {"bash": BASH, "zsh": ZSH, "fish": FISH}


class Shell:
    """A shell that waits for a line. The commands write down what they were given."""

    def __init__(self, kind: str, screen: Terminal, out: Path) -> None:
        self._kind = kind
        self._screen = screen
        self._out = out

    def run(self, typed: str) -> list[str]:
        """Type a line with tabs in it; return the words that its command was given."""
        self._out.unlink(missing_ok=True)
        self._type(typed)
        self._screen.types("Enter")
        try:
            until(self._out.exists, f"{typed!r} has been run", pause=0.02)
        except AssertionError:
            print(self._screen.shows())
            raise
        words = self._out.read_bytes().split(b"\0")[:-1]
        return [os.fsdecode(word) for word in words]

    def offers(self, typed: str, wanted: set[str]) -> set[str]:
        """Type the beginning of a line, and a tab; return the words shown, once all are there."""
        line, shown = typed, set[str]()
        if self._kind == "fish":  # which folds options, and hides what does not fit
            line = f"complete -C '{typed}' | string replace -r '\\t.*' ''"

        def is_all() -> bool:
            text = self._screen.shows().partition(f"ready> {line.rstrip()}")[2]
            shown.clear()
            shown.update(re.findall(r"\S+", text))
            return wanted <= shown

        self._screen.types("C-l")
        self._type(line)
        self._screen.types("Enter" if self._kind == "fish" else "Tab")
        try:
            until(is_all, f"{typed!r} shows {wanted}", pause=0.02)
        except AssertionError:
            print(self._screen.shows())
            raise
        self._screen.types("C-u")
        return shown

    def _type(self, typed: str) -> None:
        for part in re.split(r"(\t)", typed):
            if part == "\t":
                self._screen.types("Tab")
            elif part:
                self._screen.tmux("send-keys", "-l", "--", part)


@contextmanager
def shell(
    kind: str, folder: Path, commands: Sequence[str], text: str = "", **environment: str
) -> Iterator[Shell]:
    """Start a shell that has our completions, and commands that are not the real ones.

    The completions are where the installer puts them; or all of them are ``text``.
    """
    out, rc, functions = folder / "given", folder / "rc", folder / "functions"
    functions.mkdir()
    here = folder / "here"
    words = {
        "bash": ["bash", "--noprofile", "--rcfile", str(rc), "-i"],
        "zsh": ["zsh", "-d", "-i"],
        "fish": ["fish", "--no-config", "-C", f"source {rc}", "-i"],
    }
    if kind == "zsh":
        rc = folder / ".zshrc"
        environment["ZDOTDIR"] = str(folder)
    if kind == "fish":
        environment["HOME"] = environment["XDG_DATA_HOME"] = str(folder)
    put(kind, functions, commands, text)
    rc.write_text(
        RC[kind].format(
            commands=" ".join(commands), folder=folder, out=out, here=here, functions=functions
        )
    )
    settings = {"LC_ALL": "C.UTF-8", **environment}
    with terminal(folder, words[kind], 200, 60, **settings) as screen:
        screen.await_text("ready>")
        yield Shell(kind, screen, out)


def put(kind: str, functions: Path, commands: Sequence[str], text: str) -> None:
    """Put the completions where the shell looks for them."""
    own, others = COMPLETION / f"slashservice.{kind}", COMPLETION / f"commands.{kind}"
    if kind == "bash":
        (functions / "slashservice").write_text(text or own.read_text() + others.read_text())
    elif text:
        name = {"zsh": "_slashservice", "fish": f"{commands[0]}.fish"}[kind]
        (functions / name).write_text(text)
        for command in commands[1:] if kind == "fish" else ():
            (functions / f"{command}.fish").symlink_to(name)
    elif kind == "zsh":
        (functions / "_slashservice").symlink_to(own)
        (functions / "_slashservice_commands").symlink_to(others)
    else:
        for command in commands:
            target = own if command == "slashservice" else others
            (functions / f"{command}.fish").symlink_to(target)
