"""What is said to type works as it is said: in an image, and for what an account has."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT
from helpers.images import MakeImage
from hypothesis import given
from hypothesis import strategies as st

from slashservice.installer.cli import remedies

HOME = str(Path(sys.executable).parent)
VERBS = ["install", "plan", "uninstall", "detect", "status", "doctor", "add", "remove"]
VERBS += ["import", "export"]
"""The verbs that take --root."""

VERB = re.compile(rf"(?<![\w/`-])slashservice ({'|'.join(VERBS)})\b(?!`)")
ARGUMENT = re.compile(r"(?<![\w/-])(?:chmod|chown|mkdir|mv|rm)( [^;,\n]*)")


@pytest.fixture(autouse=True)
def back() -> Iterator[None]:
    """Leave the words as they are for this host."""
    yield
    remedies.work_on("/", False)


def wrong(said: str, root: str) -> list[str]:
    """Return the commands in what was said that would not do what they say in an image."""
    found = [said[one.start() :].split("\n")[0] for one in VERB.finditer(said)]
    found = [one for one in found if not re.match(rf"slashservice \w+ --root {root}\b", one)]
    paths = [path for one in ARGUMENT.finditer(said) for path in re.findall(r" (/\S*)", one[1])]
    return found + [path for path in paths if not path.startswith(f"{root}/")]


def strings() -> set[str]:
    """Return the strings of the installer that name a verb of ours, but for docstrings."""
    found = set()
    for path in (CHECKOUT / "installer").rglob("*.py"):
        tree = ast.parse(path.read_text())
        documents = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        found |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documents
            and re.search(r"(?<![\w/`-])slashservice [a-z]+", node.value)
        }
    return found


def test_these_are_the_verbs() -> None:
    text = (CHECKOUT / "installer/cli/main.py").read_text()
    assert re.findall(r'\("(\w+)", f"\{HERE\}', text) == VERBS


def test_every_command_that_is_written_down_is_found() -> None:
    texts = strings()
    assert len(texts) > 15
    remedies.work_on("/mnt/image", False)
    for text in texts:
        if re.search(rf"(?<![\w/`-])slashservice ({'|'.join(VERBS)})\b(?! --user| --root)", text):
            assert wrong(remedies.typed(text), "/mnt/image") == [], text


@given(
    before=st.sampled_from(["", "run ", "    ", "then: ", "mended; "]),
    verb=st.sampled_from(VERBS),
    rest=st.sampled_from(["", " finishes it", " --init sysvinit", ", once more", "; rm /a"]),
)
def test_commands_are_for_where_they_work(before: str, verb: str, rest: str) -> None:
    line = f"{before}slashservice {verb}{rest}"
    remedies.work_on("/", False)
    assert remedies.typed(line) == line
    remedies.work_on("/mnt/an image/", False)
    expected = f"{before}slashservice {verb} --root '/mnt/an image'{rest}"
    assert remedies.typed(line) == expected.replace("rm /a", "rm '/mnt/an image'/a")
    assert remedies.typed(remedies.typed(f"slashservice {verb}")).count("--root") == 1
    remedies.work_on("/", True)
    assert remedies.typed(line) == f"{before}slashservice {verb} --user{rest}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mkdir /service", "mkdir I/service"),
        ("chmod +x /service/a/run", "chmod +x I/service/a/run"),
        ("mv /var/a /var/b", "mv I/var/a I/var/b"),
        ("systemctl enable rc-local", "systemctl --root I enable rc-local"),
        ("/command/slashservice drain /service", "/command/slashservice drain /service"),
        ("Written by `slashservice install`", "Written by `slashservice install`"),
    ],
)
def test_paths_are_those_of_the_image(line: str, expected: str) -> None:
    remedies.work_on("I", False)
    assert remedies.typed(line) == expected


def say(root: Path, *words: str) -> str:
    """Call a verb for an image; return all it says, standard error last."""
    done = subprocess.run(
        [f"{HOME}/slashservice", words[0], "--root", str(root), *words[1:]],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


LOOKS = (("status",), ("doctor",), ("install", "-n"), ("uninstall", "-n"))


def test_all_that_is_said_of_an_image_is_for_it(make_image: MakeImage) -> None:
    """Damage an image in many ways, and read what each verb says; follow the advice at the end."""
    image = make_image("sysvinit-debian")
    root = image.root
    script = image.path("/etc/init.d/svscan")
    receipt = image.path("/var/lib/slashservice/receipt.json")
    aside = receipt.with_name("elsewhere")

    def check(*verbs: tuple[str, ...]) -> str:
        said = [say(root, *words) for words in verbs or LOOKS]
        assert [wrong(one, str(root)) for one in said] == [[] for _ in said], said
        return "".join(said)

    assert "is not installed" in check()
    assert "installed" in check(("install",))
    image.link("/service/nowhere", "/nowhere").folders("/service/empty")
    script.write_text(script.read_text() + "# changed\n")
    assert f"rm {root}/service/nowhere" in check()
    image.path("/service/nowhere").unlink()
    image.path("/service/empty").rmdir()
    image.path("/service").rmdir()
    script.unlink()
    assert f"mkdir -p {root}/service" in check()
    text = receipt.read_text()
    receipt.write_text(text.replace('"phase": "installed"', '"phase": "applying"'))
    assert "interrupted" in check()
    receipt.rename(aside)
    assert "its receipt is gone" in check()
    assert "taken as it is" in check(("install",))
    receipt.write_text(text[:-40])
    said = check(*LOOKS, ("install",), ("uninstall",))
    assert said.count("it is damaged") == len(LOOKS) + 2  # each tells of it once
    path = f"{HOME}:{os.environ['PATH']}"
    (typed,) = (one for one in say(root, "status").splitlines() if one.strip().startswith("mv "))
    done = subprocess.run(["sh", "-ec", typed], env={"PATH": path}, check=False)
    assert done.returncode == 0
    assert "nothing found wrong" in check(("doctor",))
    assert "uninstalled" in check(("uninstall",))
    assert sorted(one.name for one in receipt.parent.iterdir()) == ["elsewhere"]
