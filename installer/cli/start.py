"""Start the command ``slashservice``, and load as little as the verb needs.

Init systems call ``drain`` and ``running`` while a machine boots and stops: those load the
standard library only, and nothing that could be missing or slow. So do the verbs for services
(:mod:`~slashservice.supervise.admin`), of which ``list`` is meant where no verb is given and there
are services. All other verbs get the packages that are shipped with us, and the command line
(:mod:`~slashservice.installer.cli.main`).
"""

from __future__ import annotations

import sys

from slashservice.installer import streams
from slashservice.supervise import signals
from slashservice.supervise.admin import main as admin

signals.die_of_interrupt()  # quietly, until a verb has something to put in order

HELP = {"-h", "--help"}


def run(vendor: str = "") -> None:
    """Be the command ``slashservice``. Never returns.

    ``vendor`` is the folder with the packages that are shipped with us, where they are needed.
    """
    streams.end(status(vendor))


def status(vendor: str = "") -> int:
    """Do what the command line says, and tell of what went wrong; return the exit status."""
    streams.guard()
    try:
        return _run(vendor)
    except Exception as error:
        from slashservice.installer.errors import internal, reason

        what = reason(error) if isinstance(error, OSError) else internal(error)
        streams.complain(f"slashservice: fatal: {what}\n")
        return 111


def _run(vendor: str) -> int:
    if sys.argv[1:2] in (["drain"], ["running"]) and not HELP & set(sys.argv):
        from slashservice.installer.boot_verbs import main

        return main(sys.argv[1:])
    words = sys.argv[1:] or (["list"] if admin.has_services() else [""])
    if words[0] in admin.VERBS:
        from slashservice.supervise.program import call

        return call(lambda argv: admin.main(words), [], "slashservice")
    if vendor:
        sys.path.append(vendor)
    from slashservice.installer.cli.main import run as command_line

    return command_line()
