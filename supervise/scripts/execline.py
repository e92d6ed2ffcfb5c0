"""Scripts of execline: a chain of commands, each of which runs the rest.

``foreground`` and ``if`` run a block by a process of its own before that. ``fdmove -c 2 1`` is
what ``exec 2>&1`` is to a shell.
"""

from __future__ import annotations

from slashservice.supervise.scripts import log_command
from slashservice.supervise.scripts.shell_words import NotPlain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.scripts.plain import Plain

BLOCKS = (b"foreground", b"if")

MERGE = [b"fdmove", b"-c", b"2", b"1"]

NOT_BARE = b'"\\{}#$'

SPACE = b" \t\n\r"


def read(text: bytes, at: int) -> Plain | None:
    """Return what a script comes to; None if its command is not plain. Raises ``NotPlain``."""
    found = _words(text, at)
    values: list[bytes] = [value for _, value, _ in found]
    merged = is_needed = False
    first = 0
    while first < len(values):
        if values[first : first + 4] == MERGE:
            merged = True
            first += 4
        elif values[first] in BLOCKS and _is_brace(found, first + 1, b"{"):
            is_needed = True
            first = _behind_block(found, first + 1)
        else:
            break
    if any(is_brace for _, _, is_brace in found[first:]):
        raise NotPlain
    plain, actions_at = log_command.parse(values[first:])
    if plain is None:
        return None
    plain.merged = merged
    plain.is_needed = is_needed
    plain.exported = {b"PATH"}  # on Debian; foreground sets more
    if is_needed:
        words = found[first + actions_at :]
        raw = [_quoted(value) for _, value, _ in words]
        telling = [b'fdmove 1 9 printf "%s\\\\0"', *raw, b'""']
        plain.before = text[: found[first][0]] + b" ".join(telling) + b"\n"
    return plain


def _quoted(word: bytes) -> bytes:
    return b'"' + word + b'"'


def _is_brace(words: list[tuple[int, bytes, bool]], at: int, brace: bytes) -> bool:
    return at < len(words) and words[at][1:] == (brace, True)


def _behind_block(words: list[tuple[int, bytes, bool]], at: int) -> int:
    """Return the word behind the block that begins at the word ``at``."""
    depth = 0
    while at < len(words):
        depth += _is_brace(words, at, b"{") - _is_brace(words, at, b"}")
        at += 1
        if depth == 0:
            return at
    raise NotPlain


def _words(text: bytes, at: int) -> list[tuple[int, bytes, bool]]:
    """Return where each word begins, what it is, and whether it is a brace."""
    found = []
    while at < len(text):
        c = text[at : at + 1]
        start = at
        if c in SPACE:
            at += 1
        elif c == b"#":
            end = text.find(b"\n", at)
            at = len(text) if end < 0 else end
        elif c == b'"':
            at = text.find(b'"', at + 1) + 1
            word = text[start + 1 : at - 1]
            if at == 0 or b"\\" in word or b"\n" in word or b"$" in word:
                raise NotPlain
            found.append((start, word, False))
            _insist_on_end(text, at)
        elif c in b"{}":
            at += 1
            found.append((start, c, True))
            _insist_on_end(text, at)
        else:
            while at < len(text) and text[at : at + 1] not in SPACE:
                at += 1
            word = text[start:at]
            if any(character in NOT_BARE for character in word):
                raise NotPlain
            found.append((start, word, False))
    return found


def _insist_on_end(text: bytes, at: int) -> None:
    if text[at : at + 1] not in SPACE:
        raise NotPlain
