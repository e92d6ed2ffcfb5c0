"""What ``COMMAND --help`` says is short, and as the manual has it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from helpers.checkout import CHECKOUT

from slashservice.supervise import help_texts, program
from slashservice.supervise.chain import launchers

MANUAL = CHECKOUT / "docs" / "man"


def test_every_command_has_its_help() -> None:
    assert sorted(help_texts.TEXTS) == list(launchers.COMMANDS)


@pytest.mark.parametrize("name", launchers.COMMANDS)
def test_it_is_short(name: str) -> None:
    """It fits on a screen: usage, a blank line, what it does, options, where the manual is."""
    first, second, *rest = help_texts.text(name).splitlines()
    assert first.split()[0] == name
    assert (second, rest[-2:]) == ("", ["", f"Manual: man {name}"])
    what = [line for line in rest[: rest.index("")] if line]
    assert 1 <= len(what) <= 3 and what[-1].endswith(".")
    assert max(map(len, [first, *rest])) <= 80
    assert len(rest) < 22


def letters(text: str) -> set[str]:
    """Return the single letters that are options in the synopsis of a page."""
    synopsis = text.partition(".Sh SYNOPSIS\n")[2].partition(".Sh ")[0]
    found = re.findall(r"\bFl ([\w/]+)(?: \| (\w))?", synopsis)
    return {letter for one, other in found for letter in one + other}


@pytest.mark.parametrize("name", sorted({*launchers.COMMANDS} - {"multilog"}))
def test_it_has_every_option_of_the_manual(name: str) -> None:
    """And no other. Multilog's actions are no options."""
    words = re.findall(r"(?<![\w-])-([\w/]+)", help_texts.TEXTS[name])
    told = {letter for word in words for letter in word}
    assert told == letters((MANUAL / f"{name}.8").read_text()) | ({"V"} if name == "sv" else set())


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (["svc", "--help"], True),
        (["/command/svc", "--help"], True),
        (["svc"], False),
        (["svc", "--help", "--help"], False),
        (["svc", "web", "--help"], False),
        (["svc", "--"], False),
        (["svc", "-h"], False),
        (["svc", "--help "], False),
    ],
)
def test_only_for_that_word(argv: list[str], shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", argv)
    assert (program.main_of("svc").__module__ == help_texts.__name__) is shown


@pytest.mark.parametrize("name", help_texts.BY_NAME)
def test_what_is_called_by_another_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for called in (name, "web"):
        monkeypatch.setattr(sys, "argv", [f"/etc/init.d/{called}", "--help"])
        shown = program.main_of(name).__module__ == help_texts.__name__
        assert shown is (called == name)


def test_the_texts_are_loaded_only_then() -> None:
    code = "import sys; sys.argv = ['svc', {!r}]\n"
    code += "from slashservice.supervise import program; program.main_of('svc')\n"
    code += "print('slashservice.supervise.help_texts' in sys.modules)"
    for word, loaded in (("--help", "True\n"), ("web", "False\n")):
        assert (
            subprocess.check_output([sys.executable, "-c", code.format(word)], text=True) == loaded
        )
