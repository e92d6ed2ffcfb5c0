"""The picture in the README shows what the commands write."""

from __future__ import annotations

import re
import subprocess
from html import unescape
from pathlib import Path
from xml.etree import ElementTree

from helpers import picture
from helpers.checkout import CHECKOUT

PICTURE = CHECKOUT / "docs/picture/services.svg"


def test_it_is_what_is_drawn_today(tmp_path: Path) -> None:
    """If not, docs/picture/make draws it anew."""
    drawn = tmp_path / "drawn.svg"
    subprocess.run([CHECKOUT / "docs/picture/make", drawn], check=True)
    assert drawn.read_text() == PICTURE.read_text()


def test_it_can_be_shown() -> None:
    root = ElementTree.fromstring(PICTURE.read_text())
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    texts = list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert all(float(text.attrib["y"]) < height for text in texts)
    longest = max(len("".join(text.itertext())) for text in texts)
    assert longest * picture.WIDTH < width <= 1000


def test_the_readme_has_the_same_in_words() -> None:
    """For those who can't see it."""
    shown = [
        unescape(re.sub(r"<[^>]+>", "", line))
        for line in PICTURE.read_text().splitlines()
        if line.startswith("<text")
    ]
    readme = (CHECKOUT / "README.md").read_text()
    table = shown[: next(at for at, line in enumerate(shown) if line.startswith("$ svlog"))]
    assert "".join(f"    {line}\n" for line in table) in readme
