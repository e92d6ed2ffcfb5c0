"""From any version to any other: what is the name of one is a rule, in one place."""

from __future__ import annotations

import os

import pytest
from helpers.images import MakeImage
from helpers.installer import plan_for
from hypothesis import given
from hypothesis import strategies as st

from slashservice.installer.host.host import Host
from slashservice.installer.host.layout import is_version, layout
from slashservice.installer.host.state import FileState
from slashservice.installer.plan import source
from slashservice.installer.plan.links import MakeLink
from slashservice.installer.record import transaction

VERSIONS = st.from_regex(r"[0-9a-zA-Z][0-9a-zA-Z.+!~_-]{0,20}", fullmatch=True)


@given(VERSIONS, st.sampled_from(["slashpackage", "fhs", "user"]))
def test_any_word_is_a_version(version: str, name: str) -> None:
    places = layout(name, version, home="/home/ada", data="/home/ada/.local/share")
    target = os.path.basename(places.tree)
    assert is_version(target, places.prefix)
    link = MakeLink(path=places.current, target="x", versions=places.prefix)
    assert link.is_own(FileState("link", target=target))


@pytest.mark.parametrize("target", ["", ".", "..", "/", "/opt/x", "a/b", "../x", ".x{new}"])
def test_what_leads_elsewhere_is_none(target: str) -> None:
    assert not is_version(target)
    assert not is_version(f"slashservice-{target}", "slashservice-")
    assert not is_version(f"else-{target}", "slashservice-")


@pytest.mark.parametrize("version", ["0.0.1", "1.0", "3.0", "9.9", "12!3.0", "v4", "dev", "x~1+2"])
@pytest.mark.parametrize("name", ["fhs", "slashpackage"])
@pytest.mark.parametrize("lost", [False, True])
def test_up_and_down(
    version: str,
    name: str,
    lost: bool,
    make_image: MakeImage,
    small_source: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From any version to any other, with a receipt or without."""
    image = make_image("systemd")
    host = Host(str(image.root))
    here = source.version()
    monkeypatch.setattr(source, "version", lambda: version)
    transaction.install(host, plan_for(host, layout=name), lambda line: None)
    monkeypatch.setattr(source, "version", lambda: here)
    if lost:
        image.path("/var/lib/slashservice/receipt.json").unlink()
    plan = plan_for(host, layout=name)
    transaction.install(host, plan, lambda line: None)
    assert host.readlink(plan.layout.current) == os.path.basename(plan.layout.tree)
