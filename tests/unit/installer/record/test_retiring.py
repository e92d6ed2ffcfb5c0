"""What an older version had goes: what is told of it beforehand, and the code that stays."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from helpers.images import KINDS, Image
from helpers.installer import Running, plan_for

from slashservice.installer import supervision
from slashservice.installer.host.host import Host, Outcome
from slashservice.installer.plan import source, tenants
from slashservice.installer.plan.actions import KINDS as ACTIONS
from slashservice.installer.plan.actions import Action, PathAction
from slashservice.installer.plan.planner import Plan
from slashservice.installer.plan.source import Source
from slashservice.installer.plan.telling import Supervise
from slashservice.installer.plan.tree import InstallTree
from slashservice.installer.record import foresight, transaction
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record.foresight import REHEARSED, Rehearsal
from slashservice.installer.record.receipt import Entry, Receipt
from slashservice.installer.record.retiring import foresee, retire

GOOD = {"": Outcome(0, "")}
"""Every command succeeds."""


def quiet(line: str) -> None:
    """Take no notice of progress."""


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch, small_source: Source) -> Callable[[str], None]:
    """Return what makes this another version, with a command that only it has."""

    def become(name: str) -> None:
        commands = (*small_source.commands, f"sv{name}")
        files = {**small_source.files, f"command/sv{name}": (b"#!/bin/sh\n", 0o755)}
        files["installer/cli.py"] = (f"# {name}\n".encode(), 0o644)
        made = Source(files, tuple(sorted(commands)))
        monkeypatch.setattr(source, "collect", lambda python, tree: made)
        monkeypatch.setattr(source, "version", lambda: name)

    return become


@pytest.fixture
def svscans(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The code of each svscan that there is, by its scan directory: a fake of the processes.

    One that is told to stop, or drained, is gone.
    """
    found: dict[str, str] = {}

    def drain(directory: str, *words: object, **options: object) -> bool:
        found.pop(directory, None)
        return True

    def seen(host: Host, trees: list[str], directory: str) -> list[tenants.Tenant]:
        return [tenants.Tenant(7, at, code) for at, code in found.items() if code in trees]

    monkeypatch.setattr(supervision, "running", lambda directory: 7 * (directory in found))
    monkeypatch.setattr(supervision, "code", lambda directory, pid: ("", found.get(directory, "")))
    monkeypatch.setattr(supervision, "drain", drain)
    monkeypatch.setattr(supervision, "daemons", lambda directory: [])
    monkeypatch.setattr("slashservice.installer.record.retiring.tenants", seen)
    return found


class Stopping(Running):
    """A host that runs, on which any command stops the svscans, but for those in ``lasting``."""

    svscans: dict[str, str]
    lasting: tuple[str, ...] = ()

    def run(self, argv: Any, timeout: float | None = 60) -> Outcome:
        """Stop them."""
        for directory in [one for one in self.svscans if one not in self.lasting]:
            del self.svscans[directory]
        return super().run(argv, timeout)


def running(image: Image, svscans: dict[str, str]) -> Stopping:
    """The image as a host that runs."""
    host = Stopping(image.root, GOOD)
    host.svscans = svscans
    return host


def journal(host: Host, plan: Plan) -> Receipt:
    """The journal of a run that is over but for retiring: all of its plan is applied."""
    old = receipts.load(host)
    made = transaction._journal(host, plan, old)
    for action in plan.actions:
        action.apply(host)
    return made


