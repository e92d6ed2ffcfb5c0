"""The process of a service by its record, where no supervisor tells of it.

A supervisor that was killed leaves the processes of its services running; the next one adopts them.
Whoever looks meanwhile reads the record as that one will, and changes nothing.
"""

from __future__ import annotations

import os

from slashservice.supervise.protocol import names, record


def behind(directory: bytes) -> int:
    """Return the pid of the process that a supervisor which is gone has left; 0 if none is known.

    ``directory`` is that of a service which is not supervised. A copy of a service has none.
    """
    try:
        fd = os.open(os.path.join(directory, names.LOCK), os.O_RDONLY | names.AT_ONCE)
    except OSError:
        return 0
    try:
        around, lock = os.stat(directory), os.fstat(fd)
        place = record.place(_inode(around), _inode(lock))
        return _pid(os.pread(fd, record.LENGTH + 1, 0), directory, place)
    except OSError:
        return 0
    finally:
        os.close(fd)


def held(lock: bytes, directory: bytes) -> int:
    """Return the pid of the process that is on record in a lock file which a supervisor holds."""
    try:
        with open(lock, "rb", buffering=0) as file:
            return _pid(file.read(record.LENGTH + 1) or b"", directory, b"")
    except OSError:
        return 0


def _inode(found: os.stat_result) -> int:
    return found.st_dev << 64 | found.st_ino


def _pid(line: bytes, directory: bytes, place: bytes) -> int:
    """Return the pid of the process of which a record is, if it runs. Raises ``OSError``."""
    found = record.parse(line)
    if found is None or not record.same_life(found.life, record.life()):
        return 0
    if place and not found.is_for(place):
        return 0
    found.find(directory)
    return found.pid if found.runs() else 0
