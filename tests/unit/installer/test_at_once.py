"""Services that are added and removed by several at once: one has it, the others are told."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

import pytest
from helpers.checkout import COMMAND
from helpers.images import Image
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Call = tuple[str, str]


@pytest.fixture
def image(plain_image: Image) -> Image:
    """An image with a scan directory."""
    return plain_image


def at_once(image: Image, calls: Sequence[Call]) -> list[tuple[int, str]]:
    """Start all calls, then wait for each; return its status, and what it has said."""
    running = []
    for verb, name in calls:
        words = ["--no-log", "--no-check", "--", "/bin/true"] if verb == "add" else []
        running.append(
            subprocess.Popen(
                [COMMAND, verb, name, "--root", str(image.root), *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"]},
                text=True,
            )
        )
    return [(process.communicate()[0], process.returncode)[::-1] for process in running]


def assert_whole(image: Image) -> set[str]:
    """Assert that nothing is half made; return the names of the services."""
    homes, scanned = image.path("/etc/slashservice"), image.path("/service")
    made = {one.name for one in homes.iterdir()} if homes.exists() else set()
    linked = {one.name for one in scanned.iterdir()}
    assert made == linked
    for name in made:
        assert (homes / name / "run").read_text().endswith("exec /bin/true\n")
        assert os.readlink(scanned / name) == f"/etc/slashservice/{name}"
    return made


def clear(image: Image) -> None:
    """Remove all services: what one example has left is no matter of the next."""
    shutil.rmtree(image.path("/etc/slashservice"), ignore_errors=True)
    for link in image.path("/service").iterdir():
        link.unlink()


def test_of_many_that_add_one_name_one_has_it(image: Image) -> None:
    ended = at_once(image, [("add", "same")] * 6)
    assert sorted(status for status, _ in ended) == [0, 111, 111, 111, 111, 111]
    for status, said in ended:
        if status:
            assert said == ("slashservice: fatal: there is a service same already: /service/same\n")
    assert assert_whole(image) == {"same"}


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=12
)
@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "remove"]), st.sampled_from("ab")),
        min_size=3,
        max_size=6,
    )
)
def test_any_mixture_ends_in_order(image: Image, calls: list[Call]) -> None:
    clear(image)
    ended = at_once(image, calls)
    for (verb, name), (status, said) in zip(calls, ended, strict=True):
        assert status in (0, 111), said
        if status:
            told = "there is a service" if verb == "add" else "there is no service"
            last = said.splitlines()[-1]
            assert last.startswith(f"slashservice: fatal: {told} {name} "), said
        assert "{new}" not in said and "internal" not in said
    left = assert_whole(image)
    for name in sorted(left):
        assert at_once(image, [("remove", name)])[0][0] == 0
    assert assert_whole(image) == set()
