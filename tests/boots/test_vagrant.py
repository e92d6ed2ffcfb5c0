"""The boxes of ``vagrant/``: all are well-formed, and one is had for real."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from helpers.boots import boxes, story
from helpers.boots.boxes import Box
from helpers.boots.fingerprint import differences
from helpers.boots.story import Wiring, say
from helpers.boots.trees import CLOSER, COMMON_FILES, RECIPES, need

from slashservice.installer.init_systems import INIT_SYSTEMS

PARENTS = {name: recipe.parent for name, recipe in RECIPES.items()}
"""What svscan must be the child of, by the name of the init system."""


def marked(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that boots a machine, or needs what those need."""
    for name in ("boot", "machine", "slow", "root"):
        test = getattr(pytest.mark, name)(test)
    return test


DISTRIBUTIONS = {
    *("debian", "debian-sysvinit", "ubuntu", "ubuntu-14.04", "devuan", "centos-6", "alma"),
    *("rocky", "fedora", "opensuse", "arch", "alpine", "void", "gentoo", "slackware"),
    *("openbsd", "freebsd", "netbsd", "windows"),
}


def test_every_distribution_has_a_box() -> None:
    known = boxes.known()
    assert set(known) == DISTRIBUTIONS
    for name, about in known.items():
        assert about["init"] in (*INIT_SYSTEMS, "windows"), name


def boxes_of(catalogue: Path, **variables: str) -> dict[str, tuple[str, str | None]]:
    """Return which box each machine would be made of, and where it is had."""
    need("ruby")
    env = {"SLASHSERVICE_CATALOGUE": str(catalogue), "SLASHSERVICE_DRIVER": "qemu", **variables}
    script = str(Path(__file__).with_name("vagrantfile.rb"))
    found = json.loads(boxes.run(["ruby", script, str(boxes.FOLDER / "Vagrantfile")], env))
    return {name: (box, url) for name, (box, url) in found.items()}


def test_boxes_are_public_ones_by_default(tmp_path: Path) -> None:
    wanted = {name: (about["box"], None) for name, about in boxes.known().items()}
    assert boxes_of(tmp_path) == wanted


def test_boxes_made_here_are_used_before_public_ones(tmp_path: Path) -> None:
    entry = tmp_path / "debian.json"
    entry.write_text("{}")
    found = boxes_of(tmp_path)
    assert found["debian"] == ("slashservice/debian", f"file://{entry}")
    assert found["alpine"] == (boxes.known()["alpine"]["box"], None)


@pytest.mark.parametrize(
    ("name", "variable"), [("debian", "DEBIAN"), ("ubuntu-14.04", "UBUNTU_14_04")]
)
def test_any_box_will_do(name: str, variable: str, tmp_path: Path) -> None:
    (tmp_path / f"{name}.json").write_text("{}")
    box = {f"SLASHSERVICE_BOX_{variable}": "my/box"}
    assert boxes_of(tmp_path, **box)[name] == ("my/box", None)
    url = {f"SLASHSERVICE_BOX_URL_{variable}": "https://example.org/box"}
    assert boxes_of(tmp_path, **box, **url)[name] == ("my/box", "https://example.org/box")


@marked
def test_the_vagrantfile_is_valid() -> None:
    need("vagrant")
    with TemporaryDirectory() as folder:
        box = Box("debian", Path(folder), {"SLASHSERVICE_DRIVER": "qemu"})
        assert "validated successfully" in box.vagrant("validate")
        status = box.vagrant("status", "--machine-readable").splitlines()
        machines = {line.split(",")[1] for line in status if ",state," in line}
        assert machines == DISTRIBUTIONS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have the boxes asked for, or else the one that is made here and boots fastest."""
    if "name_of_box" in metafunc.fixturenames:
        metafunc.parametrize("name_of_box", metafunc.config.getoption("--box") or ["debian"])


@marked
def test_a_box_from_up_to_destroy(name_of_box: str) -> None:
    wiring = Wiring(PARENTS.get(str(boxes.known()[name_of_box]["init"]), ""))
    with boxes.box(name_of_box) as box, story.explained(box, wiring.scan):
        say(f"{box}: up")
        box.up()
        host = box.host
        story.is_plain(host)
        text, _ = COMMON_FILES[CLOSER]
        put = host.run("printf %%s %s >%s && chmod 755 %s", text, CLOSER, CLOSER)
        assert put.rc == 0, put.stderr
        plain = box.fingerprint()
        say(f"{box}: install")
        story.install(host)
        story.is_the_right_child(host, wiring)
        story.add_services(host)
        story.survives_the_death_of_svscan(host, wiring)
        story.is_steered(host, wiring.scan)
        story.remember(host, "one")
        say(f"{box}: reload")
        box.reload()
        host = box.host
        story.is_all_back(host, wiring.scan, "one")
        story.is_the_right_child(host, wiring)
        closer, redis = (
            story.read(host, f"{story.LOGS}/{name}/current") for name in ("closer", "redis")
        )
        story.closed_in_order(closer, redis, times=1)
        say(f"{box}: uninstall")
        story.uninstall(host)
        changed = differences(plain, box.fingerprint())
        assert not changed, "\n".join(changed)
        say(f"{box}: destroy")
