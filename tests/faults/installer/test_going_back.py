"""An uninstall that is interrupted, and then install: all is as it was installed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from helpers.images import KINDS, Image, Kind, MakeImage, Snapshot
from helpers.installer import Breaking, Deadly, dies

from slashservice.installer.cli.main import Slashservice
from slashservice.installer.errors import Trouble
from slashservice.installer.host.host import RECEIPT, Host, state_folder
from slashservice.installer.host.marks import END
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.files import EditFile, MakeDirectory, WriteFile, forget_kept, kept
from slashservice.installer.plan.source import Source
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction

BACK = "put back what an interrupted uninstall has undone"
CHOSEN: dict[str, tuple[str, ...]] = {
    "as it is": (),
    "places": ("--layout=fhs", "--service-dir=/srv/own"),
    "not enabled": ("--no-enable", "--service-dir=/srv/own"),
}


def quiet(line: str) -> None:
    """Take no notice of progress."""


Say = Callable[..., list[str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], small_source: Source) -> Say:
    """Return what runs a verb on an image, and returns the lines that it says."""

    def run(image: Image, verb: str, *words: str) -> list[str]:
        argv = ["slashservice", verb, "--root", str(image.root), *words]
        assert Slashservice.run(argv, exit=False)[1] == (2 if "-n" in words else 0)
        return capsys.readouterr().out.partition("\n\n")[0].splitlines()

    return run


def options(kind: Kind) -> list[str]:
    """The options that a kind of host needs, as they are typed."""
    return [
        f"--{name.replace('_', '-')}" + ("" if value is True else f"={value}")
        for name, value in kind.options.items()
    ]


def plain(found: Snapshot) -> Snapshot:
    """A snapshot without times, and without the receipt and what is kept beside it."""
    return {
        name: (*facts[:4], *facts[5:])
        for name, facts in found.items()
        if "/slashservice/kept" not in name and not name.endswith(RECEIPT)
    }


def loaded(image: Image) -> receipts.Receipt:
    """The receipt that is there."""
    found = receipts.load(Host(str(image.root)))
    assert found is not None
    return found


def killed(image: Image, step: int) -> bool:
    """Uninstall, killed ahead of a step; tell whether it came so far and has begun."""
    host = Deadly(str(image.root), step)
    assert dies(lambda: transaction.uninstall(host, quiet))
    receipt = receipts.load(Host(str(image.root)))
    return receipt is not None and receipt.phase == "undoing"


def length(image: Image) -> int:
    """How many steps uninstalling takes; all is gone then."""
    host = Host(str(image.root))
    transaction.uninstall(host, quiet)
    return host.changes


@pytest.mark.parametrize("chosen", CHOSEN)
def test_all_is_as_it_was_installed(
    chosen: str, kind_name: str, kind: Kind, image: Image, say: Say
) -> None:
    """With what was chosen then, and known what was there before; and the preview says so."""
    words = options(kind)
    given = " ".join(words)
    words += [one for one in CHOSEN[chosen] if one.partition("=")[0] not in given]
    before = image.snapshot()
    say(image, "install", *words)
    installed, receipt = plain(image.snapshot()), loaded(image)
    steps = length(image)
    assert image.snapshot() == before
    first = 2 + sum(map(ord, kind_name + chosen)) % 7
    for step in range(first, steps + 1, 7):
        say(image, "install", *words)
        if not killed(image, step):
            say(image, "uninstall")
            continue
        there = image.snapshot()
        preview = say(image, "install", "-n")
        assert image.snapshot() == there
        assert f"would {BACK}" in preview
        said = say(image, "install")
        assert [one.removeprefix("would ") for one in preview if one.startswith("would ")] == [
            one for one in said if f"would {one}" in preview
        ]
        assert plain(image.snapshot()) == installed, f"step {step}"
        again = loaded(image)
        assert (again.phase, again.choices) == ("installed", receipt.choices)
        for entry in again.entries:
            known = receipt.find(entry.action.key)
            assert known is not None and known.action == entry.action
            if isinstance(entry.action, MakeDirectory):
                assert known.before["kind"] == entry.before["kind"], entry.action.path
        assert say(image, "install")[-1] == "nothing to do: it is installed as it should be"
        assert not [one for one in say(image, "uninstall") if one.startswith("note: ")]
        assert image.snapshot() == before, f"step {step}"


def edit_ours(image: Image) -> list[str]:
    """Change each whole file of ours, and the lines of ours in others; return the paths."""
    paths = []
    for action in [one.action for one in loaded(image).entries]:
        if isinstance(action, WriteFile):
            image.path(action.path).write_bytes(image.path(action.path).read_bytes() + b"# mine\n")
        elif isinstance(action, EditFile) and isinstance(action.editor, Block):
            text = image.path(action.path).read_bytes()
            image.path(action.path).write_bytes(text.replace(END, b"# mine\n" + END))
        else:
            continue
        paths.append(action.path)
    return paths


@pytest.mark.parametrize("then", ["install", "uninstall"])
def test_what_was_kept_aside_meanwhile_is_named(
    then: str, kind_name: str, kind: Kind, image: Image, say: Say
) -> None:
    """What the administrator had made of our texts: each is in its place, or kept, and named."""
    say(image, "install", *options(kind))
    edit_ours(image)
    steps = length(image)
    host = Host(str(image.root))
    forget_kept(host, kept(host))
    for step in range(2 + sum(map(ord, kind_name)) % 5, steps + 1, 9):
        say(image, "install", *options(kind))
        paths = edit_ours(image)
        if killed(image, step):
            there = [path for path in paths if host.lstat(path)]
            same = [host.read(path) for path in there]
            gone = [one for one in kept(host) if host.read(one) not in same]
            foreseen = say(image, then, "-n")
            said = say(image, then)
            notes = [one for one in said if one.startswith("note: ")]
            assert notes == [one for one in foreseen if one.startswith("note: ")]
            assert all(any(one in note for note in notes) for one in gone), step
            assert len(set(notes)) == len(notes)
            if then == "install":
                for path in paths:
                    here = b"# mine\n" in image.path(path).read_bytes()
                    copy = f"{state_folder(host)}/kept{path}"
                    assert here or copy in gone, (step, path)
        if receipts.load(host) is not None:
            say(image, "uninstall")
        forget_kept(host, kept(host))


@pytest.mark.parametrize("which", ["systemd", "sysvinit-debian", "runit-void", "freebsd", "dinit"])
def test_going_back_that_is_killed_or_fails(which: str, make_image: MakeImage, say: Say) -> None:
    """It is gone on with, or it leaves the uninstall as it was; which undoes all, at whatever step.

    What was chosen outlives all of it.
    """
    image, words = make_image(which), [*options(KINDS[which]), *CHOSEN["places"]]
    before = image.snapshot()
    say(image, "install", *words)
    installed = plain(image.snapshot())
    steps = length(image)
    argv = ["slashservice", "install", "--root", str(image.root)]
    for step in range(3, steps, 11):
        for then in range(2, 40, 12):
            say(image, "install", *words)
            if not killed(image, step):
                break
            half = plain(image.snapshot())
            receipt = loaded(image)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(
                    "slashservice.installer.cli.verb.Host",
                    lambda root, then=then, **rest: Breaking(root, then),
                )
                try:
                    over = Slashservice.run(argv, exit=False)[1] == 0
                except (Trouble, OSError):
                    over = False
            if over:
                say(image, "uninstall")
                break
            assert plain(image.snapshot()) == half, (step, then)
            assert loaded(image).phase == "undoing"
            assert loaded(image).choices == receipt.choices
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(
                    "slashservice.installer.cli.verb.Host",
                    lambda root, then=then, **rest: Deadly(root, then),
                )
                assert dies(lambda: Slashservice.run(argv, exit=False))
            say(image, "install")
            assert plain(image.snapshot()) == installed, (step, then)
            say(image, "uninstall")
            assert image.snapshot() == before, (step, then)


@pytest.mark.parametrize("step", range(2, 60, 4))
def test_what_was_taken_from_another_supervisor(step: int, make_image: MakeImage, say: Say) -> None:
    """It is taken again, if the uninstall has given it back; nobody has to say --replace again."""
    image = make_image("sysvinit-debian")
    line = "SX:123456:respawn:/usr/bin/svscanboot\n"
    image.file("/etc/inittab", image.path("/etc/inittab").read_text() + line)
    image.program("/usr/bin/svscanboot", "#!/bin/sh\nsvscan /service\n")
    before = image.snapshot()
    say(image, "install", "--replace")
    installed = plain(image.snapshot())
    host = Deadly(str(image.root), step)
    dies(lambda: transaction.uninstall(host, quiet))
    if receipts.load(Host(str(image.root))) is None:
        return
    say(image, "install")
    assert plain(image.snapshot()) == installed
    assert f"#slashservice# {line}" in image.path("/etc/inittab").read_text()
    say(image, "uninstall")
    assert image.snapshot() == before


def test_a_scan_directory_that_was_left_is_named(make_image: MakeImage, say: Say) -> None:
    """It was left with services in it, so the next install takes it for the host's own."""
    image = make_image("systemd")
    say(image, "install")
    image.link("/service/web", "/srv/web")
    assert "note: /service is left: there is something in it (web)" in say(image, "uninstall")
    say(image, "install")
    image.path("/service/web").unlink()
    note = "note: /service is left, and is empty: it was there before slashservice"
    assert note in say(image, "uninstall", "-n")
    assert note in say(image, "uninstall")
