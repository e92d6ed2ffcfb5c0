"""Whatever words and variables a file has, in whatever quotes: just those arrive in the process."""

from __future__ import annotations

import json
import random
import shlex
import subprocess
from pathlib import Path

import pytest
from helpers.tree import ENVIRONMENT
from helpers.waiting import GENEROUS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slashservice.installer.converters import kinds
from slashservice.installer.converters.kinds import Choices
from slashservice.installer.converters.losses import Losses
from slashservice.installer.host.host import Host

pytestmark = [pytest.mark.root, pytest.mark.slow]

RECORDER = """#!/usr/bin/python3 -IS
import json, os, sys
os.write(1, json.dumps([sys.argv[1:], dict(os.environ)]).encode())
"""

CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0\x0b\x0c\x1c\x1d\x1e\x85")
AWKWARD = st.sampled_from(["", " ", "'", '"', "\\", "$", "${X}", "$X", "%", "%n", "a b", ";", "#"])
WORD = st.one_of(
    AWKWARD, st.text(CHARACTERS, max_size=12), st.text("ab $%\\'\"`{}~*;#\t", max_size=8)
)
NAME = st.from_regex(r"[A-Z][A-Z0-9_]{0,6}", fullmatch=True).filter(
    lambda name: name not in ("PATH", "IFS", "PWD", "HOME", "USER", "LOGNAME", "SHELL", "OLDPWD")
)
EXAMPLES = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def recorder(world_dir: Path) -> Path:
    """A program that prints its words and its variables."""
    path = world_dir / "recorder"
    path.write_text(RECORDER)
    path.chmod(0o755)
    return path


