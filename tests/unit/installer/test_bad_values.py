"""Values that no option, and words that no verb can take: one line, its status, and nothing made.

Every option of every verb that takes a value has to be in the table.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from helpers.images import Image, MakeImage

from slashservice.installer.cli import main
from slashservice.supervise.admin import main as admin

USAGE, REFUSED = 100, 111
VERBS = {
    verb: found
    for verb, found in main.Slashservice("slashservice")._subcommands.items()
    if verb not in admin.VERBS
}

ROOT = {"": USAGE, "/nowhere": REFUSED, "/etc/passwd": REFUSED, "/no\nwhere\x1b[2J": REFUSED}
HOST = dict.fromkeys(
    (
        *("", "name", "ftp://name", "ssh://", "ssh://-oProxyCommand=x", "ssh://a b", "ssh://a\nb"),
        *("ssh://a:0", "ssh://a:65536", "ssh://a:" + "9" * 5000, "ssh://@a", "ssh://a/b"),
    ),
    USAGE,
)
WHERE = {"--root": ROOT, "--host": HOST, "--ssh-option": {"": USAGE, "Port=22": USAGE}}
SCANNED = dict.fromkeys(("", "srv", "/", "/a b", "/srv/..", "/a\nb", "/a'b", "/$HOME"), USAGE)
HOW = WHERE | {
    "--init": dict.fromkeys(("", "nosuch", "system d", "a\nb", "-"), USAGE),
    "--layout": dict.fromkeys(("", "gobo", "FHS", "slashpackage,fhs", "a\nb"), USAGE),
    "--service-dir": SCANNED | dict.fromkeys(("/etc", "/etc/passwd", "/etc/passwd/x"), REFUSED),
    "--python": {"": USAGE}
    | dict.fromkeys(("python", "/no/python", "/etc", "/etc/passwd"), REFUSED),
    "--no-rival": {"": USAGE},
}
PLACES = {
    "--service-dir": {"": USAGE}
    | dict.fromkeys(("/nowhere", "/no\nwhere", "/etc/passwd", "/etc/passwd/x"), REFUSED),
    "--in": {"": USAGE},
}
ACCOUNT = {"": USAGE} | dict.fromkeys(("nosuch", "a b", "a\nb", "-", "root:root"), REFUSED)
TABLE = {
    "install": HOW,
    "plan": HOW,
    "uninstall": WHERE,
    "detect": WHERE,
    "status": WHERE,
    "doctor": WHERE,
    "add": WHERE
    | PLACES
    | {
        "--in": {"": USAGE, "/a\nb": USAGE}
        | dict.fromkeys(("/service", "/service/y", "/etc/passwd", "/etc/passwd/x"), REFUSED),
        "--user": ACCOUNT,
        "--log-user": ACCOUNT,
        "--log-group": ACCOUNT,
        "--log-size": dict.fromkeys(("", "x", "4095", "16777216", "-1", "1e6"), USAGE),
        "--log-number": dict.fromkeys(("", "x", "1", "1000001", "-2", "2.0"), USAGE),
        "--log-processor": dict.fromkeys(("", "a\nb"), USAGE),
        "--run": {"": USAGE}
        | dict.fromkeys(("/nowhere", "/etc", "/etc/passwd", "/no\nwhere", "/dev/zero"), REFUSED),
        "--log": {"": USAGE, "/a\nb": USAGE}
        | dict.fromkeys(
            (
                *("/", "/etc", "/etc/passwd", "/etc/passwd/x", "/service", "/service/y"),
                *("/etc/slashservice", "/etc/slashservice/web", "/etc/slashservice/web/log/main"),
            ),
            REFUSED,
        ),
        "--env": dict.fromkeys(("", "A", "=x", "A/B=c", ".A=b", "A\nB=c", "a\x1b[2J"), USAGE),
        "--env-from": {"": USAGE}
        | dict.fromkeys(("/nowhere", "/etc", "/etc/passwd", "/no\nwhere", "/dev/zero"), REFUSED),
        "--limit": dict.fromkeys(
            (
                *("", "files", "files=", "files=-1", "files=x", "nosuch=1", "files=1e9"),
                *("files=\u0663", f"files={2**63}", "files=" + "9" * 5000, "files=1\n"),
            ),
            USAGE,
        ),
    },
    "remove": WHERE
    | PLACES
    | {"--kill-after": dict.fromkeys(("", "x", "-1", "1.5", "nan", "86401", "1 2", "\n"), USAGE)},
    "import": WHERE
    | PLACES
    | {
        "--in": {"": USAGE, "/service": REFUSED},
        "--from": dict.fromkeys(("", "nosuch", "tar\n"), USAGE),
        "--user": ACCOUNT,
        "--log-user": ACCOUNT,
        # What they make of a file's names only that file tells.
        "--prefix": {"": USAGE} | dict.fromkeys((".", "a/", "a b", "a\n"), REFUSED),
        "--formation": {"": USAGE}
        | dict.fromkeys(("web", "web=", "web=x", "web=-1", "nosuch=1"), REFUSED),
        "--engine": {"": USAGE},
    },
    "export": WHERE | PLACES | {"-o": {"": USAGE}},
    "drain": {"-t": dict.fromkeys(("", "x", "-1", "1.5", "\u00b2", "9" * 10, "1\n"), USAGE)},
    "running": {},
    "help": {},
    "commands": {
        "--python": {"": USAGE} | dict.fromkeys(("python", "/no/python", "/etc/passwd"), REFUSED)
    },
    "demo": {},
    "completion": {},
}
WORDS = {
    "add": ["web", "--no-check", "--", "httpd"],
    "remove": ["web"],
    "import": ["{tmp}/Procfile"],
    "export": ["web"],
    "commands": ["{tmp}/command"],
    "completion": ["bash"],
}
"""What a verb must be given besides."""

CASES = [
    (verb, option, value, status)
    for verb, options in TABLE.items()
    for option, values in options.items()
    for value, status in values.items()
]
WRONG_WORDS: list[tuple[list[str], int]] = [
    *((["add", name, "--", "httpd"], USAGE) for name in ("", ".web", "a b", "a\nb", "ä", "a=b")),
    *((["add", name, "--", "httpd"], REFUSED) for name in ("a/b", "/etc/x/web", "..", "/service")),
    (["add", "web"], USAGE),
    (["add", "web", "--", ""], USAGE),
    (["remove", ""], USAGE),
    (["add", "web", "--", "a\nb"], REFUSED),
    (["add"], USAGE),
    *((["remove", name], REFUSED) for name in (".web", "web", "a\nb", "/etc/passwd", "/", "..")),
    (["remove", "a", "b"], USAGE),
    (["commands", ""], USAGE),
    (["commands", "/etc/passwd"], REFUSED),
    (["commands", "{tmp}"], REFUSED),
    (["completion", "tcsh"], USAGE),
    (["completion", "a\nb"], USAGE),
    (["help", "nosuch"], USAGE),
    (["help", "a\nb"], USAGE),
    (["no\nsuch"], USAGE),
    (["install", "--no\nsuch"], USAGE),
    (["install", "-\n"], USAGE),
    (["install", "--force=x"], USAGE),
    (["install", "--start", "--no-start"], USAGE),
    (["add", "web", "--no-log", "--log", "/x", "--", "httpd"], USAGE),
    (["drain", "a", "b"], USAGE),
    (["drain", ""], USAGE),
    (["drain", "--nosuch"], USAGE),
    (["running", "-t", "3"], USAGE),
]


@pytest.fixture
def image(make_image: MakeImage) -> Image:
    """A host with a scan directory."""
    made = make_image("systemd").folders("/service")
    return (
        made.file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
        .file("/etc/hosts")
        .file("/Procfile", "web: sleep 1000\n")
    )


def called(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, list[str]]:
    """Call the command line here; return the status and the lines on standard error."""
    monkeypatch.setattr(sys, "argv", ["slashservice", *words])
    mask = os.umask(0o022)
    try:
        status = main.run()
    finally:
        os.umask(mask)
    said = capsys.readouterr()
    assert said.out == ""
    return status, said.err.split("\n")


def check(words: list[str], status: int, image: Image, call: pytest.FixtureRequest) -> None:
    """Call the command line, and check that nothing is made and one line said, with advice."""
    words = [word.replace("{tmp}", str(image.root)) for word in words]
    image.folders("/svscan")  # where a command would go
    before = image.snapshot()
    ended, lines = called(
        words, call.getfixturevalue("monkeypatch"), call.getfixturevalue("capsys")
    )
    assert ended == status, lines
    first, *more, last = lines
    kind = "usage" if status == USAGE else "fatal"
    assert first.startswith(f"slashservice: {kind}: "), lines
    assert "Error(" not in first and "internal error" not in first
    assert all(line.startswith("    ") for line in more), lines
    assert last == ""
    assert all(line.isprintable() for line in lines)
    assert image.snapshot() == before


def options(verb: str) -> Iterator[str]:
    """Yield the options of a verb that take a value."""
    made = VERBS[verb].get()(f"slashservice {verb}")
    for switch in made._switches_by_func.values():
        if switch.argtype is not None:
            names = [name for name in switch.names if name != "completions"]  # plumbum's own
            yield from (("-" if len(name) == 1 else "--") + name for name in names)


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_in_the_table(verb: str) -> None:
    assert set(options(verb)) == TABLE[verb].keys()


@pytest.mark.parametrize(("verb", "option", "value", "status"), CASES)
def test_a_bad_value(
    verb: str, option: str, value: str, status: int, image: Image, request: pytest.FixtureRequest
) -> None:
    where = [] if option == "--root" or "--root" not in TABLE[verb] else ["--root", str(image.root)]
    if option == "--host":
        where = []
    check([verb, *where, option, value, *WORDS.get(verb, [])], status, image, request)


@pytest.mark.parametrize(("words", "status"), WRONG_WORDS)
def test_wrong_words(
    words: list[str], status: int, image: Image, request: pytest.FixtureRequest
) -> None:
    where = ["--root", str(image.root)] if "--root" in TABLE.get(words[0], {}) else []
    check([*words[:1], *where, *words[1:]], status, image, request)
