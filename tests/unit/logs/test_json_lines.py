"""Lines as JSON."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from slashservice.supervise.logs import json_lines
from slashservice.supervise.logs.json_lines import JsonShower, iso
from slashservice.supervise.logs.reader import LogReader


@given(
    some.one_of(some.binary(), some.text().map(str.encode)),
    some.binary(max_size=3),
    some.integers(-(2**66), 2**66),
    some.sampled_from((b"", b"@1")),
    some.sampled_from((3, 6, json_lines.PIECE)),
)
def test_every_line_is_an_object_in_ascii(
    message: bytes, service: bytes, when: int, stamp: bytes, piece: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_lines, "PIECE", piece)
        parts = JsonShower()._parts(when, stamp, message, LogReader(b"/d", service))
        line = b"".join(parts)
    assert line.endswith(b"}\n")
    assert all(32 <= byte < 127 for byte in line[:-1])
    found = json.loads(line)
    for name, value in (("service", service), ("message", message)):
        assert found[name] == value.decode("utf-8", "replace")
        exact = found.get(f"{name}_base64")
        assert (exact is None) == (value.decode("utf-8", "replace").encode() == value)
        assert exact is None or base64.b64decode(exact) == value
    assert found["nanoseconds"] == (when if stamp else None)
    assert found["time"] == (iso(when) if stamp else None)


def test_times() -> None:
    assert iso(1_795_262_400_250_000_000) == "2026-11-21T12:00:00.250000000Z"
    assert iso(-1) == "1969-12-31T23:59:59.999999999Z"
    assert iso(10**30) is None
    assert iso(-(10**20)) is None
