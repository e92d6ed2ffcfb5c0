"""Recognise run scripts that end by ``exec`` of a logger, so that a log host can run that itself.

A script is *plain* if its last command is one of

    exec [setuidgid ACCOUNT] multilog ACTION...
    exec [chpst -u ACCOUNT[:GROUP...]] multilog ACTION...

and all before that only prepares it. That may be, in the shell's language:

- ``exec 2>&1``, by which complaints go where standard output goes; also as a word of the command;
- variables that are given a value, exported or not; ``set -e``, ``set -u``; ``umask``; ``cd``;
- programs that make directories, change owners and modes, and the like, with ``&&``, ``||``,
  ``if``, and redirections (:data:`~slashservice.supervise.scripts.shell_script.PROGRAMS`);
- whatever the shell expands, but no account, no name of a program and no PATH that only it knows.

A shell does these lines, if there is anything to do (``Plain.is_needed``). Lines that make a
directory where it is missing, as ``mkdir -p DIR`` and ``[ -d DIR ] || COMMAND``, do nothing once it
is there. Of execline there are ``fdmove -c 2 1``, ``foreground { }`` and ``if { }``.

The programs must be ours: named by the path of our launcher, or found by the PATH as such. The
caller finds that out. A script that names /usr/bin/multilog runs that very program. Any script that
is not plain is run as it is written. To have a plain one run so, leave out ``exec``.
"""

from __future__ import annotations

import os

from slashservice.supervise.scripts import execline
from slashservice.supervise.scripts.shell_script import ShellScript
from slashservice.supervise.scripts.shell_words import NotPlain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.scripts.plain import Plain

LONGEST = 8192
"""Bytes of a script; a longer one is not plain."""

SHELLS = (b"sh", b"dash", b"bash", b"ash")

OPTIONS = (b"-e", b"-u", b"-eu", b"-ue")
"""What may be behind the shell in the first line."""


def parse(text: bytes) -> Plain | None:
    """Return the content of the script ``text``; None if it is not plain."""
    first, newline, _ = text.partition(b"\n")
    if len(text) > LONGEST or b"\0" in text or not newline or first[:2] != b"#!":
        return None
    words = first[2:].split()
    if not words or words[0][:1] != b"/" or b"\r" in first:
        return None
    try:
        if _is_shell(words):
            insists = words[-1][:1] == b"-" and b"u" in words[-1]
            plain = ShellScript(text, len(first) + 1, insists).read()
        elif os.path.basename(words[0]) == b"execlineb" and words[1:] == [b"-P"]:
            plain = execline.read(text, len(first) + 1)
        else:
            return None
    except (NotPlain, RecursionError):
        return None  # recursion: nobody nests so deeply, but to see what we do
    if plain:
        plain.interpreter = [*words, b"-c"]
    return plain


def _is_shell(words: list[bytes]) -> bool:
    """Tell whether the words of a ``#!`` line name a shell, with options or without."""
    if os.path.basename(words[0]) == b"env":
        return len(words) == 2 and words[1] in SHELLS
    is_shell = os.path.basename(words[0]) in SHELLS
    return is_shell and (len(words) == 1 or (len(words) == 2 and words[1] in OPTIONS))
