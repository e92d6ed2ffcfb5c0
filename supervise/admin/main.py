"""The verbs, each by its name: ``main(["list", "web"])``.

The module of a verb has ``main(verb, argv, directory)``, which returns the exit status;
``directory`` is the scan directory, unless the command line names another.
"""

from __future__ import annotations

import os

from slashservice.supervise import signals
from slashservice.supervise.admin import output
from slashservice.supervise.admin.arguments import Help
from slashservice.supervise.messages import error_words
from slashservice.supervise.protocol import places, scan_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

VERBS = {
    "list": ("listing", "Show the services: state, process, since when, restarts, last end, log."),
    "top": ("top", "Show services on a screen while they live, with keys to steer them."),
    "start": ("verbs", "Start services, and see whether they stay up."),
    "stop": ("verbs", "Stop services, and wait until they are down."),
    "restart": ("verbs", "Stop services and start them again; start those that are down."),
    "reload": ("verbs", "Send HUP to services: most read their configuration again."),
    "once": ("verbs", "Start services that are not to be started again when they end."),
    "pause": ("verbs", "Have services stand still."),
    "cont": ("verbs", "Have services go on that are paused."),
    "kill": ("verbs", "Send KILL to services, or another signal."),
    "wait": ("waiting", "Wait until services are up, of use, or down."),
    "logs": ("logs", "Show the last lines that services have logged."),
    "metrics": ("metrics", "Tell how the services are, for Prometheus."),
    "why": ("why", "Say why services are as they are, and what to type."),
    "edit": ("editing", "Edit the run script of a service, or another file of it."),
    "env": ("variables", "Show the variables of a service, or set some."),
    "enable": ("enabling", "Have services started when the machine starts."),
    "disable": ("enabling", "Have services not started when the machine starts."),
}
"""The module of each verb, and what it does."""


LOOKS = frozenset(("list", "top", "wait", "logs", "why", "metrics"))
"""The verbs that change nothing. What can't be written is all that they are for."""


def main(argv: Sequence[str]) -> int:
    """Do what the words say, the first of which is a verb. Raises ``Quit``."""
    signals.restore_defaults()
    output.goes_on = argv[0] not in LOOKS
    name = f"slashservice.supervise.admin.{VERBS[argv[0]][0]}"
    module = __import__(name, None, None, ["main"])
    directory = os.fsdecode(places.scan_directory())
    try:
        status: int = module.main(argv[0], argv[1:], directory)
    except Help as asked:
        output.goes_on = False
        output.write([str(asked)])
        return 0
    for error in output.unsaid[:1]:
        why = os.fsdecode(error_words(error))
        output.complain(f"warning: unable to write output: {why}; what was asked is done")
    return status


def has_services() -> bool:
    """Tell whether there is anything in the scan directory."""
    return bool(scan_directory.services(places.scan_directory()))
