"""The environment of a container, in files, as envdir has it again."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import logs
from helpers.checkout import CHECKOUT
from hypothesis import example, given
from hypothesis import strategies as st

from slashservice.supervise.chain import environment, variables
from slashservice.supervise.services import kept_environment

NAMES = st.text("ABcz_.-9/ =", min_size=1, max_size=6).map(str.encode)
VALUES = st.binary(max_size=40).map(lambda value: value.replace(b"\0", b""))


def again(entries: list[bytes]) -> dict[bytes, bytes]:
    """Keep an environment, and return what envdir makes of it."""
    with logs.scratch() as top:
        folder = os.fsencode(top / "env")
        kept_environment.keep(entries, folder)
        kept_environment.keep(entries, folder)
        assert os.listdir(top) == ["env"]
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        for file in os.listdir(folder):
            assert stat.S_IMODE(os.stat(folder + b"/" + file).st_mode) == 0o600
        read = environment.changed([], variables.read(folder))
    return dict(entry.split(b"=", 1) for entry in read)


@given(st.dictionaries(NAMES, VALUES))
@example({b"A": b"two\nlines\n"})
@example({b"A": b"", b".A": b"x", b"a/b": b"x", b"..": b"x"})
def test_envdir_has_it_again(wanted: dict[bytes, bytes]) -> None:
    """But for names that it does not know, and for blanks at the end of a value."""
    entries = [name + b"=" + value for name, value in wanted.items()]
    split = dict(entry.split(b"=", 1) for entry in entries)
    expected = {
        name: value.rstrip(b" \t")
        for name, value in split.items()
        if name and b"/" not in name and not name.startswith(b".")
    }
    found = again(entries)
    assert {name: value for name, value in found.items() if value} == {
        name: value for name, value in expected.items() if value
    }


def test_what_is_no_longer_there_goes(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "env")
    kept_environment.keep([b"A=1", b"B=2"], folder)
    kept_environment.keep([b"B=3", b"no sense"], folder)
    assert os.listdir(folder) == [b"B"]


@pytest.mark.parametrize(
    ("given_", "passed"),
    [
        ([], [b"PATH=" + kept_environment.PATH]),
        ([b"SECRET=x", b"HOME=/root"], [b"PATH=" + kept_environment.PATH, b"HOME=/root"]),
        ([b"PATH=/x", b"TZ=UTC", b"PATHS=/y", b"LANGUAGE=z"], [b"PATH=/x", b"TZ=UTC"]),
    ],
)
def test_services_get_next_to_nothing(given_: list[bytes], passed: list[bytes]) -> None:
    assert kept_environment.passed(given_) == passed


ERASES = f"""
import os, sys
package = type(sys)("slashservice")
package.__path__ = [{str(CHECKOUT)!r}]
sys.modules["slashservice"] = package
from slashservice.supervise.platform.processes import erase_environment
erase_environment()
os.environ["AFTER"] = "1"
print(set(open("/proc/self/environ").read()) | {{*os.environ}}, os.system("env | grep SECRET"))
"""


def test_the_kernel_shows_none_of_it() -> None:
    made = subprocess.run(
        [sys.executable, "-ISc", ERASES],
        env={"SECRET": "hush", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout == "{'\\x00', 'AFTER'} 256\n" or made.stdout == "{'AFTER', '\\x00'} 256\n"
