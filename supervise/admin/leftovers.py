"""What is left of a service that was stopped: processes that its daemon has started.

Each daemon leads a session of its own. What stays in that session when it has ended is its own; a
process that has made itself another session can't be told from others.
"""

from __future__ import annotations

from slashservice.supervise.admin import output
from slashservice.supervise.platform import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.admin.seen import Seen

SHOWN = 5


def tell(before: Seen, seen: Seen) -> None:
    """Say which processes of a service that has gone down still run."""
    if not before.pid or seen.pid:
        return
    left = [one for one in processes.of_session(before.pid) if one[0] != before.pid]
    if left:
        shown = ", ".join(f"{pid} ({name})" for pid, name in left[:SHOWN])
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        output.say(f"    of its processes these still run: {shown}{more}")
