"""The command line of the verbs: any order, any form, and one line for what is wrong."""

from __future__ import annotations

import importlib
import re
import signal
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT
from hypothesis import given
from hypothesis import strategies as some

from slashservice.supervise.admin import main, verbs
from slashservice.supervise.admin.arguments import COMMON, Arguments, Help
from slashservice.supervise.admin.orders import SIGNALS
from slashservice.supervise.messages import MISUSE, Quit

TEXT = "slashservice verb [OPTIONS] NAME...\n\nDo something."
KNOWN = {"flag": False, "value": True, "other": True}
SHORT = {"-f": "flag", "-v": "value"}
MODULES = {
    verb: importlib.import_module(f"slashservice.supervise.admin.{module}")
    for verb, (module, _) in main.VERBS.items()
}
MAN = (CHECKOUT / "docs/man/slashservice.8").read_text().replace("\\-", "-")
COMPLETIONS = [
    path.read_text() for path in (CHECKOUT / "installer/cli/completion").glob("slashservice.*")
]


def parsed(*words: str) -> Arguments:
    return Arguments(words, TEXT, KNOWN, SHORT, "/usual")


WORD = some.text(min_size=1, max_size=8).filter(lambda text: text[0] != "-")
PIECE: some.SearchStrategy[tuple[list[str], str | None, dict[str, str]]] = some.one_of(
    WORD.map(lambda word: ([word], word, {})),
    some.sampled_from(["-f", "--flag"]).map(lambda word: ([word], None, {"flag": ""})),
    some.tuples(some.sampled_from(["-v", "--value"]), some.text(min_size=1)).map(
        lambda pair: (list(pair), None, {"value": pair[1]})
    ),
    some.text(min_size=1).map(lambda text: ([f"--other={text}"], None, {"other": text})),
    WORD.filter(lambda text: text[0] != "=").map(
        lambda text: ([f"-v{text}"], None, {"value": text})
    ),
    WORD.filter(lambda text: text[0] != "=").map(
        lambda text: ([f"-fv{text}"], None, {"flag": "", "value": text})
    ),
)


@given(some.lists(PIECE), some.lists(some.text(min_size=1)))
def test_options_stand_anywhere(
    pieces: list[tuple[list[str], str | None, dict[str, str]]], behind: list[str]
) -> None:
    words = [word for piece, _, _ in pieces for word in piece]
    given_ = parsed(*words, "--", *behind)
    assert given_.words == [word for _, word, _ in pieces if word is not None] + behind
    wanted: dict[str, str] = {}
    for _, _, options in pieces:
        wanted |= options
    assert given_.given == wanted
    assert given_.directory == "/usual"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--nope"], "there is no option --nope"),
        (["-n"], "there is no option -n"),
        (["-fx"], "there is no option -x"),
        (["-xf"], "there is no option -xf"),
        (["-f-flag"], "there is no option -f-flag"),
        (["-fv"], "-v takes a value"),
        (["--flag=x"], "there is no option --flag=x"),
        (["--value"], "--value takes a value"),
        (["--value="], "--value was given nothing"),
        (["-v", ""], "-v was given nothing"),
        (["--service-dir", ""], "--service-dir was given nothing"),
        (["web", ""], "an empty word names no service"),
    ],
)
def test_wrong_usage(words: list[str], what: str) -> None:
    with pytest.raises(Quit) as quit_:
        parsed(*words)
    assert quit_.value.status == MISUSE
    lines = quit_.value.line.decode().splitlines()
    assert lines == [f"slashservice: usage: {what}", "    slashservice verb [OPTIONS] NAME..."]


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help(word: str) -> None:
    with pytest.raises(Help):
        parsed("x", word, "--nope")


def test_which_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert parsed("--service-dir", "/other").directory == "/other"
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(Quit, match="slashservice install --user"):
        parsed("--user")
    (tmp_path / "slashservice").mkdir()
    (tmp_path / "slashservice/receipt.json").write_text('{"service_dir": "/home/me/service"}')
    assert parsed("--user").directory == "/home/me/service"


@pytest.mark.parametrize("verb", MODULES)
def test_every_option_is_told(verb: str) -> None:
    """The help, the manual page and the completions of all shells have it."""
    module = MODULES[verb]
    options = {*getattr(module, "KNOWN", {}), *COMMON}
    with pytest.raises(Help) as asked:
        module.main(verb, ["--help"], "/usual")
    text = str(asked.value)
    assert text.startswith(f"slashservice {verb} ")
    assert "man " in text
    for option in options:
        short = [key for key, value in getattr(module, "SHORT", {}).items() if value == option]
        names = [f"--{option}", *short]
        assert any(re.search(rf"(?<![\w-]){name}\b", text) for name in names), option
        manual = [name[1:] for name in names]
        assert any(f"Fl {name}" in MAN for name in manual) or verb == "logs", option
        for completion in COMPLETIONS:
            assert any(re.search(rf"\b{name.lstrip('-')}\b", completion) for name in names), option


@pytest.mark.parametrize(
    ("words", "become"),
    [
        (["-9", "web"], ["-s", "9", "web"]),
        (["web", "-HUP"], ["web", "-s", "HUP"]),
        (["-SIGTERM", "web"], ["-s", "SIGTERM", "web"]),
        (["-w", "-9", "web"], ["-w", "-9", "web"]),
        (["-s", "-9"], ["-s", "-9"]),
        (["--", "-9"], ["--", "-9"]),
        (["-w5", "-t", "5", "-99"], ["-w5", "-t", "5", "-99"]),
    ],
)
def test_signals_as_for_kill(words: list[str], become: list[str]) -> None:
    assert verbs.signal_options(words) == become


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_has_a_number(name: str) -> None:
    number = getattr(signal, f"SIG{name}").value
    for word in (name, f"SIG{name}", name.lower(), str(number)):
        assert verbs.signal_of(word) == name
