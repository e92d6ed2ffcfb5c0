"""What stands in the way is told in plain words, before anything is done."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

import pytest
from helpers.checkout import COMMAND
from helpers.images import KINDS, Image, MakeImage
from helpers.installer import plan_for
from hypothesis import given
from hypothesis import strategies as st

from slashservice.installer import boot_verbs, supervision
from slashservice.installer.errors import Refusal, Trouble, reason
from slashservice.installer.host import scratch
from slashservice.installer.host.home import Home
from slashservice.installer.host.host import Host, state_folder
from slashservice.installer.host.places import NEW, new_name
from slashservice.installer.record import transaction


class TestNoAccount:
    """Of who has no account nobody can look after services."""

    @given(st.integers(1, 2**31 - 2))
    def test_it_is_named(self, number: int) -> None:
        def unknown(uid: int) -> None:
            raise KeyError(f"getpwuid(): uid not found: {uid}")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "geteuid", lambda: number)
            patch.setattr(pwd, "getpwuid", unknown)
            with pytest.raises(Refusal, match=f"no account .* has the number {number}") as refusal:
                Home({"HOME": "/tmp"})
        assert refusal.value.advice[-1].strip() == f"useradd --uid {number} NAME"

    @pytest.mark.root
    @pytest.mark.parametrize(
        "words",
        [
            ["install", "--user"],
            ["install", "--user", "-n"],
            ["plan", "--user", "--init", "none"],
            ["uninstall", "--user"],
            ["status", "--user"],
            ["doctor", "--user"],
            ["detect", "--user"],
            ["remove", "--user", "x"],
            ["drain", "--user"],
            ["status"],
            ["detect"],
            ["add", "x", "--", "/bin/true"],
            ["uninstall"],
        ],
    )
    def test_no_verb_fails_in_itself(self, words: list[str], tmp_path: Path) -> None:
        done = subprocess.run(
            [COMMAND, *words],
            user=1234567,
            group=1234567,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        )
        assert "internal error" not in done.stderr and "Traceback" not in done.stderr
        if "--user" in words:
            assert done.returncode == 111
            assert "drain" in words or "has the number 1234567" in done.stderr


class TestDrain:
    def made(self, kind: str, folder: Path) -> str:
        """Return the path of something that is no directory."""
        path = folder / "x"
        if kind == "file":
            path.touch()
        elif kind == "link":
            path.symlink_to("nowhere")
        return str(path)

    @pytest.mark.parametrize("kind", ["nothing", "file", "link"])
    @pytest.mark.parametrize("options", [[], ["-s"], ["-t", "3"]])
    def test_of_no_directory(
        self, kind: str, options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = self.made(kind, tmp_path)
        assert boot_verbs.main(["drain", *options, path]) == 111
        assert capsys.readouterr().err == f"slashservice: fatal: there is no directory {path}\n"

    def test_of_an_empty_one(self, tmp_path: Path) -> None:
        assert boot_verbs.main(["drain", str(tmp_path)]) == 0

    def test_of_another_account_s(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def forbidden(pid: int, number: int) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(supervision, "running", lambda directory: 77)
        monkeypatch.setattr(supervision, "send", forbidden)
        assert boot_verbs.main(["drain", str(tmp_path)]) == 111
        said = capsys.readouterr().err
        assert f"svscan on {tmp_path} (pid 77) is another account's" in said

    @pytest.mark.parametrize("verb", ["drain", "running"])
    @pytest.mark.parametrize("words", [["-t", "abc"], ["-x"], ["a", "b"], [""]])
    def test_usage_is_that_of_the_verb(
        self, verb: str, words: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert boot_verbs.main([verb, *words]) == 100
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"slashservice: usage: slashservice {verb} ")


@pytest.mark.parametrize("verb", ["add", "remove"])
def test_an_empty_name_is_wrong_usage(verb: str, plain_image: Image) -> None:
    words = ["--", "/bin/true"] if verb == "add" else []
    done = subprocess.run(
        [COMMAND, verb, "", "--root", str(plain_image.root), *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 100
    assert "name" in done.stderr and "/service" not in done.stderr


class TestShortLivedFiles:
    """Where no place will do, it is said of each why."""

    def places(self, folder: Path) -> dict[str, str]:
        """Return places that won't do, and what is wrong with each."""
        (folder / "file").touch()
        (folder / "open").mkdir()
        (folder / "open").chmod(0o777)
        return {
            str(folder / "file"): "is no directory",
            str(folder / "missing"): "can't be used (No such file or directory)",
            str(folder / "open"): "can be written by everybody",
        }

    @pytest.mark.parametrize("runtime", ["file", "missing", "open", ""])
    @pytest.mark.parametrize("own", ["file", "missing", "open"])
    def test_each_is_named(
        self, runtime: str, own: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        why = self.places(tmp_path)
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        monkeypatch.setenv("HOME", str(tmp_path / own))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / runtime) if runtime else "")
        with pytest.raises(Trouble) as trouble:
            scratch.closed_place()
        said = str(trouble.value)
        for name in filter(None, {runtime, own}):
            path = str(tmp_path / name)
            assert f"{path} {why[path]}" in said
        assert "of ," not in said and ": ;" not in said

    def test_a_read_only_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        class ReadOnly:
            f_flag = os.ST_RDONLY

        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        monkeypatch.setattr(os, "statvfs", lambda path: ReadOnly)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        with pytest.raises(Trouble, match=f"{tmp_path} is on a file system .* read-only"):
            scratch.closed_place()


