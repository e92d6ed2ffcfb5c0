"""What README, CONTRIBUTING and docs/ name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT

DOCUMENTS = sorted(
    path for folder in (".", "docs", "vagrant") for path in (CHECKOUT / folder).glob("*.md")
)
PATH = re.compile(
    r"(?<![\w./~-])(?:supervise|installer|init_templates|tests|benchmarks|vagrant|docs)/[\w./*-]*"
)
MODULE = re.compile(r"(?<![\w./*-])\w+\.py\b")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def paths(text: str) -> list[str]:
    """Return the paths below the checkout in ``text``, with NAME in them taken for any name."""
    return [found.rstrip(".").replace("NAME", "*") for found in PATH.findall(text)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_paths_exist(document: Path) -> None:
    missing = [path for path in paths(document.read_text()) if not list(CHECKOUT.glob(path))]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_modules_exist(document: Path) -> None:
    there = {
        path.name for top in ("supervise", "installer") for path in (CHECKOUT / top).rglob("*.py")
    }
    assert set(MODULE.findall(document.read_text())) <= there


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    targets = LINK.findall(document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_design_names_every_wing_and_room() -> None:
    """A room without a line in the map is one that nobody finds."""
    named = {path.strip("/") for path in paths((CHECKOUT / "docs" / "design.md").read_text())}
    rooms = [
        path.parent
        for top in ("supervise", "installer")
        for path in (CHECKOUT / top).rglob("__init__.py")
    ]
    assert {str(room.relative_to(CHECKOUT)) for room in rooms} <= named
