"""The verbs that change what a service is: enable, disable, env, edit; and logs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from helpers.administration import Administrator, Said
from helpers.services import await_pid, in_status
from helpers.tree import Tree
from helpers.waiting import until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

LOG = "#!/bin/sh\nexec multilog t ./main\n"


def test_enabling(tree: Tree, admin: Administrator) -> None:
    web = tree.add("web")
    tree.svscan()
    pid = await_pid(web)
    said = admin.types("disable", "web")
    line = f"web: disabled; it runs on (pid {pid}): slashservice stop web ends it\n"
    assert said == Said(0, line, "")
    assert (web / "down").read_bytes() == b"" and in_status(web) == pid
    assert admin.types("disable", "web").out.startswith("web: is disabled already")
    assert admin.types("enable", "web") == Said(0, f"web: enabled; it runs (pid {pid})\n", "")
    assert not (web / "down").exists()
    assert admin.types("enable", "web").out.startswith("web: is enabled already")
    said = admin.types("disable", "nope")
    assert said == Said(1, f"nope: there is no service directory {tree.scan}/nope\n", "")


VALUES = some.text(some.characters(codec="utf-8", exclude_characters="\0\r"))


@given(VALUES.filter(lambda text: text == text.rstrip(" \t")))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_variables_come_through(tree: Tree, admin: Administrator, value: str) -> None:
    """Any value is what envdir, the original, gives to the service."""
    web = tree.real / "web"
    if not web.exists():
        web = tree.add("web", "#!/bin/sh\nexec envdir ./env sleep 1000\n")
    said = admin.types("env", "web", f"VALUE={value}")
    assert (said.status, said.errors) == (0, "")
    assert (web / "env/VALUE").stat().st_mode & 0o777 == 0o600
    assert (web / "env").stat().st_mode & 0o777 == 0o700
    shown = subprocess.check_output(
        ["/usr/bin/envdir", web / "env", "/usr/bin/printenv", "-0", "VALUE"] if value else ["true"]
    )
    assert shown == (value.encode() + b"\0" if value else b"")


def test_variables(tree: Tree, admin: Administrator) -> None:
    tree.add("web", "#!/bin/sh\nexec envdir ./env sleep 1000\n")
    assert admin.types("env", "web") == Said(0, "", "")
    done = "web: done; slashservice restart web has it see them\n"
    assert admin.types("env", "web", "B=2 3", "A=1") == Said(0, done, "")
    assert admin.types("env", "web") == Said(0, "A=1\nB=2 3\n", "")
    assert admin.types("env", "web", "--unset", "A") == Said(0, done, "")
    assert admin.types("env", "web") == Said(0, "B=2 3\n", "")
    said = admin.types("env", "web", "--unset", "A")
    assert said == Said(111, "", "slashservice: fatal: A is not set\n")
    plain = tree.add("plain")
    said = admin.types("env", "plain", "A=1")
    assert said.status == 0 and f"{tree.scan}/plain/run does not read them" in said.errors
    assert (plain / "env/A").read_text() == "1\n"


@pytest.mark.parametrize(
    ("words", "status", "what"),
    [
        ([], 100, "of which service?"),
        (["web", "word"], 100, "word is no VARIABLE=VALUE"),
        (["web", "=x"], 100, "is no VARIABLE=VALUE"),
        (["web", "a/b=x"], 100, "a/b is no VARIABLE=VALUE"),
        (["web", "A=x "], 100, "can't end in a blank"),
        (["web", "--unset", "../run"], 100, "../run is no name of a variable"),
        (["nope", "A=x"], 111, "there is no "),
    ],
)
def test_variables_that_are_none(
    tree: Tree, admin: Administrator, words: list[str], status: int, what: str
) -> None:
    web = tree.add("web")
    said = admin.types("env", *words)
    assert (said.status, said.out) == (status, "")
    assert what in said.errors
    assert sorted(path.name for path in web.iterdir()) == ["run"]


def editor(tmp_path: Path, script: str) -> dict[str, str]:
    """Make an editor: a script that is given the file."""
    path = tmp_path / "an editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"EDITOR": f"'{path}'"}


def test_editing(tree: Tree, admin: Administrator, tmp_path: Path) -> None:
    web = tree.add("web")
    before = (web / "run").read_bytes()
    said = admin.types("edit", "web", **editor(tmp_path, "true"))
    assert said == Said(0, f"{tree.scan}/web/run is as it was\n", "")
    said = admin.types("edit", "web", **editor(tmp_path, 'echo "# more" >>"$1"'))
    line = f"{tree.scan}/web/run is changed; slashservice restart web has it used\n"
    assert said == Said(0, line, "")
    assert (web / "run").read_bytes() == before + b"# more\n"
    assert (web / "run").stat().st_mode & 0o777 == 0o755
    said = admin.types("edit", "web", "finish", **editor(tmp_path, 'echo "#!/bin/sh" >"$1"'))
    assert said.status == 0 and (web / "finish").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ('echo "if" >>"$1"', "yntax error"),
        ("printf '#!/bin/sh\\r\\n' >\"$1\"", "CR LF"),
        ('echo x >>"$1"; exit 3', "ended with status 3"),
    ],
)
def test_what_is_of_no_use_is_not_put_in_place(
    tree: Tree, admin: Administrator, tmp_path: Path, script: str, why: str
) -> None:
    web = tree.add("web")
    before = (web / "run").read_bytes()
    said = admin.types("edit", "web", TMPDIR=str(tmp_path), **editor(tmp_path, script))
    assert (said.status, said.out) == (1, "")
    assert f"{tree.scan}/web/run is as it was" in said.errors and why in said.errors
    assert (web / "run").read_bytes() == before
    kept = Path(said.errors.splitlines()[-1].split(" is kept in ")[1])
    assert kept.read_bytes() != before
    assert sorted(path.name for path in web.iterdir()) == ["run"]


def test_logs(tree: Tree, admin: Administrator) -> None:
    web = tree.add("web", "#!/bin/sh\necho one\necho two\nexec sleep 1000\n", log=LOG)
    tree.svscan()
    await_pid(web)
    current = web / "log/main/current"
    until(lambda: current.exists() and b"two" in current.read_bytes(), "it is logged")
    said = admin.types("logs", "-n", "1", "web")
    assert (said.status, said.errors) == (0, "") and said.out.endswith(" two\n")
    assert len(admin.types("logs").lines) == 2
    assert len(admin.types("logs", "--grep=on", "--all").lines) == 1
    said = admin.types("logs", "nope")
    assert said == Said(111, "", f"slashservice: fatal: there is no service nope in {tree.scan}\n")


@pytest.mark.parametrize("setting", ["A B=c", "A\tB=c", " A=b", "A\x1bB=c", "A", ".A=b", "a/b=c"])
def test_what_is_no_variable_is_refused(tree: Tree, admin: Administrator, setting: str) -> None:
    web = tree.make("web")
    (tree.scan / "web").symlink_to(web)
    said = admin.types("env", "web", setting)
    assert said.status == 100 and "is no VARIABLE=VALUE" in said.errors
    assert not (web / "env").exists()


def test_a_variable_with_such_a_name_can_be_unset(tree: Tree, admin: Administrator) -> None:
    web = tree.make("web", "#!/bin/sh\nexec envdir ./env sleep 1000\n")
    (tree.scan / "web").symlink_to(web)
    (web / "env").mkdir()
    (web / "env/A B").write_text("c\n")
    assert admin.types("env", "web", "--unset", "A B").status == 0
    assert not (web / "env/A B").exists()
