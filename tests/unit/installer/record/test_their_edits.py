"""What somebody has made of our part of a file is never lost, whatever puts that part in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.images import KINDS, Image
from helpers.installer import plan_for
from helpers.lost import lose, recover
from hypothesis import given
from hypothesis import strategies as st

from slashservice.installer.host.host import Host, state_folder
from slashservice.installer.host.marks import BrokenMarks
from slashservice.installer.plan import templates
from slashservice.installer.plan.edits import (
    COMMENT_MARK,
    EDITORS,
    Block,
    CommentOut,
    Editor,
    Marked,
    SchemeBlock,
    Target,
    lines_of,
)
from slashservice.installer.plan.files import EditFile
from slashservice.installer.plan.words import Word
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction
from slashservice.installer.record.theirs import respecting

EDIT = "EDIT-OF-MINE"
SAMPLES: dict[str, tuple[list[Editor], bytes]] = {
    "block": (
        [Block("ours one\nours two\n"), Block("ours\n", "start"), Block("ours\n", before="b")],
        b"#!/bin/sh\na\nb\n",
    ),
    "word": ([Word("pkg_scripts", "svscan")], b"x=1\npkg_scripts=redis\n"),
    "comment-out": ([CommentOut("b c"), CommentOut("b c", f":\n{COMMENT_MARK}")], b"a\nb c\nd\n"),
    "target": ([Target("svscan"), Target("svscan", first=True)], b"TARGETS = a b\nb: a\n"),
    "scheme-block": ([SchemeBlock("(load)\n(more)\n")], b"(a)\n;; b\n"),
}
"""Of each kind of editor some, and a text that it is for."""

CASES = [(editor, text) for editors, text in SAMPLES.values() for editor in editors]


def test_every_kind_of_editor_has_samples() -> None:
    assert SAMPLES.keys() == EDITORS.keys()
    for name, (editors, _) in SAMPLES.items():
        assert {type(one) for one in editors} == {EDITORS[name]}


@pytest.mark.parametrize(("editor", "text"), CASES)
def test_each_finds_its_own_part(editor: Editor, text: bytes) -> None:
    assert editor.found(text) is None
    assert editor.found(editor.insert(text)) == editor.own


@given(
    case=st.sampled_from(CASES),
    place=st.integers(0, 12),
    change=st.sampled_from(["line", "rest", "begin", "gone"]),
)
def test_a_change_stays_or_is_seen(case: tuple[Editor, bytes], place: int, change: str) -> None:
    """Taking our part out, and putting it in again, loses nothing that is not told of."""
    editor, text = case
    lines = lines_of(editor.insert(text))
    at = place % len(lines)
    mine = f"# {EDIT}".encode()
    if isinstance(editor, Target) and at == 0 and change in ("line", "begin"):
        at = len(lines) - 1  # else it is a file of another kind
    if change == "line":
        lines.insert(at, mine + b"\n")
    elif change == "rest":
        lines[at] = lines[at].rstrip(b"\n") + b" " + mine + b"\n"
    elif change == "begin":
        lines[at] = mine + b" " + lines[at]
    else:
        del lines[at]
    changed = b"".join(lines)
    try:
        found = editor.found(changed)
        kept = [editor.remove(changed), editor.insert(changed)]
    except BrokenMarks:
        return
    edited = found not in (None, editor.own)
    if change != "gone":
        is_order = isinstance(editor, Target)  # a file that insserv writes anew at any time
        assert edited or is_order or all(EDIT.encode() in one for one in kept)
    elif isinstance(editor, (Block, SchemeBlock)):
        ours = editor.own.encode().splitlines(keepends=True)
        assert edited == (lines_of(editor.insert(text))[at] in ours)


def planned(image: Image, **options: object) -> tuple[Host, object]:
    """Return a host and what is planned for it in view of what is installed."""
    host = Host(str(image.root))
    return host, respecting(host, plan_for(host, **options), receipts.load(host))


def install(image: Image, **options: object) -> list[str]:
    """Install; return the notes."""
    host, plan = planned(image, **options)
    transaction.install(host, plan, lambda line: None)  # type: ignore[arg-type]
    return list(plan.notes)  # type: ignore[attr-defined]


def uninstall(image: Image) -> list[str]:
    """Uninstall; return the notes."""
    return transaction.uninstall(Host(str(image.root)), lambda line: None)


def edits(image: Image) -> list[EditFile]:
    """Return what was put into files of others."""
    receipt = receipts.load(Host(str(image.root)))
    assert receipt is not None
    return [one.action for one in receipt.entries if isinstance(one.action, EditFile)]


def mutate(path: Path, action: EditFile, how: str) -> None:
    """Be the administrator who changes our part of a file."""
    lines = lines_of(path.read_bytes())
    own = action.editor.own.encode("latin-1").splitlines()[0]
    at = next(number for number, line in enumerate(lines) if own in line)
    sign = b";; " if isinstance(action.editor, SchemeBlock) else b"# "
    if how == "line":
        lines.insert(at, sign + EDIT.encode() + b"\n")
    else:
        lines[at] = lines[at].rstrip(b"\n") + b" " + sign + EDIT.encode() + b"\n"
    path.write_bytes(b"".join(lines))


def where_it_is(image: Image, path: str) -> list[str]:
    """Return where the edit is: in the file, or in copies of it that are kept."""
    folder = f"{state_folder(Host(str(image.root)))}/kept"
    here = image.path(path)
    found = [path] if here.exists() and EDIT in here.read_text() else []
    copies = image.path(folder).rglob("*") if image.path(folder).exists() else ()
    return found + [str(one) for one in copies if one.is_file() and EDIT in one.read_text()]


def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all templates say something else from now on."""
    real = templates.read

    def changed(name: str) -> str:
        sign = ";;" if name.endswith(".scm") else "#"
        text = real(name)
        return text if "<plist" in text else f"{text}{sign} newer\n"

    monkeypatch.setattr(templates, "read", changed)


