"""Every init system that can be had from Debian, booted as PID 1 in namespaces."""

from __future__ import annotations

import pytest
from boots import story
from boots.namespaces import guest
from boots.trees import RECIPES, copied

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.root]


@pytest.mark.parametrize("name", RECIPES)
def test_whole_story(name: str) -> None:
    recipe = RECIPES[name]
    with copied(recipe) as root:
        story.put_checkout(root)
        with guest(recipe, root) as machine:
            story.whole_story(machine, recipe.parent)
