"""The code to put in place: our packages, those the installer needs, a launcher per command.

All of it is taken from where this process has loaded it: a checkout, a wheel, or an
installation. So each of them can install itself elsewhere, without a network.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata

from slashservice.installer.errors import Trouble
from slashservice.supervise.chain import launchers
from slashservice.supervise.protocol.names import SCAN_DIRECTORY
from slashservice.supervise.protocol.places import RECORD
from slashservice.supervise.version import VERSION

PACKAGES = ("supervise", "installer", "init_templates")
VENDORED = ("plumbum", "distro")
WELCOME = ("yaml",)
"""Packages that go along if they are there: without that one no compose file can be imported."""

DISTRIBUTIONS = {"yaml": "PyYAML"}
"""The names under which packages are known that are called otherwise when they are imported."""

SKIPPED_ENDINGS = (".pyc", ".pyo", ".so", "~", "{new}")
SKIPPED_FOLDERS = ("__pycache__", "_testtools")
_PROGRAM = """\
import sys
sys.dont_write_bytecode = True
slashservice = type(sys)("slashservice")
slashservice.__path__ = [{home!r}]
sys.modules["slashservice"] = slashservice
from slashservice.installer.cli.{module} import run
run({vendor})
"""


@dataclass(frozen=True)
class Source:
    """Files by path relative to the tree, with their content and mode; and the commands."""

    files: dict[str, tuple[bytes, int]]
    commands: tuple[str, ...]

    @property
    def digest(self) -> str:
        """A short name for all that is in it."""
        said = hashlib.sha256()
        for name, (data, mode) in sorted(self.files.items()):
            said.update(b"%s\0%o %d\0%s" % (os.fsencode(name), mode, len(data), data))
        return said.hexdigest()[:8]

    def scanning(self, service_dir: str) -> Source:
        """Return the same with that directory written down for the commands, if it is unusual."""
        if service_dir == SCAN_DIRECTORY:
            return self
        record = (os.fsencode(service_dir) + b"\n", 0o644)
        return Source({**self.files, RECORD: record}, self.commands)


def version() -> str:
    """Return the version of the code that runs."""
    return VERSION


def collect(python: str, tree: str) -> Source:
    """Gather the tree that shall be at ``tree`` and run on ``python``."""
    files = dict(_read(launchers.home()))
    commands = (*launchers.COMMANDS, "slashservice")
    for name in launchers.COMMANDS:
        text = launchers.text(name, python, tree)
        files[f"command/{name}"] = (text.encode(), 0o755)
    files["command/slashservice"] = (installer_launcher(python, tree).encode(), 0o755)
    return Source(files, tuple(sorted(commands)))


@cache
def _read(home: str) -> dict[str, tuple[bytes, int]]:
    """Return what is the same wherever the tree will be: all but the launchers.

    It is read once, so that whatever this process puts in place is of one moment.
    """
    files: dict[str, tuple[bytes, int]] = {}
    for package in PACKAGES:
        _add(files, os.path.join(home, package), package)
    for name in (*VENDORED, *filter(importlib.util.find_spec, WELCOME)):
        _add(files, _folder_of(name), f"vendor/{name}")
        files.update(_licences(name))
    _add_documents(files, home)
    return files


def installer_program(home: str, vendor: str = "", module: str = "start") -> str:
    """Compose what runs a ``module`` of ``cli`` from the code in ``home``, in any Python.

    ``vendor`` is where packages are that this Python lacks; each ``%d`` in it becomes a number of
    the version of the Python that runs.
    """
    place = repr(vendor)
    if "%d" in vendor:
        place += f" % sys.version_info[:{vendor.count('%d')}]"
    return _PROGRAM.format(home=home, vendor=place, module=module)


def installer_launcher(python: str, tree: str, vendor: str = "", module: str = "start") -> str:
    """Compose the launcher of ``slashservice`` itself: isolated, with the vendored packages.

    These are in the tree, if not in ``vendor``; see :func:`installer_program`.
    """
    first = launchers.text("slashservice", python, tree).split("import sys\n", 1)[0]
    return first + installer_program(tree, vendor or f"{tree}/vendor", module)


def _add(files: dict[str, tuple[bytes, int]], folder: str, name: str) -> None:
    """Add all files below ``folder`` as ``name/...``."""
    for path in sorted(_walk(folder)):
        relative = os.path.relpath(path, folder)
        mode = 0o755 if os.access(path, os.X_OK) and not path.endswith(".py") else 0o644
        with open(path, "rb") as file:
            files[f"{name}/{relative}"] = (file.read(), mode)


def _walk(folder: str) -> Iterator[str]:
    """Yield the files below ``folder`` that are worth shipping."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in names:
            path = os.path.join(here, name)
            if not name.endswith(SKIPPED_ENDINGS) and os.path.isfile(path):  # no FIFO of supervise
                yield path


def _folder_of(package: str) -> str:
    """Return the folder an importable package is in."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Trouble(f"the package {package} can't be found", "the installer can't ship it")
    return next(iter(spec.submodule_search_locations))


def _licences(name: str) -> dict[str, tuple[bytes, int]]:
    """Return the licence and name of a vendored package, which must go with its code."""
    found: dict[str, tuple[bytes, int]] = {}
    beside = f"{_folder_of(name)}.licence"
    if os.path.isfile(beside):  # we run from an installation already
        with open(beside, "rb") as file:
            return {f"vendor/{name}.licence": (file.read(), 0o644)}
    try:
        about = metadata.distribution(DISTRIBUTIONS.get(name, name))
    except metadata.PackageNotFoundError:
        return found
    text = f"{about.metadata['Name']} {about.metadata['Version']}\n"
    for field in ("License-Expression", "License"):
        if field in about.metadata:
            text += f"Licence: {about.metadata[field]}\n"
    for path in about.files or ():
        if "LICEN" in path.name.upper() or "COPYING" in path.name.upper():
            text += "\n" + path.read_text(encoding="utf-8")
    return {f"vendor/{name}.licence": (text.encode(), 0o644)}


def _own_licence() -> str:
    """Return our licence, where pip has put it; nothing if pip has not installed us."""
    try:
        files = metadata.files("slashservice") or []
    except metadata.PackageNotFoundError:
        return ""
    return next((one.read_text(encoding="utf-8") for one in files if one.name == "LICENSE"), "")


def _add_documents(files: dict[str, tuple[bytes, int]], home: str) -> None:
    """Add licence and man pages, where we have them: in a checkout or an installation."""
    for folder in (home, launcher_checkout()):
        man = os.path.join(folder, "docs", "man")
        man = man if os.path.isdir(man) else os.path.join(folder, "man")
        if folder and os.path.isdir(man) and "man/slashservice.8" not in files:
            _add(files, man, "man")
            files.pop("man/README.md", None)
        licence = os.path.join(folder, "LICENSE")
        if folder and os.path.isfile(licence) and "LICENSE" not in files:
            with open(licence, "rb") as file:
                files["LICENSE"] = (file.read(), 0o644)
    if "LICENSE" not in files and (text := _own_licence()):
        files["LICENSE"] = (text.encode(), 0o644)


def launcher_checkout() -> str:
    """Return the checkout our modules are links into, as an editable installation has it."""
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
