"""Putting lines into files of others, and getting them out again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.installer.errors import Refusal
from slashservice.installer.host.marks import BEGIN, END
from slashservice.installer.plan.edits import (
    Block,
    CommentOut,
    SchemeBlock,
    Target,
    check_text,
)
from slashservice.installer.plan.words import Word

TEXT = st.text("abc:# \n/\r\v\x85", max_size=80).map(str.encode)
LINES = "line one\nline two\n"


class TestBlock:
    def test_goes_to_the_end_with_a_newline_added(self) -> None:
        assert Block("x\n").insert(b"a\nb") == b"a\nb\n" + BEGIN + b"x\n" + END

    def test_makes_a_file(self) -> None:
        made = Block("x\n", fresh="#!/bin/sh\n").insert(b"")
        assert made == b"#!/bin/sh\n" + BEGIN + b"x\n" + END

    def test_goes_before_a_line(self) -> None:
        block = Block("::shutdown:/drain\n", before=r"[^#:\n]*:[^:]*:shutdown:")
        text = b"::sysinit:/rc\n# ::shutdown:/no\n::shutdown:/umount\n"
        assert block.insert(text).index(b"/drain") < text.index(b"::shutdown:/umount") + 80
        assert block.insert(text).endswith(END + b"::shutdown:/umount\n")

    def test_goes_behind_the_leading_comments(self) -> None:
        block = Block("x\n", "start")
        assert block.insert(b"#!/bin/sh\n# why\nexec a\n") == (
            b"#!/bin/sh\n# why\n" + BEGIN + b"x\n" + END + b"exec a\n"
        )

    def test_refuses_broken_marks(self) -> None:
        for text in (BEGIN, END, BEGIN + END + BEGIN + END):
            with pytest.raises(Refusal):
                Block("x\n").remove(text)

    @given(TEXT)
    def test_inserting_twice_is_inserting_once(self, text: bytes) -> None:
        block = Block(LINES, "before-exit")
        assert block.insert(block.insert(text)) == block.insert(text)

    @given(TEXT)
    def test_nothing_of_the_file_is_lost(self, text: bytes) -> None:
        for block in (Block(LINES), Block(LINES, "start"), Block(LINES, before="a")):
            left = block.remove(block.insert(text))
            assert left in (text, text + b"\n")

    @given(TEXT, TEXT)
    def test_removing_leaves_what_others_added(self, text: bytes, more: bytes) -> None:
        edited = Block(LINES).insert(text)
        assert Block(LINES).remove(more + b"\n" + edited).startswith(more)


class TestWord:
    WORD = Word("pkg_scripts", "svscan")

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (b"", b"pkg_scripts=svscan\n"),
            (b"ntpd_flags=", b"ntpd_flags=\npkg_scripts=svscan\n"),
            (b"pkg_scripts=a b\n", b"pkg_scripts=a b svscan\n"),
            (b'pkg_scripts="a b"  # mine\nx=1\n', b'pkg_scripts="a b svscan"  # mine\nx=1\n'),
            (b"pkg_scripts='a b'\n", b"pkg_scripts='a b svscan'\n"),
            (b"pkg_scripts=a b # mine", b"pkg_scripts=a b svscan # mine"),
            (b"pkg_scripts=a", b"pkg_scripts=a svscan"),
            (b" pkg_scripts = a\t\n", b" pkg_scripts = a svscan\t\n"),
            (b'pkg_scripts=""\n', b'pkg_scripts="svscan"\n'),
            (b"pkg_scripts= # none\n", b"pkg_scripts=svscan # none\n"),
            (b"pkg_scripts=a \\\n  b\nx=1\n", b"pkg_scripts=a svscan \\\n  b\nx=1\n"),
            (b'pkg_scripts="a\\\n b"  # c\n', b'pkg_scripts="a svscan\\\n b"  # c\n'),
            (b'pkg_scripts="a\n b"\n', b'pkg_scripts="a svscan\n b"\n'),
            (b'pkg_scripts="\\\n b"\n', b'pkg_scripts="svscan \\\n b"\n'),
            (b"# pkg_scripts=x\npkg_scripts=a\n", b"# pkg_scripts=x\npkg_scripts=a svscan\n"),
            (b"xpkg_scripts=x\n", b"xpkg_scripts=x\npkg_scripts=svscan\n"),
            (b"pkg_scripts=mysvscan\n", b"pkg_scripts=mysvscan svscan\n"),
            (b"pkg_scripts=\n", b"pkg_scripts=svscan\n"),
            (b"pkg_scripts=a\npkg_scripts=b\n", b"pkg_scripts=a\npkg_scripts=b svscan\n"),
            (b"pkg_scripts=a svscan b\n", b"pkg_scripts=a svscan b\n"),
        ],
    )
    def test_insert(self, before: bytes, after: bytes) -> None:
        assert self.WORD.insert(before) == after
        assert self.WORD.insert(after) == after

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (b"pkg_scripts=svscan\n", b""),
            (b"pkg_scripts=a svscan b\n", b"pkg_scripts=a b\n"),
            (b'pkg_scripts="svscan" # mine\n', b'pkg_scripts="" # mine\n'),
            (b"pkg_scripts=svscan a\n", b"pkg_scripts=a\n"),
            (b"pkg_scripts=svscan-x a\n", b"pkg_scripts=svscan-x a\n"),
            (b"pkg_scripts=$(x) svscan\n", b"pkg_scripts=$(x) svscan\n"),
            (b"pkg_scripts=a\n", b"pkg_scripts=a\n"),
            (b"", b""),
        ],
    )
    def test_remove(self, before: bytes, after: bytes) -> None:
        assert self.WORD.remove(before) == after

    @pytest.mark.parametrize(
        "text",
        [
            *(b"pkg_scripts=$PKGS\n", b'pkg_scripts="a\n', b'pkg_scripts="a" b\n'),
            *(b"pkg_scripts=a; other\n", b"pkg_scripts=`cat x`\n", b"pkg_scripts+= a\n"),
            *(b"pkg_scripts=a#b\n", b'pkg_scripts="a # b"\n'),
        ],
    )
    def test_what_can_t_be_told_is_refused(self, text: bytes) -> None:
        with pytest.raises(Refusal, match="what pkg_scripts is set to can't be told"):
            self.WORD.insert(text)
        assert self.WORD.remove(text) == text

    @given(
        st.lists(st.sampled_from(["a", "b-c", "d.e"]), max_size=4),
        st.sampled_from(["", '"', "'"]),
        st.sampled_from([" ", "\t", "  ", " \\\n", " \\\n\t"]),
        st.sampled_from(["", " ", "\t# why", '  # it\'s "mine" \\']),
        st.sampled_from(["", "\n", "\nother=1\n"]),
    )
    def test_all_else_stays(
        self, words: list[str], quote: str, gap: str, rest: str, more: str
    ) -> None:
        """Whatever blanks, quotes, comments and lines that go on there are."""
        text = f"first=x\npkg_scripts={quote}{gap.join(words)}{quote}{rest}{more}".encode()
        made = self.WORD.insert(text)
        assert self.WORD.holds(made) and not self.WORD.holds(text)
        assert self.WORD.insert(made) == made
        assert b"".join(made.replace(b"svscan", b"", 1).split()) == b"".join(text.split())
        if words:
            assert self.WORD.remove(made) == text


class TestCommentOut:
    LINE = "SV:123456:respawn:/command/svscanboot"

    def test_there_and_back(self) -> None:
        text = f"a\n{self.LINE}\nb\n".encode()
        edit = CommentOut(self.LINE)
        assert edit.insert(text) == f"a\n#slashservice# {self.LINE}\nb\n".encode()
        assert edit.insert(edit.insert(text)) == edit.insert(text)
        assert edit.remove(edit.insert(text)) == text

    def test_only_that_very_line(self) -> None:
        text = f"#{self.LINE}\nX{self.LINE}\n".encode()
        assert CommentOut(self.LINE).insert(text) == text


class TestTarget:
    STOP = b"TARGETS = sendsigs urandom umountfs\numountfs: sendsigs urandom\n"

    def test_all_others_wait_for_the_first(self) -> None:
        made = Target("svscan", first=True).insert(self.STOP)
        assert made.splitlines() == [
            b"TARGETS = sendsigs urandom umountfs svscan",
            b"umountfs: sendsigs urandom svscan",
            b"sendsigs: svscan",
            b"urandom: svscan",
        ]

    def test_there_and_back(self) -> None:
        for edit in (Target("svscan", first=True), Target("svscan")):
            assert edit.remove(edit.insert(self.STOP)) == self.STOP
            assert edit.insert(edit.insert(self.STOP)) == edit.insert(self.STOP)

    def test_an_interactive_line_stays(self) -> None:
        text = b"TARGETS = a b\nINTERACTIVE = \nb: a\n"
        assert Target("svscan").remove(Target("svscan").insert(text)) == text

    def test_what_insserv_made_of_it_goes_too(self) -> None:
        text = b"TARGETS = svscan sendsigs\nsendsigs: svscan other\nsvscan: other\n"
        assert Target("svscan").remove(text) == b"TARGETS = sendsigs\nsendsigs: other\n"

    def test_another_kind_of_file_is_left_alone(self) -> None:
        assert Target("svscan").insert(b"something else\n") == b"something else\n"


@pytest.mark.parametrize("data", [b"a\0b\n", b"a\r\nb\r\n"])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(Refusal):
        check_text(data, "/etc/rc.local")


class TestSchemeBlock:
    """Its marks are comments of Scheme, and it leaves all else as it is."""

    @pytest.mark.parametrize("text", [b"", b"(a)\n", b"(a)\n;; begin\n", b"# begin slashservice\n"])
    def test_goes_in_once_and_out_again(self, text: bytes) -> None:
        block = SchemeBlock("(load)\n")
        once = block.insert(text)
        assert once == text + b";; begin slashservice\n(load)\n;; end slashservice\n"
        assert block.insert(once) == once
        assert block.remove(once) == text
        assert block.remove(once + b"(b)\n") == text + b"(b)\n"

    def test_a_last_line_without_an_end_gets_one(self) -> None:
        assert SchemeBlock("(load)\n").insert(b"(a)").startswith(b"(a)\n;; begin")

    def test_broken_marks_are_refused(self) -> None:
        with pytest.raises(Refusal, match="marks"):
            SchemeBlock("(load)\n").insert(b";; begin slashservice\n")
