"""Service directories that are copied as they are: what of them is, and whose it is then.

Not copied are ``supervise``, which is the supervisor's own, and what a log has logged. What root
runs or reads its variables from becomes root's, and nobody else may change it. Other files keep
their owner: those of a log, and what a service keeps there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from slashservice.installer import written
from slashservice.installer.converters.losses import Losses
from slashservice.installer.errors import Refusal, reason
from slashservice.installer.host.host import Host
from slashservice.installer.host.state import FileState
from slashservice.installer.making import IMPORTED, MARKS, Drawn
from slashservice.supervise.admin.run_script import RunScript

MOST_FILES = 2000
MOST_BYTES = 64 << 20
"""Of all files together. A service directory has scripts in it, and no data of that kind."""

DEEPEST = 20
ROOTS = ("run", "finish", "check", "control", "env", "variables", "conf", "log")
"""What is root's, whoever it belonged to. So is the like of a log."""


def walk(path: str, losses: Losses, where: str, *, follow: bool = False) -> dict[str, FileState]:
    """Return what is to be copied of the directory at ``path``, by path relative to it.

    A link out of it stays one to the same place; with ``follow`` it becomes what it leads to.
    """
    walker = _Walker(path, losses, where, follow)
    try:
        walker.walk(path, "")
    except OSError as error:
        raise Refusal(reason(error)) from None
    return walker.found


class _Walker:
    """Goes through a directory."""

    def __init__(self, top: str, losses: Losses, where: str, follow: bool) -> None:
        self.found: dict[str, FileState] = {}
        self._top = top
        self._losses = losses
        self._where = where
        self._follow = follow
        self._files = MOST_FILES
        self._bytes = MOST_BYTES

    def walk(self, folder: str, inner: str) -> None:
        """Take what is in a folder that is called ``inner``, with a slash at its end."""
        with os.scandir(folder) as entries:
            listed = sorted(entries, key=lambda one: one.name)
        is_log = any(one.name == "current" for one in listed) and bool(inner)
        for one in listed:
            name = f"{inner}{one.name}"
            if name in ("supervise", "log/supervise", IMPORTED, written.FILE) or (
                is_log and one.name != "config"
            ):
                continue
            self._files -= 1
            if self._files < 0 or name.count("/") > DEEPEST:
                raise Refusal(f"{self._top} has more in it than a service has")
            about = one.stat(follow_symlinks=False)
            if stat.S_ISLNK(about.st_mode):
                self._link(one.path, name)
            else:
                self._take(one.path, name, about)

    def _take(self, path: str, name: str, about: os.stat_result) -> None:
        """Take a file, or a directory with all that is in it."""
        owner = (about.st_uid, about.st_gid)
        mode = about.st_mode & 0o777
        if stat.S_IMODE(about.st_mode) & 0o6000:
            self._losses.add(f"{self._where}/{name}", "it is not set-id any more")
        if stat.S_ISDIR(about.st_mode):
            self.found[name] = FileState("directory", mode, *owner)
            self.walk(path, f"{name}/")
        elif stat.S_ISREG(about.st_mode):
            data = _content(path)
            self._bytes -= len(data)
            if self._bytes < 0:
                raise Refusal(f"{self._top} has more than {MOST_BYTES >> 20} MiB in it")
            self.found[name] = FileState("file", mode, *owner, data)
        else:
            what = "it is neither a file nor a directory, and is left out"
            self._losses.add(f"{self._where}/{name}", what)

    def _link(self, path: str, name: str) -> None:
        """Take a link."""
        target = os.readlink(path)
        inside = os.path.normpath(os.path.join(os.path.dirname(name), target))
        if not target.startswith("/") and not inside.startswith(".."):
            self.found[name] = FileState("link", target=target)
            return
        leads = os.path.realpath(path)
        if not self._follow:
            what = f"it is a link out of the directory, and leads to {leads}"
            self._losses.add(f"{self._where}/{name}", what)
            self.found[name] = FileState("link", target=leads)
            return
        try:
            about = os.stat(leads)
        except OSError:
            what = f"it is a link that leads nowhere, to {target}, and is left out"
            self._losses.add(f"{self._where}/{name}", what)
            return
        self._losses.add(f"{self._where}/{name}", f"it was a link to {leads}, and is a copy")
        self._take(leads, name, about)


def _content(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        return file.read(MOST_BYTES + 1)


def settled(
    host: Host, contents: Mapping[str, FileState], losses: Losses, where: str
) -> dict[str, FileState]:
    """Return contents with the owners and modes that they shall have."""
    made = {}
    for name, state in contents.items():
        parts = name.split("/")
        own = parts[1:] if parts[0] == "log" and len(parts) > 1 else parts
        is_roots = own[0] in ROOTS or state.uid == 0 or os.geteuid() != 0
        if is_roots and state.kind != "link":
            if state.uid not in (0, os.geteuid()) and own[0] not in ("log",):
                losses.add(f"{where}/{name}", f"it belonged to user {state.uid}, and is root's")
            mode = state.mode & ~0o022
            made[name] = FileState(state.kind, mode, *host.owner, state.data)
        else:
            made[name] = state
    return made


def drawn(
    host: Host,
    name: str,
    contents: Mapping[str, FileState],
    where: str,
    check: bool = True,
    down: bool = False,
) -> Drawn:
    """Return a service directory with these contents; refuse one that could not run."""
    run = contents.get("run")
    if run is None or run.kind == "directory" or (run.kind == "file" and not run.mode & 0o111):
        what = "there is no run in it" if run is None else "its run is no program"
        raise Refusal(f"{where} is no service directory: {what}")
    whole = {**contents, "down": FileState("file", 0o644, *host.owner)} if down else {**contents}
    if not any(mark.encode() in run.data for mark in MARKS):
        mark = b"Made by `slashservice import`.\n"
        whole[IMPORTED] = FileState("file", 0o644, *host.owner, mark)
    if not check:
        return Drawn(name, whole)
    log = contents.get("log/run")
    scripts = [RunScript(f"{where}/run", run.data)]
    scripts += [RunScript(f"{where}/log/run", log.data)] if log else []
    for script, state in zip(scripts, (run, log), strict=False):
        if state and state.kind == "file":
            _check_interpreter(host, script)
    program = scripts[0].program
    accounts = [account for one in scripts for account in one.accounts if account[:1] != ":"]
    inside = "/" in program and not program.startswith("/")
    return Drawn(
        name,
        whole,
        command=(program,) if program and not inside and run.kind == "file" else (),
        accounts=tuple(dict.fromkeys(accounts)),
    )


def _check_interpreter(host: Host, script: RunScript) -> None:
    """Refuse a script whose first line names what is not there."""
    if script.text[:4] == b"\x7fELF":
        return
    if not script.interpreter:
        raise Refusal(f"{script.path} can't be run: its first line names no interpreter")
    if script.first_line.endswith(b"\r"):
        raise Refusal(
            f"{script.path} can't be run: its first line ends in a carriage return",
            "Take those out, of a copy of it: sed -i 's/\\r$//' run",
        )
    if not host.is_executable(script.interpreter[0]):
        raise Refusal(
            f"{script.path} can't be run: its first line names {script.interpreter[0]},"
            " which is not there"
        )
