"""Files in service directories that daemontools passed over, and that mean something here.

Who has services from before may have a file of such a name for a purpose of their own. So each
service with some of them is noted once, if they were there before slashservice was.
"""

from __future__ import annotations

from collections.abc import Iterator

from slashservice.installer.host.host import Host
from slashservice.installer.plan.stage import TakeStage
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record.receipt import Receipt

RUNIT_S = ("finish", "control", "check")
"""Names that runit gave their meaning."""

NAMES = (
    *RUNIT_S,
    *("timeout-finish", "timeout-kill", "down-signal", "flag-timeout-killpg", "max-death-tally"),
)
"""Names that mean something in a service directory, and meant nothing to daemontools 0.76."""

RUN = ("finish", "check")
"""Those of them that count only if they can be executed."""


def old_names(host: Host, receipt: Receipt) -> Iterator[tuple[str, str]]:
    """Yield each service with files that whoever supervised it before passed over, and advice."""
    code = host.stat(receipts.tree(receipt))
    installed = code.st_ctime if code else 0.0
    was_runit_s = any(isinstance(one.action, TakeStage) for one in receipt.entries)
    passed_over = [one for one in NAMES if not (was_runit_s and one in RUNIT_S)]
    directory = receipt.service_dir
    for name in sorted(host.list(directory)):
        if name.startswith("."):
            continue
        for path in (f"{directory}/{name}", f"{directory}/{name}/log"):
            found = [one for one in passed_over if _counts(host, f"{path}/{one}", installed)]
            if found:
                yield (
                    f"{path} has {', '.join(found)}, which daemontools passed over, "
                    "and which here {} a meaning".format("have" if found[1:] else "has"),
                    "see service(5); rename what is meant otherwise",
                )


def _counts(host: Host, path: str, installed: float) -> bool:
    """Tell whether a file means something, and was there before slashservice was installed."""
    status = host.stat(path)
    if status is None or status.st_ctime >= installed:
        return False
    name = path.rpartition("/")[2]
    if name in RUN:
        return host.is_executable(path)
    if name == "control":
        return any(len(one) == 1 and host.is_executable(f"{path}/{one}") for one in host.list(path))
    return True
