"""``./release``: what it makes, that anybody makes the same, and when it makes nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT
from helpers.releases import OPTIONS, SDIST, SINGLE, WHEEL, Clone
from helpers.waiting import until
from hypothesis import given
from hypothesis import strategies as st

from releasing import checkout, packing
from releasing.packing import Entry
from releasing.troubles import Trouble
from slashservice.supervise.version import VERSION

NAMES = {SDIST, WHEEL, SINGLE, "SHA256SUMS"}
PACKAGED = (".deb", ".rpm")


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_all_is_in_dist_with_its_sums(released: Path) -> None:
    there = contents(released).keys()
    assert there >= NAMES
    assert all(name.endswith(PACKAGED) for name in there - NAMES)
    words = ["sha256sum", "--strict", "-c", "SHA256SUMS"]
    said = subprocess.run(words, cwd=released, check=True, capture_output=True, text=True).stdout
    assert set(said.splitlines()) == {f"{name}: OK" for name in there - {"SHA256SUMS"}}


@pytest.mark.slow
def test_the_sdist_is_the_whole_checkout(cloned: Clone) -> None:
    top = f"slashservice-{VERSION}/"
    expected = set(cloned.git("ls-files", "-z").split("\0")[:-1])
    with tarfile.open(cloned.dist / SDIST) as archive:
        assert {(one.uid, one.gid, one.uname) for one in archive} == {(0, 0, "")}
    entries = packing.read_tar(cloned.dist / SDIST)
    found = {one.name.removeprefix(top): one for one in entries}
    made = {name for name in found if name.startswith("slashservice.egg-info/")}
    assert found.keys() - made == expected | {"PKG-INFO", "setup.cfg"}, "see MANIFEST.in"
    for name in expected:
        path = cloned.folder / name
        assert found[name].data == path.read_bytes()
        assert found[name].executable == bool(path.stat().st_mode & 0o100), name


ELSEWHERE = {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANGUAGE": "ne", "PYTHONHASHSEED": "7"}
SOMEBODY = ("unshare", "--user", "--map-user=1234", "--map-group=1234")


@pytest.mark.root
@pytest.mark.slow
def test_whoever_makes_it_elsewhere_has_the_same_bytes(cloned: Clone, tmp_path: Path) -> None:
    """Another directory, account, umask, time zone, language, seed of hashes, home and time."""
    other = Clone(tmp_path / "in another/place", cloned.folder)
    for path in other.folder.rglob("*.py"):
        os.utime(path, (1, 1))
    more = {**ELSEWHERE, "HOME": str(tmp_path)}
    done = other.release(*OPTIONS, before=SOMEBODY, umask=0o077, **more)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(other.dist) == contents(cloned.dist)


@pytest.fixture(scope="module")
def with_dist(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone of which a release was made long ago."""
    clone = Clone(tmp_path_factory.mktemp("refused") / "clone")
    clone.dist.mkdir()
    (clone.dist / "of old").write_text("kept\n")
    return clone


@pytest.fixture
def clone(with_dist: Clone) -> Iterator[Clone]:
    """The same, at its first commit."""
    commit = with_dist.git("rev-parse", "HEAD").strip()
    before = contents(with_dist.dist)
    yield with_dist
    with_dist.git("reset", "-q", "--hard", commit)
    with_dist.git("clean", "-qfd")
    assert contents(with_dist.dist) == before
    assert [path.name for path in (with_dist.folder / "build").iterdir()] == ["wheels"]


def heading(text: str) -> Callable[[Clone], None]:
    """Return what has the changelog begin with another heading, committed."""

    def change(clone: Clone) -> None:
        path = clone.folder / "CHANGELOG.md"
        path.write_text(re.sub(r"^## .*$", text, path.read_text(), count=1, flags=re.MULTILINE))
        clone.commit()

    return change


def written(name: str, text: str) -> Callable[[Clone], None]:
    """Return what has a file hold something else, committed."""

    def change(clone: Clone) -> None:
        (clone.folder / name).write_text(f"{text}\n")
        clone.commit()

    return change


def other_version(clone: Clone) -> None:
    clone.change("supervise/version.py", VERSION, "99.1")
    clone.commit()


