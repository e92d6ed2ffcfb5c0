"""What systemd hears from svscan, and what the daemons do not see of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

from helpers.services import contents, make_service
from helpers.waiting import GENEROUS, until

REPORT = "#!/bin/sh\nenv >environment.new; mv environment.new environment\nexec sleep 1000\n"


def test_ready_after_the_first_scan_and_stopping_at_the_end(ours: Path, tmp_path: Path) -> None:
    service = make_service(tmp_path / "scan/one", REPORT)
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(GENEROUS)
        svscan = subprocess.Popen(
            [ours / "svscan", tmp_path / "scan"],
            env={
                "PATH": os.defpath,
                "NOTIFY_SOCKET": address,
                "INVOCATION_ID": "0",
                "LISTEN_FDS": "1",
                "KEPT": "1",
            },
        )
        try:
            assert listener.recv(100) == b"READY=1"
            pid = int.from_bytes((service / "supervise/status").read_bytes()[12:16], "little")
            assert pid, "ready means that the services were started"
            until(lambda: (service / "environment").exists(), "the service has run")
        finally:
            svscan.send_signal(signal.SIGTERM)
            assert svscan.wait(GENEROUS) == 0
        assert listener.recv(100) == b"STOPPING=1"
    names = {line.partition(b"=")[0] for line in contents(service / "environment").splitlines()}
    assert b"KEPT" in names
    assert names.isdisjoint({b"NOTIFY_SOCKET", b"INVOCATION_ID", b"LISTEN_FDS"})
