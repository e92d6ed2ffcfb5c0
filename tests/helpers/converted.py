"""Shapes of what people have in other supervisors' files, each with what has to become of it.

Lines ``# test:`` in the files say that, in words ``KEY=VALUE``. Where a file has several services,
the name of one stands before them. ``%EXTRA%`` is the directory that the file is in.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from helpers.checkout import CHECKOUT

SHAPES = CHECKOUT / "tests/shapes/converters"
KEYS = (
    *("account", "gid", "groups", "directory", "env", "argv", "umask", "nice", "oom", "limit"),
    *("stop", "group", "kill", "restart", "state", "lost", "comment", "folder", "made", "output"),
    *("gone", "instance", "args", "file"),
)
SPLIT = re.compile(rf"\s+(?=(?:{'|'.join(KEYS)})=)")
LINE = re.compile(r"[#;] test: (.*)")

ENGINE = "fake-podman-that-only-runs-the-command"
"""Stands in for a container engine: there is neither an image nor a registry."""

ENGINE_TEXT = r"""#!/bin/sh
# Writes down what it is told, and runs the command that is behind the image on this very host.
name=$1
for word; do case $word in --name=*) name=${word#--name=} ;; esac; done
printf '%s\0' "$@" >>"/var/log/fake-engine.$name"
printf '\n' >>"/var/log/fake-engine.$name"
[ "$1 $2" != "network inspect" ] || exit 1
[ "$1" = run ] || exit 0
while [ "${1#--}" != "$1" ] || [ "$1" = run ]; do shift; done
shift
command -v "$1" >/dev/null || set -- sleep 1000
exec "$@"
"""


@dataclass
class Shape:
    """A service that is to come of a file."""

    kind: str
    file: Path
    name: str
    words: list[tuple[str, str]]

    @property
    def service(self) -> str:
        """The name of the service: kinds have names in common."""
        return f"{self.kind}-{self.name}"

    def all(self, key: str) -> list[str]:
        """Return the values of a key."""
        return [value for one, value in self.words if one == key]

    def one(self, key: str, usual: str = "") -> str:
        """Return the value of a key; what is usual if it is not there."""
        return (self.all(key) or [usual])[0]

    @property
    def place(self) -> str:
        """Where the file is on the machine."""
        name = self.file.name
        if "@." in name:
            name = name.replace("@.", f"@{self.one('instance')}.")
        return f"{folder(self.kind)}/{name}"

    def __str__(self) -> str:
        return self.service


def folder(kind: str) -> str:
    """Return the directory that the files of a kind are in, on the machine."""
    return f"/srv/shapes/{kind}"


def shapes() -> list[Shape]:
    """Return all there are."""
    found: list[Shape] = []
    for kind in sorted(path.name for path in SHAPES.iterdir()):
        for path in sorted((SHAPES / kind).iterdir()):
            text = path / "run" if path.is_dir() and (path / "run").exists() else path
            if text.is_file():
                found += _of_file(kind, path, text.read_text())
    return found


def _of_file(kind: str, path: Path, text: str) -> list[Shape]:
    by_name: dict[str, list[tuple[str, str]]] = {}
    for line in LINE.findall(text.replace("%EXTRA%", folder(kind))):
        words = SPLIT.split(f" {line}")
        name = words[0].strip()
        if kind == "systemd":
            name = path.name.removesuffix(".service")
        elif kind == "runit":
            name = path.name
        pairs = [word.partition("=") for word in words[1:]]
        by_name.setdefault(name, []).extend((key, value.strip()) for key, _, value in pairs)
    found = []
    for name, pairs_of_it in by_name.items():
        if not name:
            continue
        instance = dict(pairs_of_it).get("instance", "")
        whole = f"{name}{instance}" if name.endswith("@") else name
        found.append(Shape(kind, path, whole, pairs_of_it))
    return found


def words(text: str) -> list[str]:
    """Return the words of a value."""
    return shlex.split(text)
