"""Build from nothing: build/lib may have modules of an earlier build that are gone since.

setuptools would put them into the wheel, and init systems are whatever modules are in a folder.
All else is in pyproject.toml.
"""

import shutil

from setuptools import setup
from setuptools.command.build import build


class Afresh(build):
    """What ``pip install .`` and ``pip wheel .`` run."""

    def run(self) -> None:
        """Remove what an earlier build left, then build."""
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


setup(cmdclass={"build": Afresh})