def arrived(
    source: Path, choices: Choices, ours: Path, losses: Losses | None = None
) -> tuple[list[str], dict[str, str]]:
    """Import a file, and run its run script; return the words and the variables that arrive."""
    (made,) = kinds.drawn(Host(), [str(source)], choices, losses or Losses())
    folder = source.parent / "service"
    subprocess.run(["rm", "-rf", folder], check=True)
    for name, state in made.contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(state.data)
        path.chmod(state.mode)
    done = subprocess.run(
        ["./run"],
        cwd=folder,
        env={"PATH": f"{ours}:{ENVIRONMENT['PATH']}", "X": "unit has none", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=GENEROUS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    words, variables = json.loads(done.stdout)
    return words, variables


def for_systemd(word: str, chance: random.Random) -> str:
    """Write a word as a unit may have it, in one of the ways there are."""
    text = word.replace("%", "%%")
    escapes = {"\\": r"\\", "\n": r"\n", "\t": r"\t", "\r": r"\r"}
    how = chance.choice("dsx")
    if how == "x":
        return "".join(f"\\x{byte:02x}" for byte in text.encode()) or '""'
    mark = '"' if how == "d" else "'"
    made = "".join(escapes.get(one, f"\\{one}" if one == mark else one) for one in text)
    return mark + made + mark


@EXAMPLES
@given(
    words=st.lists(WORD, max_size=5),
    variables=st.dictionaries(NAME, WORD, max_size=4),
    seed=st.integers(0, 1000),
    account=st.sampled_from(["", "nobody"]),
)
def test_by_a_unit(
    words: list[str],
    variables: dict[str, str],
    seed: int,
    account: str,
    recorder: Path,
    ours: Path,
    tmp_path: Path,
) -> None:
    chance = random.Random(seed)
    text = "[Service]\n"
    for name, value in variables.items():
        text += f"Environment={for_systemd(f'{name}={value}', chance)}\n"
    line = " ".join(for_systemd(word.replace("$", "$$"), chance) for word in words)
    text += f"ExecStart={recorder} {line} ${{{next(iter(variables), 'NONE')}}}\n"
    text += f"User={account}\n"
    source = tmp_path / "it.service"
    source.write_text(text)
    found, environment = arrived(source, Choices(), ours)
    assert found == [*words, next(iter(variables.values()), "")]
    assert {name: environment[name] for name in variables} == variables


@EXAMPLES
@given(
    value=st.text("ab -=\t", max_size=12),
    fixed=st.text("ab'\"$ \\", max_size=6),
)
def test_words_of_a_variable(
    value: str, fixed: str, recorder: Path, ours: Path, tmp_path: Path
) -> None:
    """``$X`` alone is as many words as it has; ``${X}`` is one."""
    text = "[Service]\n" + f"Environment={for_systemd(f'Y={value}', random.Random(1))}\n"
    text += f"Environment={for_systemd(f'Z={fixed}', random.Random(1))}\n"
    text += f"ExecStart={recorder} $Y \"${{Y}}\" a${{Z}}b $Y $NOSUCH ${{NOSUCH}} '$Y'\n"
    source = tmp_path / "it.service"
    source.write_text(text)
    found, _ = arrived(source, Choices(), ours)
    split = value.split()
    assert found == [*split, value, f"a{fixed}b", *split, "", *split]


@EXAMPLES
@given(
    variables=st.dictionaries(NAME, WORD, max_size=5),
    quotes=st.sampled_from("'\"\\"),
)
def test_by_a_file_of_variables(
    variables: dict[str, str], quotes: str, recorder: Path, ours: Path, tmp_path: Path
) -> None:
    def written(value: str) -> str:
        if quotes == "'" and "'" not in value:
            return f"'{value}'"
        if quotes == "\\" and not {"\n", "\r"} & set(value):
            return "".join(f"\\{one}" for one in value)
        return '"' + "".join(f"\\{one}" if one in '"\\`$' else one for one in value) + '"'

    file = tmp_path / "variables"
    file.write_text("".join(f"{name}={written(value)}\n" for name, value in variables.items()))
    source = tmp_path / "it.service"
    source.write_text(f"[Service]\nEnvironmentFile={file}\nExecStart={recorder}\n")
    _, environment = arrived(source, Choices(), ours)
    assert {name: environment[name] for name in variables} == variables


@EXAMPLES
@given(
    words=st.lists(
        st.text(CHARACTERS.filter(lambda one: one not in "\r\n;#"), max_size=10), max_size=5
    ),
    variables=st.dictionaries(NAME, st.text("ab,=%$\\ {}*", max_size=8), max_size=4),
    account=st.sampled_from(["", "daemon"]),
)
def test_by_supervisord(
    words: list[str],
    variables: dict[str, str],
    account: str,
    recorder: Path,
    ours: Path,
    tmp_path: Path,
) -> None:
    line = shlex.join([str(recorder), *words]).replace("%", "%%")
    pairs = ",".join(f'{name}="{value}"' for name, value in variables.items()).replace("%", "%%")
    text = f"[program:it]\ncommand={line}\nenvironment={pairs}\nautorestart=true\n"
    source = tmp_path / "it.conf"
    source.write_text(text + (f"user={account}\n" if account else ""))
    found, environment = arrived(source, Choices(), ours)
    assert found == words
    assert {name: environment[name] for name in variables} == variables


@EXAMPLES
@given(words=st.lists(WORD, max_size=4), value=st.text("ab$\\ {}*`%'", max_size=8))
def test_by_a_procfile(
    words: list[str], value: str, recorder: Path, ours: Path, tmp_path: Path
) -> None:
    """A line is one of shell."""
    words = [word.replace("\n", "").replace("\r", "") for word in words]
    line = shlex.join([str(recorder), *words])
    escaped = "".join(f"\\{one}" if one in '"\\' else one for one in value)
    (tmp_path / ".env").write_text(f'VALUE="{escaped}"\n')
    source = tmp_path / "Procfile"
    source.write_text(f'it: {line} "$VALUE" $PORT\n')
    found, environment = arrived(source, Choices(), ours)
    assert found == [*words, value, "5000"]
    assert environment["VALUE"] == value


ENGINE = """#!/usr/bin/python3 -IS
import json, os, sys
if sys.argv[1] == "run":
    os.write(1, json.dumps([sys.argv[2:], dict(os.environ)]).encode())
"""


@EXAMPLES
@given(words=st.lists(WORD, min_size=1, max_size=4), value=WORD)
def test_by_compose(words: list[str], value: str, ours: Path, tmp_path: Path) -> None:
    engine = tmp_path / "fake-engine-that-only-tells-its-words"
    engine.write_text(ENGINE)
    engine.chmod(0o755)

    def doubled(text: str) -> str:
        whole = text.replace("$", "$$")
        return '"' + "".join(f"\\U{ord(one):08x}" for one in whole) + '"'

    listed = ", ".join(map(doubled, words))
    text = f"services:\n  it:\n    image: x\n    command: [{listed}]\n"
    text += f"    network_mode: none\n    environment:\n      VALUE: {doubled(value)}\n"
    source = tmp_path / "compose.yaml"
    source.write_text(text)
    found, environment = arrived(source, Choices(engine=str(engine)), ours)
    assert found[found.index("x") + 1 :] == words
    assert environment["VALUE"] == value