def same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the templates as they are."""


@pytest.mark.parametrize("then", [same, newer])
def test_on_every_kind_of_host(
    kind_name: str,
    then: Callable[[pytest.MonkeyPatch], None],
    image: Image,
    small_source: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Install, upgrade and uninstall lose no edit, and name each that is not where it was."""
    options = KINDS[kind_name].options
    install(image, **options)
    mine = [one for one in edits(image) if not isinstance(one.editor, Target)]
    for number, action in enumerate(mine, list(KINDS).index(kind_name)):
        mutate(image.path(action.path), action, ("line", "rest")[number % 2])
    then(monkeypatch)
    notes = install(image, **options)
    for action in mine:
        assert where_it_is(image, action.path), action
        edited = action.editor.found(image.path(action.path).read_bytes()) != action.editor.own
        if edited or action.path not in where_it_is(image, action.path):
            assert any(action.path in note for note in notes), (action, notes)
    notes = uninstall(image)
    for action in mine:
        assert where_it_is(image, action.path), action
        if action.path not in where_it_is(image, action.path) and then is same:
            assert any(action.path in note for note in notes), (action, notes)


@pytest.mark.parametrize("verb", ["install", "uninstall"])
def test_without_a_receipt(kind_name: str, verb: str, image: Image, small_source: object) -> None:
    """Nor where it is lost, and is made anew of what is there."""
    options = KINDS[kind_name].options
    install(image, **options)
    mine = [one for one in edits(image) if isinstance(one.editor, Marked)]
    for action in mine:
        mutate(image.path(action.path), action, "line")
    host = Host(str(image.root))
    lose(host)
    found = recover(host)
    assert found is not None
    said: list[str] = []
    if verb == "install":
        plan = respecting(host, plan_for(host, **options), found)
        transaction.install(host, plan, said.append, found)
        said += plan.notes
    else:
        said += transaction.uninstall(host, said.append, found)
    for action in mine:
        assert where_it_is(image, action.path), action
        assert any(action.path in one for one in said), (action, said)
