"""Drain services that a killed svscan left behind: another svscan is started just for this."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

from slashservice.supervise.protocol import scan_directory

SECONDS_BETWEEN_LOOKS = 0.05

PLACES = ("/run", "/var/run")
"""For root's socket, whatever ``TMPDIR`` says; and at a shutdown ``/tmp`` may be gone."""


def svscan() -> str:
    """Return the path of the svscan that is installed beside the command that runs."""
    return os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "svscan")


def drain(directory: str, program: str, limit: float) -> None:
    """Run svscan, wait until it has adopted what was left behind, and have it drain.

    ``program`` is the path of svscan, empty for the one beside this command. It reports over
    a socket that it is ready, as it would to systemd; before that, TERM would only kill it.
    ``limit`` is in seconds.
    """
    program = program or svscan()
    if not os.access(program, os.X_OK):
        return
    end = time.monotonic() + limit
    place = next((path for path in PLACES if os.access(path, os.W_OK)), None)
    with tempfile.TemporaryDirectory(prefix="slashservice-", dir=place) as folder:
        address = os.path.join(folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(address)
            ready.settimeout(SECONDS_BETWEEN_LOOKS)
            with open(os.devnull, "r+b", buffering=0) as nothing:
                adopter = subprocess.Popen(
                    [program, "-n", directory],
                    env={"PATH": os.fsdecode(scan_directory.PATH), "NOTIFY_SOCKET": address},
                    stdin=nothing,
                    stdout=nothing,
                    start_new_session=True,
                )
            is_ready = False
            try:
                while not is_ready and adopter.poll() is None and time.monotonic() < end:
                    is_ready = _says_ready(ready)
            finally:
                # Also where somebody interrupts us: it would stay, and supervise.
                adopter.send_signal(signal.SIGTERM if is_ready else signal.SIGQUIT)
            try:
                adopter.wait(max(1.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                adopter.send_signal(signal.SIGQUIT)
                adopter.wait()


def _says_ready(ready: socket.socket) -> bool:
    """Tell whether svscan has started everything; wait a moment for it to report that."""
    try:
        return b"READY=1" in ready.recv(4096).split(b"\n")
    except TimeoutError:
        return False
