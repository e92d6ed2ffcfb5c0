"""Artefacts from their templates: files of ``init_templates/``, with ``@name@`` filled in."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from slashservice import init_templates

HOLE = re.compile(r"@([a-z_]+)@")


def read(name: str) -> str:
    """Return the text of template ``name``, with its holes."""
    folder = os.path.dirname(os.path.abspath(init_templates.__file__))
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return a template's text with each ``@key@`` replaced by the value of that key.

    A key without a value is a ``KeyError``: templates and callers must agree.
    """
    return HOLE.sub(lambda hole: values[hole.group(1)], text)
