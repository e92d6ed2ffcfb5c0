"""What ``slashservice list --json`` prints; slashservice(8) has what each member means.

It is stable: members are added, and none is removed or given another meaning. Should that have to
be, ``version`` counts up.
"""

from __future__ import annotations

import json

from slashservice.supervise import tai
from slashservice.supervise.admin import health
from slashservice.supervise.admin.said import last_words
from slashservice.supervise.printable import printable_json
from slashservice.supervise.protocol import deaths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.admin.everything import Everything
    from slashservice.supervise.admin.seen import Seen
    from slashservice.supervise.protocol.deaths import Death

VERSION = 1

WANTS = {b"u": "up", b"d": "down"}
"""What is wanted, by the byte of the status file; any other stands for ``once``."""


def text(everything: Everything, now: float) -> str:
    """Return the services as they were at the Unix time ``now``."""
    plain = {
        "version": VERSION,
        "directory": everything.directory,
        "svscan": everything.svscan or None,
        "drained": everything.is_drained,
        "unknown": everything.unknown,
        "services": [service(one, now) for one in everything.services],
    }
    return printable_json(json.dumps(plain, indent=2))


def service(seen: Seen, now: float) -> dict[str, object]:
    """Return what was seen of a service, and of its log."""
    found = part(seen, now)
    found["linked"] = seen.is_linked
    found["deleted"] = seen.is_deleted
    found["log"] = None if seen.log is None else part(seen.log, now)
    bad = found["state"] in health.BAD
    found["last_lines"] = last_words(seen) if bad else []
    found["bad"] = health.is_bad(seen, now)
    return found


def part(seen: Seen, now: float) -> dict[str, object]:
    """Return what was seen of a service, or of a log alone."""
    status = seen.now
    return {
        "name": seen.name,
        "path": seen.path,
        "state": health.state(seen, now),
        "pid": seen.pid or None,
        "left": seen.left or None,
        "since": None if seen.since is None else round(seen.since, 3),
        "seconds": None if seen.since is None else round(max(0.0, now - seen.since), 3),
        "want": WANTS.get(status.want, "once") if status else None,
        "paused": bool(status and status.paused),
        "normally_down": seen.is_normally_down,
        "essential": seen.is_essential,
        "failed": seen.is_failed,
        "deaths": seen.deaths,
        "last_death": death(seen.last[-1]) if seen.last else None,
        "trouble": seen.trouble or None,
    }


def death(one: Death) -> dict[str, object]:
    """Return how a run ended."""
    return {
        "at": round(tai.unpack(one.stamp) / 1e9, 3),
        "pid": one.pid or None,
        "code": one.code if one.code >= 0 else None,
        "signal": one.signal or None,
        "core": bool(one.low_byte & deaths.CORE),
        "ran": one.seconds,
    }
