"""Debian's packages as files: what is in them, and what Debian's own tools say of them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT
from helpers.dpkg import NAMES, OLD, build, built

from slashservice.supervise.chain.launchers import COMMANDS
from slashservice.supervise.version import VERSION

DEBIAN = CHECKOUT / "packaging" / "debian"

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def debs() -> Path:
    return built()


def deb(folder: Path, name: str) -> Path:
    return folder / f"{name}_{OLD}_all.deb"


def contents(path: Path) -> dict[str, str]:
    """What is in a package: modes and targets of links, by path."""
    listed = subprocess.run(
        ["dpkg-deb", "-c", str(path)], check=True, capture_output=True, text=True
    ).stdout
    found = {}
    for line in listed.splitlines():
        mode, _, _, _, _, name, *target = line.split(None, 6)
        found[name[1:].rstrip("/")] = mode + (" " + target[0] if target else "")
    return found


def script(path: Path, name: str) -> str:
    done = subprocess.run(["dpkg-deb", "-I", str(path), name], capture_output=True, text=True)
    return done.stdout


def test_the_changelog_has_the_version_of_the_code() -> None:
    first = (DEBIAN / "changelog").read_text().split("\n")[0]
    assert first.startswith(f"slashservice ({VERSION}) ")


def test_each_command_is_in_one_package_and_leads_to_the_code(debs: Path) -> None:
    code = contents(deb(debs, "slashservice"))
    links = {
        name: [(one, paths[f"/usr/bin/{name}"])]
        for one in NAMES
        for paths in [contents(deb(debs, one))]
        for name in (*COMMANDS, "slashservice")
        if f"/usr/bin/{name}" in paths
    }
    assert links.keys() == {*COMMANDS, "slashservice"} - {"loghost"}
    tree = re.compile(r"/usr/share/slashservice/[0-9][^/]*")
    folder = next(name for name in code if tree.fullmatch(name))
    assert code["/usr/share/slashservice/current"].endswith(f"-> {Path(folder).name}")
    for name, [(_, link)] in links.items():
        assert link.endswith(f" -> ../share/slashservice/current/command/{name}")
        assert code[f"{folder}/command/{name}"].startswith("-rwxr-xr-x")
    assert not [name for name in code if "/vendor/" in name or name.endswith(".pyc")]


def test_nothing_is_where_no_package_may_put_it(debs: Path) -> None:
    local = re.compile(r"/(usr/local|var|run|tmp|home|root|command|package|service)\b")
    for name in NAMES:
        assert not list(filter(local.match, contents(deb(debs, name))))


def test_the_unit_and_the_script_are_made_of_the_templates(debs: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "-x", str(deb(debs, "slashservice")), str(tmp_path)], check=True)
    [unit] = tmp_path.rglob("systemd/system/svscan.service")
    said = unit.read_text().splitlines()
    template = (CHECKOUT / "init_templates/systemd/svscan.service").read_text().splitlines()
    assert [line for line in template if "@" not in line and line not in said] == [
        "# Written by `slashservice install`; `slashservice uninstall` takes it away."
    ]
    assert "ExecStart=/usr/share/slashservice/current/command/svscan /etc/service" in said
    assert "KillMode=process" in said
    init = tmp_path / "etc/init.d/svscan"
    subprocess.run(["sh", "-n", str(init)], check=True)
    assert "@" not in re.sub(r'"\$@"', "", init.read_text())


def test_no_script_restarts_svscan_or_stops_it_on_an_upgrade(debs: Path) -> None:
    for name in ("preinst", "prerm", "postinst", "postrm"):
        text = script(deb(debs, "slashservice"), name)
        subprocess.run(["sh", "-n"], input=text, text=True, check=True)
        assert "restart" not in text
        for line in text.splitlines():
            if re.search(r"(deb-systemd-invoke|invoke-rc\.d).* stop", line):
                above = text[: text.index(line)].splitlines()[-1]
                assert '"$1" = remove' in above


def test_lintian_finds_nothing(debs: Path) -> None:
    done = subprocess.run(
        ["lintian", "-EvIL", "+pedantic", *(str(deb(debs, name)) for name in NAMES)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and not done.stdout, done.stdout


def test_each_exception_of_lintian_has_its_reason() -> None:
    for path in DEBIAN.glob("*.lintian-overrides"):
        for part in path.read_text().strip().split("\n\n"):
            assert part.startswith("# ") and len(part.split("\n")) > 1


def test_a_build_of_the_checkout_is_that_of_an_archive_to_the_byte(
    debs: Path, tmp_path: Path
) -> None:
    when = subprocess.run(
        ["dpkg-parsechangelog", "-S", "Timestamp", "-l", str(DEBIAN / "changelog")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    made = build(CHECKOUT, tmp_path, SOURCE_DATE_EPOCH=when)
    for path in made:
        assert path.read_bytes() == (debs / path.name).read_bytes(), path.name
    assert len(made) == len(NAMES)


@pytest.mark.parametrize("words", [["-v"], ["-v", "a b"], ["--help-me"], ["one", "two"]])
def test_wrong_words_are_said_in_one_line(words: list[str]) -> None:
    done = subprocess.run(
        [str(CHECKOUT / "packaging" / "deb"), *words], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 100
    assert re.fullmatch(r"deb: fatal: [^\n]+\n", done.stderr)


GONE = {
    "slashservice": set(),
    "slashservice-daemontools": {"daemontools", "runit"},
    "slashservice-runit": {"runit"},
}
"""What each of ours takes the place of; this machine has them, and ssh, which breaks old ones."""


@pytest.mark.parametrize("name", NAMES)
def test_apt_removes_nothing_but_what_ours_takes_the_place_of(debs: Path, name: str) -> None:
    wanted = [str(deb(debs, one)) for one in dict.fromkeys(("slashservice", name))]
    done = subprocess.run(
        ["apt-get", "install", "-s", *wanted], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    removed = set(re.findall(r"^Remv (\S+)", done.stdout, re.MULTILINE))
    assert removed <= GONE[name], done.stdout
