"""Every init system that can be had from Debian, booted as PID 1 in namespaces."""

from __future__ import annotations

import pytest
from helpers.boots import story
from helpers.boots.namespaces import guest
from helpers.boots.story import Wiring
from helpers.boots.trees import RECIPES

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.root]


@pytest.mark.parametrize("name", RECIPES)
def test_whole_story(name: str) -> None:
    recipe = RECIPES[name]
    with guest(recipe) as machine:
        story.whole_story(machine, Wiring(recipe.parent))
