"""The packages that go into the single file: those of ``install-requirements.txt``, to the byte.

A wheel is kept, and known by its hash. Only what is missing is fetched, by pip.
"""

from __future__ import annotations

import hashlib
import re
import sys
import zipfile
from pathlib import Path

from releasing.checkout import environment
from releasing.troubles import Trouble, run

PINS = "install-requirements.txt"
PIN = re.compile(r"^([\w.-]+)==(\S+) --hash=sha256:([0-9a-f]{64})$", re.MULTILINE)


def pins(tree: Path) -> dict[str, str]:
    """Return the hash of each package's wheel, by its name."""
    found = {name: digest for name, _, digest in PIN.findall((tree / PINS).read_text())}
    if not found:
        raise Trouble(f"{PINS} names no package with its hash")
    return found


def unpack(tree: Path, kept: Path, to: Path) -> None:
    """Unpack the packages that ``tree`` names into ``to``: all of them are of Python alone.

    Their wheels are in ``kept``, or will be.
    """
    kept.mkdir(parents=True, exist_ok=True)
    wanted = pins(tree)
    if not set(wanted.values()) <= _hashes(kept).keys():
        options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-input"]
        words = [sys.executable, "-I", "-m", "pip", "-q", "download", *options]
        words += ["--disable-pip-version-check", "-r", str(tree / PINS), "--dest", str(kept)]
        run(words, tree, environment())
    there = _hashes(kept)
    for name, digest in wanted.items():
        if digest not in there:
            raise Trouble(f"pip has fetched no {name} of the hash that {PINS} has")
        with zipfile.ZipFile(there[digest]) as wheel:
            wheel.extractall(to)


def _hashes(folder: Path) -> dict[str, Path]:
    """Return the wheels of a folder by their hashes."""
    return {hashlib.sha256(one.read_bytes()).hexdigest(): one for one in folder.glob("*.whl")}
