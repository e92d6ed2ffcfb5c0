"""The files that are imported: read, if they are plain files of a size that people write."""

from __future__ import annotations

import os
import stat

from slashservice.installer.errors import Refusal, reason

LARGEST = 1 << 20
"""Bytes of a file that is imported."""


def read(path: str) -> str:
    """Return the text of a file; :class:`Refusal` if it is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise Refusal(reason(error)) from None
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Refusal(f"{path} is no plain file")
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Refusal(f"{path} has more than {LARGEST >> 20} MiB")
    if b"\0" in data:
        raise Refusal(f"{path} is no text: there are NUL bytes in it")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Refusal(f"{path}:{line}: it is no UTF-8") from None
