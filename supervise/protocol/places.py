"""Where a service is that is named by a word alone.

runit's and BusyBox's clients take ``web`` for a service in the directory of all services. For
daemontools' it is a directory here. So ours look here first. The directory of all services is
``$SVDIR``, or the scan directory that the installer wrote down beside our code, or ``/service``.
"""

from __future__ import annotations

import os

from slashservice.supervise.protocol import names

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""The folder that holds our own code."""

RECORD = "scan-directory"
"""The file in ``HOME`` that holds the path of the scan directory, and a newline."""

PACKAGED = "packaged"
"""The file beside the folder of our code that a distribution's package puts there."""

LONGEST = 4352
"""No such file is longer: it holds a path, which may be as long as the kernel's longest."""


def scan_directory() -> bytes:
    """Return the directory of all services."""
    given = os.environb.get(b"SVDIR")
    if given:
        return given
    try:
        fd = os.open(os.path.join(HOME, RECORD), os.O_RDONLY | os.O_CLOEXEC | names.AT_ONCE)
    except OSError:
        return os.fsencode(names.SCAN_DIRECTORY)
    try:
        written = os.read(fd, LONGEST)
    except OSError:
        written = b""
    finally:
        os.close(fd)
    path, end, _ = written.partition(b"\n")
    return path if end and path[:1] == b"/" else os.fsencode(names.SCAN_DIRECTORY)


def is_packaged() -> bool:
    """Tell whether our code was brought by a distribution's package."""
    return os.path.exists(os.path.join(os.path.dirname(HOME), PACKAGED))


def services() -> bytes:
    """Return the directory of all services as runit's sv does: an empty ``$SVDIR`` counts."""
    given = os.environb.get(b"SVDIR")
    return scan_directory() if given is None else given


def is_name(word: bytes) -> bool:
    """Tell whether ``word`` may name a service in the directory of all services: runit's rule."""
    return word[:1] not in (b"", b"/", b".") and word[-1:] != b"/"


def named(word: bytes) -> bytes:
    """Return the path of the service called ``word``; empty if there can be none of that name."""
    return os.path.join(scan_directory(), word) if is_name(word) else b""


def path(word: bytes) -> bytes:
    """Return ``word``, or the path of the service of that name where no directory here is."""
    if os.path.isdir(word) or not os.path.isdir(named(word)):
        return word
    return named(word)


PATTERN = b"*?["
"""Characters that have a word be a pattern of names."""


def paths(word: bytes) -> list[bytes]:
    """Return what ``path`` does; of a pattern, as ``web*``, the services whose names match it."""
    if os.path.isdir(word) or not _is_pattern(word):
        return [path(word)]
    return matching(word, scan_directory())


def _is_pattern(word: bytes) -> bool:
    return b"/" not in word and any(one in PATTERN for one in word)


def matching(word: bytes, directory: bytes) -> list[bytes]:
    """Return the services in a directory of services whose names match a pattern."""
    if not _is_pattern(word):
        return []
    from fnmatch import fnmatchcase

    try:
        found = [name for name in os.listdir(directory) if name[:1] != b"."]
    except OSError:
        return []
    return [os.path.join(directory, name) for name in sorted(found) if fnmatchcase(name, word)]


def own_scan_directory() -> str:
    """Return the scan directory that an ordinary account has by ``install --user``, or nothing."""
    if not os.geteuid():
        return ""
    home = os.environ.get("HOME", "")
    data = os.environ.get("XDG_DATA_HOME", "")
    data = data if data.startswith("/") else f"{home}/.local/share"
    try:
        with open(f"{data}/slashservice/receipt.json", "rb") as file:
            import json

            return str(json.load(file)["service_dir"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
