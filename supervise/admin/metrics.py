"""``slashservice metrics``: how the services are, for Prometheus; printed, or put into a file.

Nothing listens here. docs/metrics.md says how the text gets to Prometheus.
"""

from __future__ import annotations

import os
import stat
import time

from slashservice.supervise.admin import exposition, output
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.everything import Everything
from slashservice.supervise.admin.measures import Measures
from slashservice.supervise.messages import write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = """\
slashservice metrics [--write FILE] [--service-dir DIR]

Tell how the services are, in the text format of Prometheus: state, since when, restarts, how each
ended last, the size of its log.

  --write FILE       replace FILE in one step, as for node exporter's textfile collector
  --service-dir DIR  the scan directory; --user: your own

Exit status: 0 done, 100 wrong usage, 111 trouble.
Manual: man slashservice"""

MODE = 0o644


def main(verb: str, argv: Sequence[str], directory: str) -> int:
    """Print them, or write them."""
    given = Arguments(argv, HELP, {"write": True}, {}, directory)
    if given.words:
        raise given.wrong("metrics are of all services")
    if not os.path.isdir(given.directory):
        raise output.fatal(f"there is no scan directory {given.directory}")
    try:
        os.scandir(given.directory).close()
    except OSError as error:  # it is not for us, and none of its services would be told of
        raise output.fatal(f"unable to read {given.directory}", error) from None
    told = exposition.text(Measures(Everything(given.directory), time.time()).families())
    if "write" not in given.given:
        output.write_text(told)
        return 0
    path = os.path.abspath(given.given["write"])
    try:
        refused = _refused(path)
        if not refused:
            _replace(path, told.encode())
    except OSError as error:
        raise output.fatal(f"unable to write {path}", error) from None
    if refused:
        raise output.fatal(f"{path} is {refused}, and is not replaced")
    return 0


def _refused(path: str) -> str:
    """Say what a path is that is no file; nothing if it is one, or is not there."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return ""
    if stat.S_ISREG(mode):
        return ""
    if stat.S_ISDIR(mode):
        return "a directory"
    return "a link" if stat.S_ISLNK(mode) else "no file"


def _replace(path: str, data: bytes) -> None:
    """Put ``data`` at ``path`` in one step.

    It is written beside it, under a name that nobody has and that no collector reads.
    """
    new = os.path.join(os.path.dirname(path), f".slashservice-{os.urandom(8).hex()}")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            write_all(fd, data)
            os.fchmod(fd, MODE)
            os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(new, path)
    except BaseException:
        os.unlink(new)
        raise
