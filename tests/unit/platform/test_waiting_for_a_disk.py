"""What the threads of a process are at."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

from helpers.services import write_script
from helpers.waiting import until

from slashservice.supervise.platform.linux import waits_for_disk


def test_a_process_that_waits_for_a_disk(tmp_path: Path) -> None:
    """As one does that starts a program whose file can't be opened now."""
    program = tmp_path / "program"
    write_script(program, "#!/bin/sh\n")
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    with open(program, "rb+") as file:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        code = "import os, sys; os.posix_spawn(sys.argv[1], sys.argv[1:], {})"
        with subprocess.Popen([sys.executable, "-c", code, program]) as process:
            until(lambda: waits_for_disk(process.pid), "it waits")
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    signal.signal(signal.SIGIO, before)
    assert not waits_for_disk(process.pid), "it is gone"
    assert not waits_for_disk(os.getpid())
