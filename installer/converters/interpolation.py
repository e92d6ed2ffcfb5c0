"""``${VARIABLE:-default}`` in compose files, as Docker Compose fills it in."""

from __future__ import annotations

import re
from collections.abc import Mapping

from slashservice.installer.converters.unit_words import Unclear

START = re.compile(r"\$(?:(\$)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*))")
HOW = re.compile(r":?[-?+]")


def filled(text: str, values: Mapping[str, str], unset: list[str]) -> str:
    """Return text with its variables filled in. Those that are not set are put into ``unset``."""
    return _filled(text, 0, values, unset, inside=False)[0]


def _filled(
    text: str, at: int, values: Mapping[str, str], unset: list[str], *, inside: bool
) -> tuple[str, int]:
    """Fill in from ``at`` on, up to the brace that ends what is ``inside`` one."""
    made = ""
    while at < len(text):
        if inside and text[at] == "}":
            return made, at + 1
        if text[at] != "$":
            made += text[at]
            at += 1
            continue
        matched = START.match(text, at)
        if not matched:
            raise Unclear(f"{text[at : at + 12]!r} is no variable; $$ is the character")
        at = matched.end()
        if matched[1]:
            made += "$"
        elif matched[2]:
            made += _plain(matched[2], values, unset)
        else:
            piece, at = _braced(text, at, matched[3], values, unset)
            made += piece
    if inside:
        raise Unclear("a ${ is not closed")
    return made, at


def _plain(name: str, values: Mapping[str, str], unset: list[str]) -> str:
    if name not in values:
        unset.append(name)
    return values.get(name, "")


def _braced(
    text: str, at: int, name: str, values: Mapping[str, str], unset: list[str]
) -> tuple[str, int]:
    """Return what ``${NAME...}`` stands for, whose name was read, and where it ends."""
    if text[at : at + 1] == "}":
        return _plain(name, values, unset), at + 1
    how = HOW.match(text, at)
    if not how:
        raise Unclear(f"${{{name}{text[at : at + 8]} is no variable")
    missing: list[str] = []
    other, at = _filled(text, how.end(), values, missing, inside=True)
    is_set = bool(values.get(name)) if how[0][0] == ":" else name in values
    if how[0][-1] == "+":
        unset += missing if is_set else []
        return (other if is_set else ""), at
    if is_set:
        return values[name], at
    if how[0][-1] == "?":
        raise Unclear(f"{name} is not set: {other or 'it must be'}")
    unset += missing
    return other, at


def env_file(text: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a ``.env`` or ``env_file``, as Docker Compose reads them."""
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        matched = re.match(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:=|:\s)[ \t]*", line)
        if not matched or line.lstrip().startswith("#"):
            at = end + 1
            continue
        at += matched.end()
        known = {**values, **found}
        if at < len(text) and text[at] in "'\"":
            value, at = _quoted(text, at, known)
            at = text.find("\n", at) + 1 or len(text)
        else:
            value = re.sub(r"(^|\s+)#.*", "", text[at:end]).strip()
            value = filled(value, known, [])
            at = end + 1
        found[matched[1]] = value
    return found


ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}


def _quoted(text: str, at: int, known: Mapping[str, str]) -> tuple[str, int]:
    """Return a value in quotes, and where it ends."""
    mark = text[at]
    end = at + 1
    while end < len(text) and text[end] != mark:
        end += 2 if text[end] == "\\" else 1
    if end >= len(text):
        raise Unclear(f"a quote {mark} is not closed")
    value = text[at + 1 : end]
    if mark == "'":
        return value.replace("\\'", "'"), end + 1
    value = re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[0]), value, flags=re.DOTALL)
    return filled(value, known, []), end + 1
