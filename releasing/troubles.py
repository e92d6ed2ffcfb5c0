"""What keeps a release from being made, and programs that are run for it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

SHOWN = 15
"""Lines of a program that failed which are shown: the last ones say why."""

LIMIT = 1800
"""Seconds that one program may take: packages of a distribution take longest."""


class Trouble(Exception):  # noqa: N818 - as the installer has it
    """Why there is no release, in one line, with what the program said below it."""

    def __init__(self, what: str, said: str = "") -> None:
        super().__init__(what)
        self.said = said.strip().splitlines()[-SHOWN:]


def run(words: Sequence[str | Path], where: Path, environment: Mapping[str, str]) -> bytes:
    """Run a program and return its output; :class:`Trouble` if it fails or can't be run."""
    try:
        done = subprocess.run(
            words,
            cwd=where,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=LIMIT,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Trouble(f"{words[0]} can't be run: {error}") from error
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace")
        name = " ".join(str(word) for word in words[:4])
        raise Trouble(f"{name} ... failed with {done.returncode}", said)
    return done.stdout
