"""``slashservice env``: the variables of a service, which are files in its directory ``env``.

envdir(8) has the format: a file for each, of which the first line counts; NUL stands for a newline.
"""

from __future__ import annotations

import errno
import os

from slashservice.supervise.admin import output, typed
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.verbs import path_of, refuse_what_is_none
from slashservice.supervise.chain.launchers import replace_file
from slashservice.supervise.protocol.names import AT_ONCE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = """\
slashservice env [--unset VARIABLE] [--service-dir DIR] NAME [VARIABLE=VALUE...]

Show the variables of a service, or set some: they are files in its directory `env`, which envdir
reads. The service has them when it is started the next time.

  --unset VARIABLE   take one away
  --service-dir DIR  the scan directory; --user: your own

Exit status: 0 done, 100 wrong usage, 111 trouble.
Manual: man slashservice"""

KNOWN = {"unset": True}

MODE = 0o600
LONGEST = 1 << 20


def main(verb: str, argv: Sequence[str], directory: str) -> int:
    """Show or set variables."""
    given = Arguments(argv, HELP, KNOWN, {}, directory)
    if not given.words:
        raise given.wrong("of which service?")
    name, *settings = given.words
    pairs = [word.partition("=") for word in settings]
    for variable, equals, value in pairs:
        if not equals or not _is_name(variable):
            raise given.wrong(f"{variable} is no VARIABLE=VALUE")
        if value != value.rstrip(" \t"):
            raise given.wrong(f"{variable}: a value can't end in a blank, as envdir takes it away")
    unset = given.given.get("unset", "")
    if unset and not _is_file(unset):
        raise given.wrong(f"{unset} is no name of a variable")
    path = path_of(name, given.directory)
    folder = os.path.join(path, "env")
    try:
        refuse_what_is_none(path)
        os.stat(path)
        if not pairs and not unset:
            output.goes_on = False
            output.say(*(f"{key}={value}" for key, value in variables(folder)))
            return 0
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for variable, _, value in pairs:
            data = os.fsencode(value).replace(b"\n", b"\0") + b"\n"
            replace_file(os.path.join(folder, variable), data, MODE)
        if unset:
            os.unlink(os.path.join(folder, unset))
    except FileNotFoundError as error:
        what = f"{unset} is not set" if error.filename == os.path.join(folder, unset) else ""
        raise output.fatal(what or f"there is no service directory {path}") from None
    except OSError as error:
        what = "change" if pairs or unset else "read"
        raise output.fatal(f"unable to {what} {error.filename or folder}", error) from None
    if b"envdir" not in _script(path):
        output.complain(f"{path}/run does not read them: it needs  exec envdir ./env ...")
    output.say(f"{name}: done; {typed.command('restart', name)} has it see them")
    return 0


def variables(folder: str) -> list[tuple[str, str]]:
    """Return the variables in a folder, sorted; none if there is no folder. Raises ``OSError``.

    A file that is empty has envdir take the variable away: it is none.
    """
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    found = []
    for name in names:
        path = os.path.join(folder, name)
        if name.startswith(".") or "=" in name:
            continue
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | AT_ONCE), "rb", buffering=0) as file:
            text = file.read(LONGEST) or b""
        if text:
            line = text.partition(b"\n")[0].rstrip(b" \t").replace(b"\0", b"\n")
            found.append((name, os.fsdecode(line)))
    return found


def _is_name(text: str) -> bool:
    """Tell whether a shell could set a variable of that name, were it not for its letters."""
    is_word = not any(letter.isspace() or letter < " " for letter in text)
    return is_word and _is_file(text) and "=" not in text


def _is_file(text: str) -> bool:
    return bool(text) and text[0] != "." and not {"/", "\0"} & set(text)


def _script(path: str) -> bytes:
    try:
        with open(os.path.join(path, "run"), "rb") as file:
            return file.read(LONGEST)
    except OSError:
        return b""
