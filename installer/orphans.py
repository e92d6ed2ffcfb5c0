"""Drain services that a killed svscan left behind: another svscan is started just for this."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from slashservice.supervise.protocol import scan_directory


def svscan() -> str:
    """Return the path of the svscan that is installed beside the command that runs."""
    return os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "svscan")


def drain(directory: str, program: str, limit: float) -> None:
    """Have svscan bring down what was left behind, and start nothing.

    ``program`` is the path of svscan, empty for the one beside this command. ``limit`` is in
    seconds. Where that is over, or somebody interrupts us, svscan ends at once.
    """
    program = program or svscan()
    if not os.access(program, os.X_OK):
        return
    with open(os.devnull, "r+b", buffering=0) as nothing:
        adopter = subprocess.Popen(
            [program, "-n", "-d", directory],
            env={"PATH": os.fsdecode(scan_directory.PATH)},
            stdin=nothing,
            stdout=nothing,
            start_new_session=True,
        )
    try:
        adopter.wait(limit)
    except subprocess.TimeoutExpired:
        pass
    finally:
        adopter.send_signal(signal.SIGQUIT)  # which is nothing to one that has ended
        adopter.wait()
