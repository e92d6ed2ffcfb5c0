"""System calls of chosen programs that fail, or take longer, at random: what ``faults.c`` does."""

from __future__ import annotations

import mmap
import os
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

SOURCE = Path(__file__).with_name("faults.c")
COUNTERS = struct.Struct("=III")
"""The head of the file that all processes share; ``faults.c`` tells of it."""


def library(folder: Path) -> Path:
    """Compile the library into ``folder``, unless it is there; return its path."""
    made = folder / "faults.so"
    if not made.exists():
        command = ["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
        subprocess.run([*command, "-o", made, SOURCE, "-ldl"], check=True)
        made.chmod(0o755)
    return made


class Faults:
    """Faults in the programs named, off at first; ``spare`` is a path below which none is.

    ``calls`` are the names that ``faults.c`` has for system calls; without any, all may fail.
    """

    def __init__(
        self,
        folder: Path,
        preload: Path,
        seed: int,
        programs: Sequence[str],
        spare: Path,
        calls: Sequence[str] = (),
    ) -> None:
        self.log = folder / "faults.log"
        file = folder / "faults"
        for path in (self.log, file):
            path.write_bytes(bytes(mmap.PAGESIZE if path is file else 0))
            path.chmod(0o666)  # log hosts run as other accounts
        with open(file, "r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), 0)
        self.environment = {
            "LD_PRELOAD": str(preload),
            "FAULTS_FILE": str(file),
            "FAULTS_LOG": str(self.log),
            "FAULTS_SEED": str(seed),
            "FAULTS_IN": ",".join(programs),
            "FAULTS_CALLS": ",".join(calls),
            "FAULTS_SPARE": str(spare),
        }

    @property
    def prefix(self) -> list[str]:
        """The words in front of a command that is to have faults."""
        return ["/usr/bin/env", *(f"{name}={value}" for name, value in self.environment.items())]

    def begin(self, per_million: int) -> None:
        """From now on this many of a million calls fail, and as many are delayed."""
        struct.pack_into("=I", self._shared, 0, per_million)

    def stop(self) -> None:
        """From now on none fails."""
        self.begin(0)

    @property
    def failed(self) -> int:
        """How many calls have failed."""
        count: int = COUNTERS.unpack_from(self._shared)[2]
        return count

    def told(self) -> str:
        """Return the last calls that failed, a line each."""
        return os.fsdecode(b"\n".join(self.log.read_bytes().splitlines()[-60:]))

    def close(self) -> None:
        """Let go of the file."""
        self._shared.close()
