"""``slashservice enable`` and ``disable``: whether services are started when svscan starts.

That is what the file ``down`` in a service directory says. A service that is not in the scan
directory yet is linked into it, if its directory is where such directories are kept.
"""

from __future__ import annotations

import os

from slashservice.supervise.admin import output, typed
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.seen import Seen
from slashservice.supervise.admin.verbs import path_of, refuse_what_is_none
from slashservice.supervise.messages import error_words
from slashservice.supervise.protocol import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = """\
slashservice {verb} [--service-dir DIR] NAME...

{what}

  --service-dir DIR  the scan directory; --user: your own

Exit status: 0 done, 1 not all of it, 100 wrong usage, 111 trouble.
Manual: man slashservice"""

WHAT = {
    "enable": """\
Have services started when the machine starts: remove the file `down` of each. One that is in no
scan directory is linked there from {homes}; svscan starts it at once.""",
    "disable": """\
Have services not started when the machine starts: make the file `down` of each. What runs
goes on.""",
}

HOMES = ("/etc/slashservice", "/etc/sv")
"""Where service directories are kept: ours, and runit's."""


def main(verb: str, argv: Sequence[str], directory: str) -> int:
    """Enable or disable services."""
    what = WHAT[verb].format(homes=" or ".join(HOMES))
    given = Arguments(argv, HELP.format(verb=verb, what=what), {}, {}, directory)
    if not given.words:
        raise given.wrong("which service?")
    good = True
    for word in dict.fromkeys(given.words):
        path = path_of(word, given.directory)
        try:
            refuse_what_is_none(path)
            said = enable(word, path) if verb == "enable" else disable(word, path)
        except FileNotFoundError:
            good = False
            said = f"there is no service directory {path}"
        except OSError as error:
            good = False
            said = os.fsdecode(error_words(error))
            if isinstance(error, PermissionError):
                said += ": try it with sudo"
        output.say(f"{word}: {said}")
    return 0 if good else 1


def enable(name: str, path: str) -> str:
    """Have a service started at boot; say what came of it. Raises ``OSError``."""
    if not os.path.lexists(path):
        return link(name, path)
    seen = Seen(name, path)
    if seen.error:
        raise seen.error
    now = (
        f"it runs (pid {seen.pid})" if seen.pid else f"{typed.command('start', name)} starts it now"
    )
    if not seen.is_normally_down:
        return f"is enabled already; {now}"
    os.unlink(os.path.join(path, os.fsdecode(names.DOWN)))
    return f"enabled; {now}"


def link(name: str, path: str) -> str:
    """Link a service into the scan directory. Raises ``OSError``."""
    for home in HOMES:
        kept = os.path.join(home, name)
        if os.path.isfile(os.path.join(kept, "run")):
            os.symlink(kept, path)
            return f"enabled: {path} leads to {kept} now, and svscan takes it up"
    raise FileNotFoundError(2, os.strerror(2))


def disable(name: str, path: str) -> str:
    """Have a service not started at boot; say what came of it. Raises ``OSError``."""
    seen = Seen(name, path)
    if seen.error:
        raise seen.error
    stop = typed.command("stop", name)
    now = f"; it runs on (pid {seen.pid}): {stop} ends it" if seen.pid else ""
    if seen.is_normally_down:
        return f"is disabled already{now}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    os.close(os.open(os.path.join(path, os.fsdecode(names.DOWN)), flags, 0o644))
    return f"disabled{now}"
