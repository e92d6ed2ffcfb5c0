"""``slashservice edit``: change a service's script, and never leave half of one.

A copy is edited. When the editor ends it takes the script's place in one step, if it has changed
and the shell can read it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from slashservice.supervise.admin import output, typed
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.verbs import path_of, refuse_what_is_none
from slashservice.supervise.chain.launchers import replace_file
from slashservice.supervise.protocol import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = """\
slashservice edit [--service-dir DIR] NAME [FILE]

Edit a file of a service, its run script unless FILE is named (as log/run or finish), with $VISUAL,
$EDITOR or vi. What a shell can't read is not put in place, and is kept.

  --service-dir DIR  the scan directory; --user: your own

Exit status: 0 done, 1 not put in place, 100 wrong usage, 111 trouble.
Manual: man slashservice"""

SCRIPTS = ("run", "finish", "check", "log/run", "log/finish")
"""What svscan and its clients execute."""

SHELLS = (b"sh", b"bash", b"dash", b"ksh", b"mksh", b"zsh")


def main(verb: str, argv: Sequence[str], directory: str) -> int:
    """Have a file edited."""
    given = Arguments(argv, HELP, {}, {}, directory)
    if not 1 <= len(given.words) <= 2:
        raise given.wrong("which service?")
    name, *files = given.words
    service = path_of(name, given.directory)
    inner = files[0] if files else "run"
    shown = os.path.join(service, inner)
    path = os.path.realpath(shown)  # a link leads to what is meant: that may be many services'
    try:
        if files or not places.is_name(os.fsencode(name)):
            refuse_what_is_none(service)
    except FileNotFoundError:
        raise output.fatal(f"there is no service directory {service}") from None
    if not os.path.isdir(os.path.dirname(path)):
        raise output.fatal(f"there is no directory {os.path.dirname(path)}")
    try:
        with open(path, "rb") as file:
            before, about = file.read(), os.fstat(file.fileno())
    except FileNotFoundError:
        before, about = b"", None
    except OSError as error:
        raise output.fatal(f"unable to read {path}", error) from None
    if not os.access(os.path.dirname(path), os.W_OK):
        if os.statvfs(os.path.dirname(path)).f_flag & os.ST_RDONLY:
            raise output.fatal(f"{path} can't be changed: its file system is mounted read-only")
        raise output.fatal(f"{path} is not yours to change: try it with sudo")
    folder = tempfile.mkdtemp(prefix="slashservice-edit-")
    copy = os.path.join(folder, os.path.basename(path))
    with open(copy, "wb") as file:
        file.write(before)
    after, why = _edited(copy)
    if not why and after != before and _content(path) != before:
        why = "somebody else has changed it meanwhile"
    if not why and after != before and inner in SCRIPTS and not after.strip():
        why = "an empty script does nothing"
    if why:
        kept = after not in (b"", before)
        output.complain(
            f"{shown} is as it was: {why}", *[f"What you wrote is kept in {copy}"] * kept
        )
        if not kept:
            shutil.rmtree(folder)
        return 1
    if after != before:
        usual = 0o600 if os.path.basename(os.path.dirname(path)) == "env" else 0o644
        usual = 0o755 if inner in SCRIPTS or inner.startswith("control/") else usual
        replace_file(path, after, about.st_mode & 0o7777 if about else usual)
        if about and (about.st_uid, about.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(path, about.st_uid, about.st_gid, follow_symlinks=False)
        output.say(f"{shown} is changed; {typed.command('restart', name)} has it used")
    else:
        output.say(f"{shown} is as it was")
    shutil.rmtree(folder)
    return 0


def _edited(copy: str) -> tuple[bytes, str]:
    """Have a file edited; return what is in it then, and why it is of no use."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        status = subprocess.run(["/bin/sh", "-c", f'{editor} "$1"', "sh", copy], check=False)
    except KeyboardInterrupt:
        return _content(copy), "it was interrupted"
    if not os.path.isfile(copy):
        return b"", f"{editor} has left no file {copy}"
    after = _content(copy)
    if status.returncode:
        return after, f"{editor} ended with status {status.returncode}"
    return after, fault(copy, after)


def _content(path: str) -> bytes:
    """Return what is in a file; nothing if it can't be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def fault(path: str, script: bytes) -> str:
    """Say what is wrong with a script, as far as its shell can tell; empty if nothing is."""
    first = script.partition(b"\n")[0]
    if first.endswith(b"\r"):
        return "its lines end in CR LF, as on Windows: no program is found by that name"
    words = first[2:].split() if first.startswith(b"#!") else []
    if words and os.path.basename(words[0]) == b"env":
        words = words[1:]
    shell = os.path.basename(words[0]) if words else b""
    if shell not in SHELLS or not shutil.which(os.fsdecode(shell)):
        return ""
    done = subprocess.run([shell, b"-n", path], capture_output=True, check=False)
    return os.fsdecode(done.stderr.strip()) if done.returncode else ""
