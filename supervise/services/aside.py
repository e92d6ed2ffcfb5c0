"""A scan directory whose services keep their state elsewhere: for an image that is read-only.

Each service has a directory there, in which a link leads to everything that the one in the image
has. ``supervise`` and what its log writes are made beside these links. A run script is run through
its link, so that it matters nothing if the place is mounted ``noexec``.
"""

from __future__ import annotations

import os

from slashservice.supervise.protocol import names

SUPERVISE = names.SUPERVISE
LOG = b"log"
MAIN = b"main"
"""The log directory that is in ``log/`` by convention."""


def is_needed(directory: bytes) -> bool:
    """Tell whether a service in a scan directory, or its log, can't keep its state in itself."""
    return any(
        not os.access(part, os.W_OK) and not os.path.islink(part + b"/" + SUPERVISE)
        for path in _services(directory).values()
        for part in (path, path + b"/" + LOG)
        if os.path.isdir(part)
    )


def make(directory: bytes, aside: bytes) -> None:
    """Make, or make again, the directory ``aside`` of what is in ``directory``.

    State that is there stays; what is no longer in ``directory`` goes. Raises ``OSError``.
    """
    os.makedirs(aside, 0o755, exist_ok=True)
    found = _services(directory)
    for name in os.listdir(aside):
        if name not in found and name[:1] != b".":
            _hide(aside, name)
    for name, path in found.items():
        copy = os.path.join(aside, name)
        _show(aside, name)
        _mirror(path, copy, (SUPERVISE, LOG))
        if os.path.isdir(path + b"/" + LOG):
            _show(copy, LOG)
            _mirror(path + b"/" + LOG, copy + b"/" + LOG, (SUPERVISE, MAIN))
        elif os.path.isdir(copy + b"/" + LOG):
            _hide(copy, LOG)


def _hide(directory: bytes, name: bytes) -> None:
    """Have svscan pass over what is no more; its state is there if it comes again."""
    os.rename(directory + b"/" + name, directory + b"/." + name)


def _show(directory: bytes, name: bytes) -> None:
    hidden = directory + b"/." + name
    if os.path.isdir(hidden) and not os.path.lexists(directory + b"/" + name):
        os.rename(hidden, directory + b"/" + name)


def _services(directory: bytes) -> dict[bytes, bytes]:
    """Return the services by their names, with the paths that links lead to."""
    paths = {name: os.path.join(directory, name) for name in os.listdir(directory)}
    return {
        name: os.path.realpath(path)
        for name, path in sorted(paths.items())
        if name[:1] != b"." and os.path.isdir(path)
    }


def _mirror(source: bytes, copy: bytes, but: tuple[bytes, ...]) -> None:
    """Have a link in ``copy`` for each entry of ``source``, ``but`` those that are made there."""
    os.makedirs(copy, 0o755, exist_ok=True)
    wanted = {
        name: os.path.join(source, name)
        for name in os.listdir(source)
        if name not in but or os.path.islink(os.path.join(source, name))
    }
    for name in os.listdir(copy):
        entry = os.path.join(copy, name)
        if os.path.islink(entry) and wanted.pop(name, None) != os.readlink(entry):
            os.unlink(entry)
            if os.path.lexists(os.path.join(source, name)):
                wanted[name] = os.path.join(source, name)
    for name, path in wanted.items():
        entry = os.path.join(copy, name)
        if not os.path.lexists(entry):
            os.symlink(path, entry)
