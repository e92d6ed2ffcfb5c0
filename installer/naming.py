"""Which service is meant, by its name or by a path to it; and how a verb is to be called for it.

The commands of daemontools take paths, so people give them to ``slashservice`` as well:
``/service/web``, ``./web``, ``web/``.
"""

from __future__ import annotations

import os
from shlex import quote

from slashservice.installer import supervision
from slashservice.installer.errors import Refusal, WrongUse
from slashservice.installer.host.home import Home
from slashservice.installer.host.host import Host
from slashservice.supervise.protocol.names import SCAN_DIRECTORY

HOMES = "/etc/slashservice"
"""Services are made in this folder by default. It exists only as long as it has one."""


def usual_homes(host: Host) -> str:
    """Return the folder in which service directories are made unless another is named."""
    return f"{host.config}/slashservice" if isinstance(host, Home) else HOMES


def new(host: Host, word: str, homes: str, service_dir: str) -> str:
    """Return the name of a service that is to be made, which ``word`` may be a path of."""
    path = _path(host, word)
    if not path:
        return word
    folder, name = os.path.split(path)
    if name and _resolved(host, folder) in (host.resolve(service_dir), _resolved(host, homes)):
        return name
    raise Refusal(f"{word} is neither in {service_dir} nor in {homes}", "Its name alone will do.")


def known(host: Host, word: str, homes: str, service_dir: str) -> str:
    """Return the name of a service of ``service_dir``, which ``word`` may be a path to.

    That is the path of its link, or of its own directory.
    """
    if not word:
        raise WrongUse("which service? It was given an empty name")
    path = _path(host, word)
    if not path:
        return word
    folder, name = os.path.split(path)
    if name and _resolved(host, folder) == host.resolve(service_dir):
        return name
    own = _resolved(host, path)
    for entry in host.list(service_dir):
        if not entry.startswith(".") and _resolved(host, f"{service_dir}/{entry}") == own:
            return entry
    unlinked = []
    if host.live:
        unlinked = supervision.unlinked(service_dir, supervision.running(service_dir))
    if name and (_resolved(host, folder) == _resolved(host, homes) or own in unlinked):
        return name
    raise Refusal(f"{word} is no service in {service_dir}", "Its name alone will do.")


def _path(host: Host, word: str) -> str:
    """Return a word as a path of the host; empty if it is none but a name."""
    if "/" not in word and word not in (".", ".."):
        return ""
    path = os.path.normpath(os.path.abspath(word))
    inside = path[len(host.root) :] if host.root != "/" else ""
    return inside if inside.startswith("/") and path.startswith(host.root) else path


def _resolved(host: Host, path: str) -> str:
    """Return where a path leads; itself where its links lead round in a circle."""
    try:
        return host.resolve(path)
    except OSError:
        return path


def remove(host: Host, name: str, homes: str, service_dir: str, more: str = "") -> str:
    """Return what to type to have a service removed that is in these places."""
    words = ["slashservice", "remove", name, *([more] if more else [])]
    if host.root != "/":
        words += ["--root", quote(host.root)]
    if homes != usual_homes(host):
        words += ["--in", quote(homes)]
    usual = f"{host.home}/service" if host.home else SCAN_DIRECTORY
    if service_dir != usual:
        words += ["--service-dir", quote(service_dir)]
    return " ".join(words)
