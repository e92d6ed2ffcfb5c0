"""Where svcontainer has its services, from run to run of one container."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from helpers import logs
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.commands import svcontainer


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.booleans()), max_size=8))
def test_whatever_run_came_before(runs: list[tuple[str, bool]]) -> None:
    """It is another directory, or read-only by now: svscan is there, and no state is lost."""
    with logs.scratch() as top, pytest.MonkeyPatch.context() as patch:
        services = top / "service"
        patch.setattr(svcontainer, "SERVICES", os.fsencode(services))
        for name in "ab":
            (top / name / "web").mkdir(parents=True)
            (top / name / "web/run").touch()
        kept = 0
        for number, (name, is_aside) in enumerate(runs):
            svcontainer.put(os.fsencode(top / name), is_aside)
            assert services.is_symlink() != is_aside
            assert (services / "web/run").samefile(top / name / "web/run")
            if is_aside:
                state = services / "web/supervise"
                state.mkdir(exist_ok=True)
                (state / f"{number}").touch()
                kept += 1
            assert len(list(Path(top).glob("service*/web/supervise/*"))) == kept
        assert not (top / "service.new").exists()
