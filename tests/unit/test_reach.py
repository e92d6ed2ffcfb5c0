"""What ``./coverage`` sees of a process that doesn't live to tell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
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


THREADED = """\
import threading

def thread():
    done.append(1)

done = []
one = threading.Thread(target=thread)
one.start()
one.join()
"""


def reached(tmp_path: Path, program: str, before: str = "") -> list[int]:
    """Run a program in code that records, after what is done ``before``; return the lines seen."""
    assert recorder.__file__
    text = Path(recorder.__file__).read_text()
    lines = tmp_path / "lines"
    lines.mkdir()
    package = tmp_path / "supervise"
    package.mkdir()
    (package / "__init__.py").write_text(text.replace("@lines@", str(lines)))
    (package / "program.py").write_text(program)
    code = f"{before}import sys; sys.path.insert(0, {str(tmp_path)!r}); import supervise.program"
    subprocess.run([sys.executable, "-IS", "-c", code], check=True)
    found = [path.name.split(":") for path in lines.iterdir()]
    return sorted(int(line) for name, line in found if name.endswith("program.py"))


def test_lines_are_seen_of_what_is_killed_or_execs(tmp_path: Path) -> None:
    assert reached(tmp_path, PROGRAM) == [1, 3, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16]


@pytest.mark.parametrize("before", ["", "import threading; "])
def test_lines_are_seen_of_threads(tmp_path: Path, before: str) -> None:
    """In pytest, threading is there before the code that records."""
    assert reached(tmp_path, THREADED, before) == [1, 3, 4, 6, 7, 8, 9]
