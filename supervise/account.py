"""Accounts: looking them up, and becoming one for good."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def look_up(name: bytes) -> tuple[int, int] | None:
    """Return the user and group number of account ``name``; None if there is no such account."""
    try:
        entry = pwd.getpwnam(os.fsdecode(name))
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid


def set_groups(group: int, supplementary: Sequence[int]) -> None:
    """Take on ``group`` and exactly the ``supplementary`` ones. Raises ``OSError``."""
    os.setgroups(supplementary)
    os.setgid(group)
