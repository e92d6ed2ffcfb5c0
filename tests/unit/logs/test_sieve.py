"""Lines selected by a search for words must be those that the rules select one by one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.logs import sieve
from slashservice.supervise.logs.lines import Lines, Selection
from slashservice.supervise.logs.patterns import VIEW, essence, one_by_one

if TYPE_CHECKING:
    from slashservice.supervise.logs.action_script import Rules

rules = st.tuples(
    st.booleans(),
    st.text("ab*", max_size=6).map(str.encode),
    st.just(False),
)
fnmatch_rules = st.tuples(
    st.booleans(),
    st.sampled_from([b"*ab*", b"a?ba*", b"*[ab]b*", b"*", b"**", b"?", b"b\\a*"]),
    st.just(True),
)
words = st.lists(st.text("ab", max_size=5).map(str.encode), max_size=6)


def by_rules(script: Rules, text: bytes) -> bytes:
    selects = one_by_one(script)
    return b"".join(line for line in text.splitlines(True) if selects(line[:-1][:VIEW]))


def chosen(selection: Selection, text: bytes) -> bytes:
    return Lines().take(text, b"").chosen(selection).text


@given(script=st.lists(st.one_of(rules, fnmatch_rules), max_size=6).map(tuple), rare=words)
def test_rare_lines(script: Rules, rare: list[bytes]) -> None:
    filler = (b"-" * 1000 + b"\n") * 80
    text = filler + b"".join(word + b"-\nx" + word + b"\n" + word + b"\n" for word in rare)
    assert chosen(Selection(script), text) == by_rules(script, text)


def test_words_of_rules() -> None:
    def words_of(*script: bytes) -> list[bytes] | None:
        rules = tuple((word[:1] == b"+", word[1:], False) for word in script)
        made = sieve.sieve(*essence(rules))
        return None if made is None else [finder.needle for finder in made._finders]

    assert words_of() is None
    assert words_of(b"-*") is None
    assert words_of(b"-*", b"+*error: *", b"-*error: none*") == [b"error: "]
    assert words_of(b"-xy", b"-*", b"+xy*abc*d", b"+*fatal") == [b"\nxy", b"fatal\n"]
    assert words_of(b"-*", b"+abc*x", b"+abc") == [b"\nabc", b"\nabc\n"]
    assert words_of(b"-*", b"+*x*y*", b"+***") is None
    assert words_of(b"-*debug*", b"+*") is None
    assert words_of(b"-*debug*", b"+*error*", b"-noise*") == [b"debug", b"\nnoise"]
    assert words_of(*(b"-word%d*" % n for n in range(17))) is None


@pytest.mark.parametrize("share", [0, 1, 10, 100])
def test_whatever_the_share_of_lines(share: int) -> None:
    """Also where words are so frequent that a search doesn't pay, and where that changes."""
    chance = random.Random(share)
    for script in ([(False, b"*", False), (True, b"*error*", False)], [(False, b"*error*", False)]):
        selection = Selection(tuple(script))
        for now in (share, 0, 100, share) * 12:
            lines = [b"x" * chance.randrange(300) for _ in range(60)]
            lines = [line + b" error" if chance.randrange(100) < now else line for line in lines]
            lines.append(b"y" * 1500 + b" error")
            text = b"\n".join([*lines, b""])
            assert chosen(selection, text) == by_rules(tuple(script), text)
