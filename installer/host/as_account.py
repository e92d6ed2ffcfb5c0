"""Do something as an account that is not root, where root had better not do it."""

from __future__ import annotations

import errno
import os
import pwd

from slashservice.installer.host.descent import Place
from slashservice.installer.host.state import FileState


def make_directory(place: Place, state: FileState, known: bool) -> None:
    """Make a directory as the account that it shall belong to.

    Whatever is done to the names meanwhile, the account gets what it could have made itself.
    Its further groups are asked for where it is ``known`` to the running system. Raises the
    ``OSError`` that it got.
    """
    groups = _groups(state.uid, state.gid) if known else [state.gid]
    pid = os.fork()
    if not pid:
        status = errno.EIO
        try:
            os.setgroups(groups)
            os.setgid(state.gid)
            os.setuid(state.uid)
            os.umask(0)
            os.mkdir(place.name, state.mode, dir_fd=place.folder)
            status = 0
        except OSError as error:
            status = error.errno or errno.EIO
        finally:
            os._exit(status)
    _, ended = os.waitpid(pid, 0)
    if ended:
        number = os.waitstatus_to_exitcode(ended)
        number = number if number > 0 else errno.EIO
        raise OSError(number, os.strerror(number), place.name)


def _groups(uid: int, gid: int) -> list[int]:
    """Return all groups of an account."""
    try:
        return os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
    except KeyError:
        return [gid]