NAME = st.text("ab.-_0", min_size=1, max_size=6).filter(lambda name: name.strip("."))


@given(folders=st.lists(NAME, max_size=3), name=NAME, inside=st.lists(NAME, max_size=2))
def test_what_is_being_made_has_the_name_that_people_know(
    folders: list[str], name: str, inside: list[str]
) -> None:
    """A file, a folder, and what is in one."""
    known = "/".join(["", *folders, name, *inside])
    for made in (new_name(name), *([f"{name}{NEW}"] if not name.startswith(".") else [])):
        error = OSError(28, "No space left on device", "/".join(["", *folders, made, *inside]))
        assert reason(error) == f"{known!r}: No space left on device"


def ancestors(path: str) -> list[str]:
    """Return the folders above a path, but for the root."""
    parts = path.strip("/").split("/")[:-1]
    return ["/" + "/".join(parts[: n + 1]) for n in range(len(parts))]


@pytest.mark.parametrize("what", ["dangling", "file"])
def test_nothing_is_done_where_something_is_in_the_way(
    kind_name: str, what: str, make_image: MakeImage, small_source: object
) -> None:
    """Whatever is at the place of a folder in which something shall be made."""
    options = KINDS[kind_name].options
    plain = make_image(kind_name, "plain")
    host = Host(str(plain.root))
    paths = [getattr(one, "path", "") for one in plan_for(host, **options).actions]
    paths.append(f"{state_folder(host)}/receipt.json")
    folders = sorted({one for path in filter(None, paths) for one in ancestors(path)})
    missing = [one for one in folders if not os.path.lexists(plain.path(one))]
    assert missing
    for number, folder in enumerate(missing):
        image = make_image(kind_name, f"image{number}")
        there = image.path(folder)
        there.parent.mkdir(parents=True, exist_ok=True)
        if what == "file":
            there.write_text("mine\n")
        else:
            there.symlink_to("/nowhere/at/all")
        before = image.snapshot()
        try:
            transaction.install(
                Host(str(image.root)),
                plan_for(Host(str(image.root)), **options),
                lambda line: None,
            )
        except Refusal as refusal:
            assert image.snapshot() == before, (folder, refusal)
            assert folder in str(refusal)
            assert ("leads nowhere" in str(refusal)) == (what != "file")
            assert any(line.startswith("If nobody needs it: mv ") for line in refusal.advice)
        else:
            assert os.path.lexists(there), folder
