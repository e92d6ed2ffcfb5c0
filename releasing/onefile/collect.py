"""Write what the single file holds into a folder: what an installation would have.

A program of its own: ``collect.py TREE VENDOR FOLDER``. The tree says what it is made of, and the
packages are those in VENDOR, whatever this Python has besides.
"""

from __future__ import annotations

import importlib
import os
import sys


def main(tree: str, vendor: str, to: str) -> None:
    """Write them, but for launchers, which know where they are."""
    sys.path[:1] = [vendor]
    package = type(sys)("slashservice")
    package.__path__ = [tree]
    sys.modules["slashservice"] = package
    source = importlib.import_module("slashservice.installer.plan.source")
    for name, (data, mode) in source.collect("/python", "/tree").files.items():
        if not name.startswith("command/"):
            path = os.path.join(to, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(data)
            os.chmod(path, mode)


if __name__ == "__main__":
    main(*sys.argv[1:])
