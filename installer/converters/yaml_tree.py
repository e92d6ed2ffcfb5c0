"""YAML, with the line on which each value stands; PyYAML reads it.

PyYAML is the one package that is only wanted, not needed: it goes along where it is there, and what
is in the directories of the host's own Python is found as well.

Words are what YAML 1.2 and Docker's reader make of them: ``yes`` and ``22:22`` are text.
"""

from __future__ import annotations

import importlib
import re
import site
import sys
from dataclasses import dataclass
from typing import Any

from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.host.trust import distrust

DEEPEST = 50
MOST = 100_000
"""Values in a file. Anchors can make more of a few lines than there is memory for."""

DEBIAN = "/usr/lib/python3/dist-packages"
"""Where its packages are for all versions of Python."""

Scalar = str | int | float | bool | None
PLAIN = (
    (re.compile(r"~|null|Null|NULL|"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(r"[-+]?[0-9]+"), lambda text: _integer(text)),
    (re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
)


def _integer(text: str) -> int:
    """Return a whole number; one that begins with 0 is octal, as Docker has it."""
    octal = re.fullmatch(r"[-+]?0[0-7]+", text)
    return int(text, 8 if octal else 10)


@dataclass
class Item:
    """A value and the line on which it begins. Values in it are such, too."""

    value: Scalar | dict[str, Item] | list[Item]
    line: int

    @property
    def mapping(self) -> dict[str, Item]:
        """The value, if it is a mapping; an empty one otherwise."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Item]:
        """The value, if it is a list; an empty one otherwise."""
        return self.value if isinstance(self.value, list) else []

    @property
    def text(self) -> str:
        """A single value as it is written into an environment."""
        if self.value is None or isinstance(self.value, (dict, list)):
            return ""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return str(self.value)


def load(text: str, name: str) -> Item:
    """Return the one document that is in a text; :class:`Refusal` if it is none."""
    yaml = _library()
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        what = getattr(error, "problem", None) or "it can't be read"
        raise Refusal(f"{where}: this is no YAML: {what}") from None
    except RecursionError:
        raise Refusal(f"{name}: it is nested too deep") from None
    if node is None:
        raise Refusal(f"{name} is empty")
    return _Tree(name).item(node, 0)


def _library() -> Any:
    """Return PyYAML, from our own packages or from those of the host."""
    try:
        return importlib.import_module("yaml")
    except ImportError:
        pass
    before = [*sys.path]
    try:
        folders = [*site.getsitepackages(), DEBIAN]
        sys.path += [one for one in folders if not distrust(Host(), one)]
        importlib.invalidate_caches()
        return importlib.import_module("yaml")
    except ImportError:
        raise Refusal(
            "reading compose files needs the Python package yaml",
            "On Debian: apt install python3-yaml",
            "Elsewhere it is called PyYAML, py3-yaml or python-yaml.",
        ) from None
    finally:
        sys.path[:] = before


class _Tree:
    """Makes items of PyYAML's nodes."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._left = MOST

    def item(self, node: Any, depth: int) -> Item:
        """Return a node as an item."""
        line = node.start_mark.line + 1
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            raise Refusal(f"{self._name}:{line}: there is too much in it, or it is nested too deep")
        if node.id == "scalar":
            if re.search("[\ud800-\udfff\0]", node.value):
                raise Refusal(f"{self._name}:{line}: there is an escape in it that is no character")
            return Item(_scalar(node), line)
        if node.id == "sequence":
            return Item([self.item(one, depth + 1) for one in node.value], line)
        return Item(self._mapping(node, depth), line)

    def _mapping(self, node: Any, depth: int) -> dict[str, Item]:
        """Return a mapping; what ``<<`` brings along counts less than what is there."""
        own: dict[str, Item] = {}
        brought: dict[str, Item] = {}
        for key, value in node.value:
            if key.id != "scalar":
                line = key.start_mark.line + 1
                raise Refusal(f"{self._name}:{line}: a key must be a word")
            if key.value == "<<" and key.style is None:
                sources = value.value if value.id == "sequence" else [value]
                for one in reversed(sources):
                    brought |= self.item(one, depth + 1).mapping
                continue
            if key.value in own:
                line = key.start_mark.line + 1
                raise Refusal(f"{self._name}:{line}: {key.value} is there twice")
            own[key.value] = self.item(value, depth + 1)
        return brought | own


def _scalar(node: Any) -> Scalar:
    """Return what a scalar is: text, unless it stands there bare and looks like something else."""
    text = str(node.value)
    if node.tag == "tag:yaml.org,2002:str" and node.style is not None:
        return text
    if node.style is not None:
        return text
    for pattern, made in PLAIN:
        if pattern.fullmatch(text):
            found: Scalar = made(text)
            return found
    return text
