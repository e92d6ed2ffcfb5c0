"""SELinux: what our files must be labelled for an init system to run them.

Policies know ``/command`` and ``/package`` no more than any other folder there: what is made in
them is ``default_t``, of which systemd may run and read nothing. Below ``/usr/local/lib`` it is
``usr_t`` or ``lib_t``, by the policy; of the second it may run nothing, either. A program that is
``bin_t`` runs as any service does that has no policy of its own.

A policy may hold a folder for another name of a second one, as ``/usr/local/lib`` for one of
``/usr/lib``. A rule for what is in the first has to name the second.

The rules are in the form of ``semanage fcontext``. None speaks of what is not ours, but for the
two folders on the way.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Sequence

TREE = r"/package/admin/slashservice-[^/]+"

RULES = {
    r"/command(/.*)?": "bin_t",
    r"/package(/admin)?": "usr_t",
    r"/package/admin/slashservice": "bin_t",
    rf"{TREE}/command(/.*)?": "bin_t",
    TREE: "lib_t",
    rf"{TREE}/(supervise|installer|init_templates|vendor|man|docs|LICENSE)(/.*)?": "lib_t",
    r"/usr/local/lib/slashservice/[^/]+/command(/.*)?": "bin_t",
}
"""The types of our files, by expressions that match whole paths; no two match the same one."""

ATTRIBUTE = "security.selinux"


def wanted(path: str) -> str:
    """Return the type that what is at ``path`` should have, empty where the policy knows."""
    return next((kind for rule, kind in RULES.items() if re.fullmatch(rule, path)), "")


def present(path: str) -> str:
    """Return the type that what is at ``path`` has, empty where it has no label."""
    parts = _label(path).split(b":", 3)
    return os.fsdecode(parts[2]) if len(parts) > 2 else ""


def named(rule: str, aliases: Sequence[tuple[str, str]]) -> str:
    """Return a rule as a policy must be told, which takes each first name for the second."""
    for alias, name in aliases:
        if rule.startswith(f"{alias}/"):
            return name + rule[len(alias) :]
    return rule


def is_right(real: str, path: str = "") -> bool:
    """Tell whether what is at ``real`` has its type, or there is nothing to say about it.

    The host itself calls it ``path``.
    """
    kind, now = wanted(path or real), present(real)
    return not kind or not now or now == kind


def _label(path: str) -> bytes:
    if sys.platform == "linux":
        try:
            return os.getxattr(path, ATTRIBUTE, follow_symlinks=False).rstrip(b"\0")
        except OSError:
            pass
    return b""


def give(path: str, recursively: bool = False) -> None:
    """Give ``path`` the type it should have, and with it what is below.

    The rest of a label stays. What can't be labelled is left as it is: whether svscan runs is
    seen when it is started.
    """
    for one in [path, *(below(path) if recursively else ())]:
        if sys.platform == "linux" and not is_right(one):
            parts = _label(one).split(b":", 3)
            parts[2] = wanted(one).encode()
            with contextlib.suppress(OSError):
                os.setxattr(one, ATTRIBUTE, b":".join(parts) + b"\0", follow_symlinks=False)


def below(path: str) -> Iterator[str]:
    """Yield the paths of all that is below a folder."""
    for folder, folders, files in os.walk(path):
        yield from (f"{folder}/{name}" for name in (*folders, *files))
