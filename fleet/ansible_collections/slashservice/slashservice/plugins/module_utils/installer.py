# Copyright: the slashservice developers
# SPDX-License-Identifier: 0BSD
"""The installer of a host, called by the modules: which program that is, and what it says."""

from __future__ import annotations

import json
import os
import re
import sys
import typing as t

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

OLDEST = (3, 10)
PLACES = ("/command", "/usr/local/bin", "/usr/bin")
"""Where the command is, whatever the PATH of the connection has."""

DONE, WRONG, WOULD_CHANGE = 0, 1, 2
COMPLAINT = re.compile(r"^slashservice: (?:fatal|usage): ", re.MULTILINE)


class Ended(t.NamedTuple):
    """How a call of the installer ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def why(self) -> str:
        """Return what it complained of, with its advice."""
        said = COMPLAINT.sub("", self.err.strip() or self.out.strip())
        if said.startswith("Unknown switch"):
            said += "\n    The slashservice on this host is older than this collection: upgrade it."
        return said or f"it ended with {self.status} and said nothing"


class Installer:
    """``slashservice`` on this host: ``words`` is how its command line begins."""

    def __init__(self, module: AnsibleModule, words: t.Sequence[str]) -> None:
        self.module = module
        self.words = list(words)

    def argv(self, words: t.Sequence[str]) -> list[str]:
        """Return the command line for a verb and its words."""
        return [*self.words, *words]

    def run(self, *words: str, good: t.Container[int] = (DONE,)) -> Ended:
        """Run it; fail the module, saying why, if the status is not among the good ones."""
        # No terminal, and nobody's colours: what it says is read by a program.
        settings = {"LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
        status, out, err = self.module.run_command(
            self.argv(words), environ_update=settings, encoding="utf-8", errors="replace"
        )
        ended = Ended(status, out, err)
        if status not in good:
            self.module.fail_json(
                msg=f"slashservice {words[0]}: {ended.why}", rc=status, stdout=out, stderr=err
            )
        return ended

    def told(self, *words: str, good: t.Container[int] = (DONE,)) -> dict[str, t.Any]:
        """Run it where it answers with an object of JSON; return that."""
        ended = self.run(*words, good=good)
        try:
            answer = json.loads(ended.out)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            self.module.fail_json(
                msg=f"slashservice {words[0]} did not answer with JSON: is it another version?",
                rc=ended.status,
                stdout=ended.out,
                stderr=ended.err,
            )
        return t.cast("dict[str, t.Any]", answer)


def need_python(module: AnsibleModule) -> None:
    """Fail the module where Python is too old for slashservice itself."""
    if sys.version_info < OLDEST:
        has = ".".join(str(part) for part in sys.version_info[:3])
        wanted = ".".join(str(part) for part in OLDEST)
        module.fail_json(
            msg=f"slashservice needs Python {wanted} or later on the host, and {sys.executable} "
            f"is {has}; set ansible_python_interpreter to another one"
        )


def installed(module: AnsibleModule) -> Installer | None:
    """Return the installer that is installed on this host, if there is one."""
    path = module.get_bin_path("slashservice", opt_dirs=list(PLACES))
    return Installer(module, [path]) if path else None


def at(module: AnsibleModule, source: str) -> Installer:
    """Return the installer of a tree or of a zipapp, for the verb ``install`` alone."""
    if not os.path.exists(source):
        module.fail_json(msg=f"source: there is no {source} on this host")
    if not os.path.isdir(source):
        return Installer(module, [sys.executable, source])
    script = os.path.join(source, "install")
    if not os.path.isfile(script):
        module.fail_json(msg=f"source: {source} is no tree of slashservice: it has no install")
    return Tree(module, ["/bin/sh", script])


class Tree(Installer):
    """The script ``install`` of a tree, which is the verb ``install`` and no other."""

    def argv(self, words: t.Sequence[str]) -> list[str]:
        """Return the command line, without the verb."""
        if words[0] != "install":
            self.module.fail_json(msg=f"source: a tree can't {words[0]}")
        return super().argv(words[1:])
