"""``slashservice env``: the variables of a service, which are files in its directory ``env``.

envdir(8) has the format: a file for each, of which the first line counts; NUL stands for a newline.
"""

from __future__ import annotations

import os

from slashservice.supervise.admin import output
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.verbs import path_of
from slashservice.supervise.chain.launchers import replace_file
from slashservice.supervise.messages import fatal

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
            raise given.wrong(f"{output.clean(variable)} is no VARIABLE=VALUE")
        if value != value.rstrip(" \t"):
            raise given.wrong(f"{variable}: a value can't end in a blank, as envdir takes it away")
    unset = given.given.get("unset", "")
    if unset and not _is_name(unset):
        raise given.wrong(f"{output.clean(unset)} is no name of a variable")
    path = path_of(name, given.directory)
    folder = os.path.join(path, "env")
    try:
        if not pairs and not unset:
            output.write(f"{key}={output.clean(value)}" for key, value in variables(folder))
            return 0
        os.stat(path)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for variable, _, value in pairs:
            data = os.fsencode(value).replace(b"\n", b"\0") + b"\n"
            replace_file(os.path.join(folder, variable), data, MODE)
        if unset:
            os.unlink(os.path.join(folder, unset))
    except FileNotFoundError as error:
        what = f"{unset} is not set" if error.filename == os.path.join(folder, unset) else ""
        raise fatal("slashservice", os.fsencode(what or f"there is no {path}")) from None
    except OSError as error:
        what = "change" if pairs or unset else "read"
        raise fatal("slashservice", os.fsencode(f"unable to {what} {folder}"), error) from None
    if b"envdir" not in _script(path):
        output.complain(f"{path}/run does not read them: it needs  exec envdir ./env ...")
    output.write([f"{output.clean(name)}: done; slashservice restart {name} has it see them"])
    return 0


def variables(folder: str) -> list[tuple[str, str]]:
    """Return the variables in a folder, sorted. Raises ``OSError``."""
    found = []
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        if name.startswith(".") or "=" in name:
            continue
        with open(os.path.join(folder, name), "rb") as file:
            line = file.read(LONGEST).partition(b"\n")[0].rstrip(b" \t").replace(b"\0", b"\n")
        found.append((name, os.fsdecode(line)))
    return found


def _is_name(text: str) -> bool:
    return bool(text) and text[0] != "." and not {"/", "\0", "\n", "="} & set(text)


def _script(path: str) -> bytes:
    try:
        with open(os.path.join(path, "run"), "rb") as file:
            return file.read(LONGEST)
    except OSError:
        return b""
