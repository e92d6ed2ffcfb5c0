"""One look at a host: judged once, and the host is left as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slashservice.installer.detection import look as looking
from slashservice.installer.detection.detect import detect
from slashservice.installer.detection.evidence import Evidence, FirstProcess, Verdict
from slashservice.installer.detection.look import Look, look
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems import INIT_SYSTEMS

IMAGE = Evidence(offline="it is an image", init_program="/lib/systemd/systemd")
SOME_INIT = Evidence(pid1=FirstProcess("init"))


def see(evidence: Evidence, monkeypatch: pytest.MonkeyPatch, **names: str) -> tuple[Host, Look]:
    """Look at a host that runs, of which that is known."""
    monkeypatch.setattr(looking, "probe", lambda host, systems, offline: evidence)
    host = Host()
    return host, look(host, INIT_SYSTEMS, **names)


def test_the_host_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    host, seen = see(IMAGE, monkeypatch)
    assert host.live
    assert not seen.host.live
    assert seen.host.root == host.root
    with pytest.raises(AttributeError):
        host.live = False  # type: ignore[misc]


def test_a_live_host_is_seen_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    host, seen = see(Evidence(pid1=FirstProcess("runit")), monkeypatch)
    assert seen.host is host
    assert seen.found is seen.verdict


def test_no_look_makes_an_image_live(tmp_path: Path) -> None:
    assert not Host(str(tmp_path)).seen_as(live=True).live


def test_what_was_asked_for_is_found_beside_what_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    _, seen = see(SOME_INIT, monkeypatch, asked="initd")
    assert (seen.found.name, seen.verdict.name) == ("", "initd")
    assert seen.host.live


@pytest.mark.parametrize(("before", "live"), [("initd", True), ("", False), ("gone", False)])
def test_what_was_asked_for_before_can_be_stopped(
    before: str, live: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, seen = see(SOME_INIT, monkeypatch, before=before)
    assert seen.host.live == live
    assert not seen.verdict.live


def test_a_host_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[Verdict] = []

    def count(*given: Any) -> Verdict:
        judged.append(detect(*given))
        return judged[-1]

    monkeypatch.setattr(looking, "detect", count)
    see(SOME_INIT, monkeypatch, asked="rclocal", before="initd")
    assert len(judged) == 1
