"""Remove services: ``slashservice remove``.

It goes the way the documentation has it: the link first, so that nothing is started again; the
service; and its log once it has read all there is. What is waited for is said. A call that was
interrupted, at whatever point, is finished by the next one.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from shlex import quote

from slashservice.installer import naming, supervision
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host import lock, obstacles
from slashservice.installer.host.host import NEW, Host
from slashservice.installer.host.state import ABSENT
from slashservice.installer.interrupts import Interrupted
from slashservice.installer.making import PATIENCE, Say, is_ours
from slashservice.installer.naming import HOMES
from slashservice.installer.stopping import stop


def remove(
    host: Host,
    name: str,
    service_dir: str,
    say: Say,
    *,
    homes: str = HOMES,
    keep: bool = False,
    kill_after: float | None = None,
) -> None:
    """Take a service out of the scan directory and stop it, and say so as it happens.

    The directory goes too if ``add`` or ``import`` made it, unless ``keep``; its logs stay. What an
    interrupted call has left is finished. ``kill_after`` is the time in seconds after which KILL
    follows TERM.
    """
    link = f"{service_dir}/{name}"
    home = _find(host, name, link, homes)
    if not home:
        say(f"{name} was removed before, and now what was left of it")
        return
    if host.live and supervision.is_orphaned(home):
        raise Refusal(
            f"the service in {home} runs, but no svscan that would stop it",
            "slashservice install starts svscan, which takes it up again",
        )
    goes = not keep and is_ours(host, home)
    linked = [link] if host.lstat(link) else []
    obstacles.refuse(host, [*linked, *([home, f"{home}/run"] if goes else [])], "")
    try:
        if host.lstat(link):
            with lock.held(host, PATIENCE):
                host.put(link, ABSENT)
            say(f"{link} is unlinked")
        else:
            say(f"{link} was unlinked before: finishing that")
        if host.live and host.is_directory(home):
            remedy = naming.remove(host, name, homes, service_dir, "--kill-after SECONDS")
            for line in stop(home, kill_after, remedy):
                say(line)
        if goes:
            with lock.held(host, PATIENCE):
                if not host.is_directory(home):
                    raise _none(name, service_dir)  # somebody else was faster
                if host.lstat(link):
                    say(f"{home} stays: somebody else has added it again meanwhile")
                    return
                _remove_home(host, home, say)
        elif host.is_directory(home):
            say(f"{home} is kept{'' if keep else _why_kept(host, home)}")
    except Interrupted as signal:
        raise Trouble(
            f"interrupted by {signal}: the service in {home} is unlinked and told to stop",
            f"{naming.remove(host, name, homes, service_dir)} goes on with that",
        ) from None


def foreseen(
    host: Host, name: str, service_dir: str, *, homes: str = HOMES, keep: bool = False
) -> list[str]:
    """Return the paths that ``remove`` would remove; none where there is no such service."""
    link = f"{service_dir}/{name}"
    home = _find_whole(host, name, link, homes)
    left = _leftover(homes, name)
    if not home:
        return [left] if _is_name(name) and host.is_directory(left) else []
    goes = not keep and is_ours(host, home)
    running = host.live and supervision.supervised(home)
    linked = [link] if host.lstat(link) else []
    return [*linked, *([home] if goes or (running and not linked) else [])]


def _find(host: Host, name: str, link: str, homes: str) -> str:
    """Return the service directory of a service that is to be removed, linked or not any more.

    It is empty if only a leftover was there, which is gone now.
    """
    home = _find_whole(host, name, link, homes)
    if home:
        return home
    if _is_name(name) and host.is_directory(_leftover(homes, name)):
        with lock.held(host, PATIENCE):  # it may be that of an ``add`` which is at work
            if _remove_leftover(host, homes, name):
                return ""
    raise _none(name, os.path.dirname(link))


def _find_whole(host: Host, name: str, link: str, homes: str) -> str:
    """Return the service directory of a service that is linked, or not any more; empty for none."""
    service_dir = os.path.dirname(link)
    if _is_name(name):
        found = host.lstat(link)
        if found:
            if not stat.S_ISLNK(found.st_mode):
                there = [quote(host.real(path)) for path in (homes, link, f"{homes}/")]
                raise Refusal(
                    f"{link} is no link but the service directory itself",
                    "slashservice removes links, not what you wrote. So move it out first:",
                    "mkdir -p {} && mv {} {}".format(*there),
                )
            home = host.resolve(link)
            if home != link:  # which somebody else has removed just now
                return home
        home = f"{homes}/{name}"
        unlinked = [home]
        if host.live:
            unlinked += supervision.unlinked(service_dir, supervision.running(service_dir))
        for one in unlinked:
            if os.path.basename(one) == name and host.is_file(f"{one}/run"):
                return one
    return ""


def _is_name(name: str) -> bool:
    """Tell whether a service may be called so."""
    return "/" not in name and not name.startswith(".")


def _none(name: str, service_dir: str) -> Refusal:
    return Refusal(f"there is no service {name} in {service_dir}")


def _remove_home(host: Host, home: str, say: Say) -> None:
    """Remove a service directory, and the folder of such if it was the last.

    It gets another name first, which ``add`` too takes for a leftover: it is whole or gone.
    """
    log = re.search(rb"multilog [^\n]* (\S+)\n", host.read(f"{home}/log/run") or b"")
    homes, name = os.path.split(home)
    host.rename(home, _leftover(homes, name))
    _remove_leftover(host, homes, name)
    say(f"{home} is removed")
    if log and host.is_directory(os.fsdecode(log.group(1))):
        say(f"its logs are kept: {os.fsdecode(log.group(1))}")


def _why_kept(host: Host, home: str) -> str:
    """Say why a service directory is kept, and how to remove it."""
    path = f"{host.root}{home}" if host.root != "/" else home
    return f": it was not made by slashservice; to remove it, too: rm -r {quote(path)}"


def _leftover(homes: str, name: str) -> str:
    """Return how a service directory is called that is not whole yet, or not any more."""
    return f"{homes}/.{name}{NEW}"


def _remove_leftover(host: Host, homes: str, name: str) -> bool:
    """Remove what is left of a service directory; tell whether there was anything."""
    left = _leftover(homes, name)
    if not host.is_directory(left):
        return False
    host.remove_tree(left)
    if os.path.basename(homes) == os.path.basename(HOMES):
        try:
            if not host.list(homes):
                host.put(homes, ABSENT)
        except OSError as error:
            # Others add to it, or remove it, at the same time.
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
                raise
    return True
