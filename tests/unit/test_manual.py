"""The manual pages: there is one for every command, and mandoc finds nothing to say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT

from slashservice.installer.noted import NAMES
from slashservice.supervise.chain import launchers
from slashservice.supervise.protocol import names

MANUAL = CHECKOUT / "docs" / "man"
PAGES = sorted(MANUAL.glob("*.[578]"))
TABLE = MANUAL / "README.md"


@pytest.mark.parametrize("name", launchers.COMMANDS)
def test_every_command_has_a_page(name: str) -> None:
    text = (MANUAL / f"{name}.8").read_text()
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO"):
        assert f".Sh {heading}" in text


def test_the_pages_are_clean() -> None:
    found = subprocess.run(
        ["mandoc", "-T", "lint", "-W", "warning", *PAGES], capture_output=True, text=True
    )
    assert found.stdout == ""
    assert found.returncode == 0


def unpaired(text: str) -> str:
    """Return the first place in a page where quotes or brackets are within their like, or left."""
    for opens, closes in (("\u201c", "\u201d"), ("\u2018", "\u2019")):
        depth = 0
        for found in re.finditer(f"[{opens}{closes}]", text):
            depth += 1 if found[0] == opens else -1
            if depth not in (0, 1):
                return text[max(0, found.start() - 60) : found.end() + 20]
        if depth:
            return f"{depth} {opens}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_quotes_are_pairs(page: Path) -> None:
    """A macro of mdoc takes the rest of its line, others of its kind included."""
    shown = subprocess.check_output(["mandoc", "-T", "utf8", page], text=True)
    assert unpaired(re.sub(r".\x08", "", shown)) == ""


def test_what_is_no_pair_is_found() -> None:
    text = (MANUAL / "svstat.8").read_text()
    text = text.replace(".Sh EXIT STATUS", ".Pq Dq want up , Dq want down .\n.Sh EXIT STATUS")
    shown = subprocess.run(
        ["mandoc", "-T", "utf8"], input=text, capture_output=True, text=True, check=True
    ).stdout
    assert "want up" in unpaired(re.sub(r".\x08", "", shown))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_other_pages_that_are_named_are_there(page: Path) -> None:
    """All that have our names; of others nobody can tell."""
    ours = {one.name for one in PAGES}
    names = {one.stem for one in PAGES}
    found = re.findall(r"\.?Xr (\S+) (\d)", page.read_text())
    assert not {f"{name}.{section}" for name, section in found if name in names} - ours


def test_the_overview_has_every_command() -> None:
    text = (MANUAL / "slashservice.7").read_text()
    listed = re.findall(r"^\.It Xr (\S+) 8 Ta ", text, re.M)
    assert sorted(listed) == sorted([*launchers.COMMANDS, "slashservice"])


def test_the_table_of_pages() -> None:
    """What a browser shows has each page, with the line that it has for itself."""
    rows = re.findall(r"^\| \[(\S+)\((\d)\)\]\((\S+)\) \| (.*) \|$", TABLE.read_text(), re.M)
    assert sorted(rows) == sorted(
        (page.stem, page.suffix[1:], page.name, title(page)) for page in PAGES
    )


def title(page: Path) -> str:
    """Return the line that a page has for itself."""
    return next(line[4:] for line in page.read_text().splitlines() if line.startswith(".Nd "))


def test_they_are_found(tmp_path: Path) -> None:
    """By ``apropos`` and ``whatis``, under the name of what they are for."""
    for page in PAGES:
        folder = tmp_path / f"man{page.suffix[1:]}"
        folder.mkdir(exist_ok=True)
        shutil.copy(page, folder)
    subprocess.run(["makewhatis", tmp_path], check=True)

    def finds(program: str, word: str) -> set[str]:
        command = [program, "-M", str(tmp_path), word]
        said = subprocess.check_output(command, text=True)
        return {line.partition(" - ")[0] for line in said.splitlines()}

    assert {"daemontools(7)", "slashservice(7)"} <= finds("mapropos", "daemontools")
    assert finds("mwhatis", "slashservice") == {"slashservice(7)", "slashservice(8)"}
    for page in PAGES:
        assert f"{page.stem}({page.suffix[1:]})" in finds("mwhatis", page.stem)


def own_names() -> list[str]:
    """The names that svscan knows in a service directory, but for those of its own folder."""
    values = [value for name, value in vars(names).items() if not name.startswith("SCANNER")]
    paths = [os.fsdecode(one) for one in values if isinstance(one, bytes)]
    found = [os.path.basename(path) for path in paths if not os.path.isabs(path)]
    return sorted({one for one in found if not one.endswith(".new")} | set(NAMES))


@pytest.mark.parametrize("name", own_names())
def test_the_page_of_a_service_has_every_name(name: str) -> None:
    """Each is what an item is about, and it is said whose it is."""
    text = (MANUAL / "service.5").read_text().replace(r"\-", "-")
    items = [line for line in text.splitlines() if line.startswith(".It Pa ")]
    about = {word.strip(",/") for line in items for word in line.split(" Pq ")[0].split()[2:]}
    about |= {word.split("/")[0] for word in about}
    assert name == "supervise" or name in about
    assert all(" Pq " in line for line in items)
    assert f"Pa {name}" in text
