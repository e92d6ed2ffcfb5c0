"""Every command in the pages of ``docs/`` is typed, and says what they show.

``helpers/pages.py`` tells how a page is to be written. Each page has a machine of its own. On those
of ``BY_SECTION``, which nobody reads from the beginning, each section stands for itself.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from helpers import containers, pages
from helpers.booted import booted
from helpers.containers import GROUPS, groups_taken_away
from helpers.keeping import sandboxes
from helpers.pages import Block
from helpers.reading_machine import PREPARE, Reader

OLDER = {
    *("coming-from-runit.md", "debian.md", "design.md", "differences.md", "installing.md"),
    *("packages.md", "proven.md", "releasing.md"),
}
"""Pages with nothing to type, or with tests of their own."""

PAGES = sorted(page for page in pages.DOCS.glob("*.md") if page.name not in OLDER)
BLOCKS = [one for page in PAGES for one in pages.blocks(page)]

BY_SECTION = {"cookbook.md", "troubleshooting.md", "tasks.md"}

BEFORE_INSTALLING = {"getting-started.md", "containers.md"}
"""Pages that begin on a host where it is not installed yet."""

IMAGES = "images are built and run by tests/containers, where nothing can be fetched"

NOT_RUN = {
    ("containers.md", "buildah bud -f container/Containerfile -t slashservice ."): IMAGES,
    ("containers.md", "FROM slashservice"): IMAGES,
    (
        "containers.md",
        "podman run --read-only --tmpfs /run --tmpfs /var/log/slashservice example",
    ): IMAGES,
    ("containers.md", "slashservice add web -- envdir ./env node web.js"): IMAGES,
    (
        "containers.md",
        "slashservice add output --no-log -- svlog -p /run/svscan/passed-on /run/svscan/service",
    ): IMAGES,
    (
        "fleets.md",
        "$ ansible-galaxy collection build fleet/ansible_collections/slashservice/slashservice",
    ): "tests/fleet/test_ansible.py does, and runs the playbook",
}
"""What no test can run: the page and the first line of the block, and why."""

GRAFANA = "docker.io/grafana/grafana"
SERVES = """CMD ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]"""
"""What is in the machine's storage under that name, where nothing can be fetched."""

NEEDED = {
    "PostgreSQL": ("initdb", "postgresql"),
    "node": ("node", "nodejs"),
    "A Java server": ("javac", "default-jdk-headless"),
}
"""Programs that a section needs and not every machine has, with Debian's packages of them."""


def parts() -> dict[str, list[Block]]:
    """Return what is run in one go: a section, or a whole page."""
    found: dict[str, list[Block]] = {}
    for block in BLOCKS:
        if (block.page, block.first) not in NOT_RUN:
            section = f": {block.section}" if block.page in BY_SECTION else ""
            found.setdefault(f"{block.page}{section}", []).append(block)
    return found


PARTS = parts()


@pytest.fixture(scope="module")
def reader_of(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Reader]]:
    """Return what makes the machine of a page, or returns it."""
    made: dict[str, Reader] = {}
    with groups_taken_away(), sandboxes(request) as start:

        def make(page: str) -> Reader:
            if page not in made:
                machine = booted(start, PREPARE + GROUPS, network=True)
                made[page] = Reader(machine)
                if page in BEFORE_INSTALLING:
                    made[page].has_vendor()
                else:
                    made[page].installs()
            return made[page]

        yield make


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_what_a_page_has_readers_type(part: str, reader_of: Callable[[str], Reader]) -> None:
    blocks = PARTS[part]
    program, package = NEEDED.get(blocks[0].section, ("sh", "dash"))
    if not shutil.which(program):
        pytest.skip(f"{program} is not here: install Debian's {package}")
    reader = reader_of(blocks[0].page)
    if blocks[0].section == "A container":
        containers.prepare(reader.machine)
        reader.machine.run("podman", "import", "-q", "-c", SERVES, containers.TAR, GRAFANA)
    for block in blocks:
        reader.reads(block)


def test_every_block_is_run_or_named() -> None:
    """It is of commands, or a file with a path; or the reason why it is neither stands here."""
    neither = {
        (one.page, one.first) for one in BLOCKS if one.language != "console" and not one.path
    }
    assert neither <= set(NOT_RUN)
    assert set(NOT_RUN) <= {(one.page, one.first) for one in BLOCKS}, "each is still there"
    assert set(NEEDED) <= {one.section for one in BLOCKS}


def test_commands_stand_in_fences() -> None:
    """What is indented would not be run."""
    for page in PAGES:
        outside = pages.FENCE.sub("", page.read_text())
        assert not re.findall(r"^    \S.*", outside, re.MULTILINE), page.name


def test_every_page_is_in_the_index() -> None:
    index = (pages.DOCS / "README.md").read_text()
    for page in pages.DOCS.glob("*.md"):
        assert f"]({page.name})" in index or page.name == "README.md"
