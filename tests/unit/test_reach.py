"""What ``./coverage`` sees of a process that doesn't live to tell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from helpers.reach import recorder

PROGRAM = """\
import os, _thread

def never():
    return 1

def thread():
    lock.release()

lock = _thread.allocate_lock()
lock.acquire()
_thread.start_new_thread(thread, ())
lock.acquire()
if os.fork() == 0:
    os.kill(os.getpid(), 9)
os.wait()
os.execv("/bin/true", ["true"])
"""


def test_lines_are_seen_of_what_is_killed_or_execs(tmp_path: Path) -> None:
    assert recorder.__file__
    text = Path(recorder.__file__).read_text()
    lines = tmp_path / "lines"
    lines.mkdir()
    package = tmp_path / "supervise"
    package.mkdir()
    (package / "__init__.py").write_text(text.replace("@lines@", str(lines)))
    (package / "program.py").write_text(PROGRAM)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import supervise.program"
    subprocess.run([sys.executable, "-IS", "-c", code], check=True)
    found = [path.name.split(":") for path in lines.iterdir()]
    reached = sorted(int(line) for name, line in found if name.endswith("program.py"))
    assert reached == [1, 3, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16]