def of(kind: type[Action]) -> Action:
    """An action of a kind."""
    made: Callable[..., Action] = kind
    return made(path="/x") if issubclass(kind, (PathAction, InstallTree)) else made()


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_a_preview_undoes_only_what_can_be_rehearsed(
    name: str, image_of_systemd: Image, version: Callable[[str], None], monkeypatch: Any
) -> None:
    """Whatever kinds of action there are, or will be: commands, crontabs and labels are real."""
    host = Host(str(image_of_systemd.root))
    version("1")
    plan = plan_for(host)
    transaction.install(host, plan, quiet)
    receipt = receipts.load(host)
    assert receipt is not None
    undone: list[Host] = []
    kind = ACTIONS[name]

    def undo(self: Action, host: Host, *words: object) -> list[str]:
        undone.append(host)
        return []

    monkeypatch.setattr(kind, "undo", undo)
    entry = Entry(of(kind), {"kind": "absent"}, {"kind": "absent"}, retired=True)
    made = dataclasses.replace(receipt, entries=(entry,), prior=receipt.to_json())
    live = Running(image_of_systemd.root, GOOD)
    foresee(live, made, plan)
    foresight.undoing(live, made)
    assert all(isinstance(one, Rehearsal) for one in undone)
    assert bool(undone) == issubclass(kind, REHEARSED)
    assert live.asked == []


@pytest.fixture
def image_of_systemd(make_image: Callable[[str], Image]) -> Image:
    """An image with systemd."""
    return make_image("systemd")


@pytest.mark.parametrize(
    ("runs", "way"),
    [
        (True, ("/service", "/srv/b")),
        (True, ("/srv/a", "/service")),
        (False, ("/service", "/srv/b")),
    ],
)
def test_another_scan_directory_deserts_the_services_of_the_first(
    runs: bool,
    way: tuple[str, str],
    kind_name: str,
    image: Image,
    version: Callable[[str], None],
    svscans: dict[str, str],
) -> None:
    """It is said, beforehand as well, where a svscan runs there that is going to be stopped."""
    options = {**KINDS[kind_name].options}
    version("1")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, **{**options, "service_dir": way[0]}), quiet)
    plan = plan_for(host, **{**options, "service_dir": way[1]})
    made = journal(host, plan)
    if runs:
        svscans[way[0]] = "/elsewhere"
    live = running(image, svscans)
    foreseen = foresee(live, made, plan)
    assert live.asked == [] and bool(svscans) == runs
    said: list[str] = []
    retire(live, made, plan, said.append)
    line = f"stop the services in {way[0]}, then their logs"
    line += ": what is linked there is supervised no longer"
    stops = any(one.action.key == f"supervise {way[0]}" for one in made.entries if one.retired)
    assert stops == any(isinstance(one, Supervise) for one in plan.actions)
    assert said.count(line) == (1 if runs and stops else 0)
    assert sorted(foreseen) == sorted(said)
    assert not any("supervised no longer" in one for one in said if one != line)
    if stops:
        assert not svscans


@pytest.mark.parametrize("elsewhere", [True, False])
def test_code_that_a_svscan_runs_from_stays_and_goes_later(
    elsewhere: bool,
    kind_name: str,
    image: Image,
    version: Callable[[str], None],
    svscans: dict[str, str],
) -> None:
    """All else of the older versions goes meanwhile. Somebody's own svscan counts, too."""
    before = image.snapshot()
    options = KINDS[kind_name].options
    host = Host(str(image.root))
    trees: list[str] = []
    directory = ""
    live = running(image, svscans)
    for name in ("1", "2", "3", "4"):
        version(name)
        plan = plan_for(host, **options)
        trees.append(plan.layout.tree)
        made = journal(host, plan)
        directory = "/srv/mine" if elsewhere else made.service_dir
        live.lasting = (directory,)
        if made.prior is not None:
            svscans[directory] = trees[0] if name != "4" else trees[3]
            foreseen = foresee(live, made, plan)
            said: list[str] = []
            made = retire(live, made, plan, said.append)
            assert foreseen == said
        receipts.save(host, dataclasses.replace(made, phase="installed", prior=None))
        there = {one for one in trees if host.is_directory(one)}
        kept = {one.action.path for one in made.entries if isinstance(one.action, InstallTree)}
        gone = {trees[0], trees[1]} if name == "4" else set()
        assert there == kept == set(trees) - gone
        links = [f"{folder}/sv{n}" for folder in ("/command", "/usr/local/bin") for n in range(5)]
        assert {one[-1] for one in links if host.lstat(one)} == {name}
    svscans.clear()
    assert transaction.uninstall(host, quiet) == []
    assert image.snapshot() == before
