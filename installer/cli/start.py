"""How ``/command/slashservice`` starts: as little as the verb needs.

Init systems call ``drain`` and ``running`` while a machine boots and stops: those load the
standard library only, and nothing that could be missing or slow. All else gets the
packages that are shipped with us, and the command line.
"""

from __future__ import annotations

import sys


def run(vendor: str = "") -> None:
    """Be the command ``slashservice``. Never returns."""
    if sys.argv[1:2] in (["drain"], ["running"]):
        from slashservice.installer.supervision import main

        sys.exit(main(sys.argv[1:]))
    if vendor:
        sys.path.append(vendor)
    from slashservice.installer.cli.main import main as command_line

    command_line()
