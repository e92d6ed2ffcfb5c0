"""The folder with the code of one version: put in place, and removed, as a whole.

It is made beside its place, as ``NAME{new}``, and moved there complete. It never takes the place
of another: a svscan may run from that, and reads parts of its code late. Python's byte code
caches are made along with it and belong to it, so that nothing is written there later.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import py_compile
import re
import sys
from dataclasses import dataclass, field
from typing import Any, ClassVar

from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host.host import NEW, Host
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.source import Source
from slashservice.supervise.protocol.places import RECORD

CACHE = "__pycache__"
BYTE_CODE = re.compile(r"([^.]+)\.[^.]+(?:\.opt-\w+)?\.pyc(?:\.\d+)?")
"""What is in it, of the module that is named first; with a number at its end while it is made."""


@dataclass(frozen=True)
class InstallTree(Action):
    """Put the code of one version at ``path``.

    ``manifest`` maps each file's path below it to its mode and hash. ``source`` has the
    contents, and is not needed to undo.
    """

    kind: ClassVar[str] = "tree"
    path: str = ""
    python: str = ""
    manifest: dict[str, str] = field(default_factory=dict)
    source: Source | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, path: str, python: str, source: Source) -> InstallTree:
        """Make the action that puts ``source`` at ``path``."""
        manifest = {name: _entry(data, mode) for name, (data, mode) in source.files.items()}
        return cls(path=path, python=python, manifest=manifest, source=source)

    @classmethod
    def there(cls, host: Host, path: str, python: str, source: Source) -> InstallTree:
        """Make the action that would put what is at ``path`` there, but for what is strange there.

        That may be another version's. So what is ours is told by ``source``: it has such a file,
        or files with the same ending in the same part of it. Which directory it scans may be
        written down in it.
        """
        bare = cls(path=path, python=python)
        known = {_sort(name) for name in source.files if "/" in name}
        manifest = {
            name: entry
            for name, entry in bare._seen(host).items()
            if name in source.files or name == RECORD or _sort(name) in known
        }
        return cls(path=path, python=python, manifest=manifest)

    @property
    def key(self) -> str:
        return f"tree {self.path}"

    def describe(self) -> str:
        return f"put the code in place: {self.path} ({len(self.manifest)} files)"

    def describe_undo(self, before: dict[str, Any]) -> str:
        return f"remove {self.path}"

    def preflight(self, host: Host) -> None:
        """Refuse a place where something else is."""
        if host.lstat(self.path) and not host.is_directory(self.path):
            raise Refusal(f"{self.path} is there, and is no directory")
        strange = self._strangers(host)
        if strange and not host.is_file(f"{self.path}/supervise/__init__.py"):
            raise Refusal(f"{self.path} is there, with something else in it: {strange[0]}")

    def done(self, host: Host) -> bool:
        """Tell whether every file is there, with its content and mode, and none besides."""
        return host.is_directory(self.path) and self._seen(host) == self.manifest

    def capture(self, host: Host) -> dict[str, Any]:
        """Return whether there is a tree already: its content is not kept."""
        return {"kind": "directory" if host.lstat(self.path) else "absent"}

    def original(self, host: Host) -> dict[str, Any]:
        """Return nothing: what is at a place of this name was put there by us."""
        return {"kind": "absent"}

    def apply(self, host: Host) -> None:
        """Write the tree beside its place and move it there."""
        if self.done(host):
            return
        if self.source is None:
            raise Trouble("the code to put in place is not at hand", self.path)
        new = self.path + NEW
        self.tidy(host)
        directory = FileState("directory", 0o755, *host.owner)
        made = {""}
        host.put(new, directory)
        for name, (data, mode) in sorted(self.source.files.items()):
            folder = os.path.dirname(name)
            for at in _folders(folder):
                if at not in made:
                    host.put(f"{new}/{at}", directory, durably=False)
                    made.add(at)
            state = FileState("file", mode, *host.owner, data)
            host.put(f"{new}/{name}", state, durably=False)
        self._compile(host, new)
        host.sync_tree(new)
        host.rename(new, self.path)

    def undo(self, host: Host, before: dict[str, Any], after: str) -> list[str]:
        """Remove the tree if it was not there; strangers' files in it are kept."""
        self.tidy(host)
        if before["kind"] != "absent" or not host.lstat(self.path):
            return []
        strange = self._strangers(host)
        if not strange:
            # In one step: what is half removed would be taken for code that somebody has damaged.
            host.rename(self.path, self.path + NEW)
            host.remove_tree(self.path + NEW)
            return []
        self._clear(host, "", strange)
        listed = ", ".join(strange[:5]) + (", ..." if len(strange) > 5 else "")
        are = "is" if len(strange) == 1 else "are"
        return [f"{self.path} is left: {listed} in it {are} not slashservice's"]

    def _clear(self, host: Host, folder: str, strange: list[str]) -> None:
        """Remove what is in a folder of the tree, but strangers and the folders above them."""
        for one in host.list(f"{self.path}/{folder}"):
            name = f"{folder}{one}"
            if name in strange:
                continue
            if any(other.startswith(f"{name}/") for other in strange):
                self._clear(host, f"{name}/", strange)
            elif host.state(f"{self.path}/{name}").kind == "directory":
                host.remove_tree(f"{self.path}/{name}")
            else:
                host.put(f"{self.path}/{name}", ABSENT)

    def parts(self, host: Host) -> list[str]:
        """Return the paths of all that goes when this is undone."""
        if not host.is_directory(self.path):
            return []
        ours = [name for name in self._all_names(host) if self._is_ours(name)]
        folders = {at for name in ours for at in _folders(os.path.dirname(name))}
        return [f"{self.path}/{name}" for name in (*sorted(folders), *ours)]

    def drop_byte_code(self, host: Host) -> None:
        """Remove the byte code, which is made anew where it is missed.

        So there is room again on a full disk.
        """
        for name in self._all_names(host):
            folder, base = os.path.split(name)
            if os.path.basename(folder) == CACHE and base.endswith(".pyc") and self._is_ours(name):
                host.put(f"{self.path}/{name}", ABSENT, durably=False)

    def to_json(self) -> dict[str, Any]:
        """Return the action without the contents of the files."""
        return {
            "kind": self.kind,
            "path": self.path,
            "python": self.python,
            "manifest": self.manifest,
            "enables": self.enables,
            "sticky": self.sticky,
        }

    def tidy(self, host: Host) -> None:
        """Remove what an interrupted run left halfway."""
        if host.is_directory(self.path + NEW):
            host.remove_tree(self.path + NEW)

    def _compile(self, host: Host, tree: str) -> None:
        """Have the host's interpreter make its byte code caches, or ours if it is the same."""
        if host.live:
            options = ["-q", "--invalidation-mode", "unchecked-hash", "-s", tree, "-p", self.path]
            folders = [f"{tree}/{name}" for name in ("supervise", "installer", "vendor")]
            host.run([self.python, "-I", "-S", "-m", "compileall", *options, *folders])
        elif host.resolve(self.python).endswith(f"python3.{sys.version_info.minor}"):
            compileall.compile_dir(
                host.real(tree),
                quiet=2,
                stripdir=host.real(tree),
                prependdir=self.path,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )

    def _seen(self, host: Host) -> dict[str, str]:
        """Return the manifest of what is there."""
        found = {}
        for name in self._names(host):
            state = host.state(f"{self.path}/{name}")
            found[name] = _entry(state.data, state.mode) if state.kind == "file" else state.kind
        return found

    def _strangers(self, host: Host) -> list[str]:
        """List files in the tree that we don't know, and that are no byte code of ours."""
        return [name for name in self._all_names(host) if not self._is_ours(name)]

    def _is_ours(self, name: str) -> bool:
        """Tell whether a file is one of ours, or the byte code of one."""
        folder, base = os.path.split(name)
        if os.path.basename(folder) == CACHE:
            module = BYTE_CODE.fullmatch(base)
            name = os.path.join(os.path.dirname(folder), f"{module[1]}.py") if module else name
        return name in self.manifest

    def _names(self, host: Host) -> list[str]:
        """List the files there, byte code caches left out."""
        return [name for name in self._all_names(host) if CACHE not in name.split("/")[:-1]]

    def _all_names(self, host: Host) -> list[str]:
        """List the files there, links to folders among them."""
        top = host.real(self.path, follow=True)
        names = []
        for folder, folders, files in os.walk(top):
            linked = [one for one in folders if os.path.islink(os.path.join(folder, one))]
            names += [os.path.relpath(os.path.join(folder, one), top) for one in files + linked]
        return sorted(names)


def _entry(data: bytes, mode: int) -> str:
    """Return a manifest's entry for one file."""
    return f"{mode:04o} {hashlib.sha256(data).hexdigest()}"


def _sort(name: str) -> tuple[str, str]:
    """Return which part of the code a file is in, and how its name ends."""
    return name.split("/", 1)[0], os.path.splitext(name)[1]


def _folders(path: str) -> list[str]:
    """Return ``a``, ``a/b``, ... down to ``path``."""
    parts = path.split("/") if path else []
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]