REFUSED: dict[str, tuple[Callable[[Clone], object], str]] = {
    "changed": (lambda one: one.change("README.md", "e", "3"), "not committed: README.md"),
    "new": (lambda one: (one.folder / "a b").touch(), "not committed: a b"),
    "gone": (lambda one: (one.folder / "LICENSE").unlink(), "not committed: LICENSE"),
    "staged": (lambda one: one.git("rm", "-q", "--cached", "check"), "not committed: check"),
    "version": (other_version, f"CHANGELOG.md begins with {VERSION} "),
    "heading": (heading("## 98.7 (2030-01-31)"), "CHANGELOG.md begins with 98.7 "),
    "no date": (heading(f"## {VERSION}"), "a release has its day there"),
    "empty": (heading(f"## {VERSION} (2030-01-31)\n\n## 0.0.1 (x)\n"), "says nothing of"),
    "no headings": (written("CHANGELOG.md", "x"), "CHANGELOG.md has no section"),
    "pyproject": (written("pyproject.toml", "]"), "failed with 1"),
    "no pins": (written("install-requirements.txt", "#"), "names no package"),
    "pin": (written("install-requirements.txt", f"x==1 --hash=sha256:{'0' * 64}"), "pip"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_leaves_dist_as_it_was(case: str, clone: Clone) -> None:
    change, said = REFUSED[case]
    change(clone)
    done = clone.release(*OPTIONS, PIP_NO_INDEX="1", PIP_FIND_LINKS="/nowhere")
    assert (done.returncode, done.stdout) == (111, "")
    first, *more = done.stderr.splitlines()
    assert first.startswith("release: fatal: ")
    assert said in first
    assert all(line.startswith("    ") for line in more)


def test_a_version_that_is_not_released_yet_needs_to_be_asked_for(clone: Clone) -> None:
    heading(f"## {VERSION} (unreleased)")(clone)
    done = clone.release("--no-packages")
    assert done.returncode == 111
    assert f"CHANGELOG.md has {VERSION} (unreleased)" in done.stderr


def test_wrong_usage(clone: Clone) -> None:
    done = clone.release("--rehersal-of-what")
    assert (done.returncode, done.stdout) == (100, "")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_release_that_is_killed_is_none(with_dist: Clone) -> None:
    """The next one is, whatever the killed one has left; then what was there before is gone."""
    build = with_dist.folder / "build"
    before = contents(with_dist.dist)
    words = with_dist.words(*OPTIONS)
    with subprocess.Popen(words, cwd=with_dist.folder, start_new_session=True) as process:
        try:
            until(lambda: list(build.glob(f"release-*/dist/{SINGLE}")), "something is made")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert contents(with_dist.dist) == before
    done = with_dist.release(*OPTIONS)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(with_dist.dist).keys() >= NAMES
    assert [path.name for path in build.iterdir()] == ["wheels"]


DATES = st.dates().map(str)
VERSIONS = st.lists(st.integers(0, 99), min_size=1, max_size=4).map(
    lambda numbers: ".".join(map(str, numbers))
)


@given(VERSIONS, VERSIONS, DATES, st.booleans(), st.booleans(), st.booleans())
def test_the_changelog_must_be_of_the_version(
    version: str, other: str, date: str, dated: bool, rehearsal: bool, told: bool
) -> None:
    when = f"({date})" if dated else "(unreleased)"
    text = (
        f"# Changelog\n\n## {version} {when}\n\n{'- It is.' if told else ''}\n\n## 0.0 (x)\n\n- y\n"
    )
    expected = version == other and (dated or rehearsal) and told
    try:
        checkout.check_changelog(text, other, rehearsal)
    except Trouble as trouble:
        assert not expected
        assert str(trouble).startswith("CHANGELOG.md ")
    else:
        assert expected


ENTRIES = st.dictionaries(
    st.text("abcé/", min_size=1, max_size=120).filter(lambda name: not set(name) <= {"/"}),
    st.tuples(st.binary(max_size=30), st.booleans()),
    max_size=5,
).map(
    lambda found: sorted(
        {
            f"f{number}{name.replace('/', '')}": Entry(f"f{number}{name.replace('/', '')}", *rest)
            for number, (name, rest) in enumerate(found.items())
        }.values()
    )
)


@given(ENTRIES, st.integers(315532800, 2**31))
def test_what_is_packed_comes_out_again(
    tmp_path_factory: pytest.TempPathFactory, entries: list[Entry], when: int
) -> None:
    folder = tmp_path_factory.getbasetemp()
    for write, read, name in (
        (packing.write_zip, packing.read_zip, "zip"),
        (packing.write_tar, packing.read_tar, "tar"),
    ):
        made = folder / f"packed.{name}"
        write(made, entries, when)
        first = made.read_bytes()
        assert read(made) == entries
        write(made, iter(entries), when)
        assert made.read_bytes() == first


def test_the_command_needs_the_checkouts_own_python(clone: Clone) -> None:
    """It uses no other: that has the setuptools that builds."""
    text = (CHECKOUT / "release").read_text()
    assert text.splitlines()[-1] == 'exec .venv/bin/python -m releasing "$@"'
    done = subprocess.run([clone.folder / "release"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (111, "")
    assert done.stderr == "release: fatal: there is no .venv here: run ./check once\n"
