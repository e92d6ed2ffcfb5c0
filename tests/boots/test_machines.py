"""Whole machines, emulated: what namespaces leave out is a kernel of its own and a disk."""

from __future__ import annotations

import pytest
from helpers.boots import story
from helpers.boots.machines import emulated
from helpers.boots.story import Wiring
from helpers.boots.trees import RECIPES

pytestmark = [pytest.mark.boot, pytest.mark.machine, pytest.mark.slow, pytest.mark.root]


@pytest.mark.parametrize("name", ["sysvinit", "systemd"])
def test_whole_story(name: str) -> None:
    recipe = RECIPES[name]
    with emulated(recipe) as machine:
        story.whole_story(machine, Wiring(recipe.parent))
