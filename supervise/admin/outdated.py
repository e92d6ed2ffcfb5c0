"""What runs by what is no longer on disk: after an upgrade, or when a file was edited."""

from __future__ import annotations

import os
import re
import time

from slashservice.supervise.platform import processes
from slashservice.supervise.protocol import scan_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashservice.supervise.admin.run_script import RunScript
    from slashservice.supervise.admin.seen import Seen

VERSION_FILE = "supervise/version.py"


def files(seen: Seen, run: RunScript) -> Iterator[str]:
    """Yield what the service was started from, and what has changed since: sentences."""
    if not seen.pid or seen.since is None:
        return
    if changed(run.path) > seen.since:
        yield "its run script was changed after it was started"
    for folder in run.folders:
        if newest(os.path.join(seen.path, folder)) > seen.since:
            yield f"the variables in {folder} were changed after it was started"
    gone = processes.replaced(seen.pid)
    if gone:
        yield f"{gone} was replaced after it was started: it runs the old one"


def svscan(directory: str, pid: int) -> str:
    """Return a sentence about an svscan whose code is not what is on disk; empty if it is."""
    version, folder = scan_directory.code(os.fsencode(directory), pid)
    if not folder:
        return ""
    try:
        with open(os.path.join(folder, VERSION_FILE), encoding="utf-8") as file:
            now = re.search(r'^VERSION = "(.*)"', file.read(), re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return f"its svscan runs code that is no longer in {folder}"
    if now and now[1] != version:
        return f"its svscan runs version {version}, and {folder} has {now[1]} by now"
    return ""


def newest(folder: str) -> float:
    """Return when a folder, or a file in it, was changed last, as ``changed`` does."""
    try:
        return max([changed(folder), *(changed(one.path) for one in os.scandir(folder))])
    except OSError:
        return 0.0


def changed(path: str) -> float:
    """Return when a file was changed, as Unix time; 0 if it can't be seen, or is yet to come."""
    try:
        when = os.stat(path).st_mtime
    except OSError:
        return 0.0
    return when if when <= time.time() else 0.0
