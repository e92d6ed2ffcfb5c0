"""One version after another, and what stays of the older."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest
from helpers.images import KINDS, Image, Kind, MakeImage, Snapshot, snapshot
from helpers.installer import Breaking, Deadly, dies, plan_for

from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.host.marks import END
from slashservice.installer.plan import source, templates
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.files import EditFile, WriteFile
from slashservice.installer.plan.source import Source
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction
from slashservice.installer.record.theirs import respecting


def quiet(line: str) -> None:
    """Take no notice of progress."""


@pytest.fixture
def version(monkeypatch: pytest.MonkeyPatch, small_source: Source) -> Callable[..., None]:
    """Return what makes this another version of slashservice."""

    def become(name: str, *more: str) -> None:
        files = dict(small_source.files)
        files["installer/cli.py"] = (f"# {name}\n".encode(), 0o644)
        files |= {f"command/{one}": (b"#!/bin/sh\n", 0o755) for one in more}
        made = Source(files, tuple(sorted({*small_source.commands, *more})))
        monkeypatch.setattr(source, "collect", lambda python, tree: made)
        monkeypatch.setattr(source, "version", lambda: name)

    return become


@pytest.fixture
def systemd(make_image: MakeImage) -> tuple[Image, Host]:
    """An image with systemd, and its host."""
    image = make_image("systemd")
    return image, Host(str(image.root))


def trees(image: Image) -> list[str]:
    """The versions that are there."""
    return sorted(path.name for path in image.path("/package/admin").glob("slashservice-*"))


def test_an_upgrade_keeps_the_version_that_may_still_run(
    systemd: tuple[Image, Host], version: Callable[..., None]
) -> None:
    image, host = systemd
    before = image.snapshot()
    for name, kept in (("1", ["1"]), ("2", ["1", "2"]), ("3", ["2", "3"]), ("4", ["3", "4"])):
        version(name)
        assert transaction.install(host, plan_for(host), quiet)
        assert trees(image) == [f"slashservice-{one}" for one in kept]
        assert image.path("/package/admin/slashservice").readlink().name == f"slashservice-{name}"
        assert not transaction.install(host, plan_for(host), quiet)
    assert transaction.uninstall(host, quiet) == []
    assert image.snapshot() == before


def test_going_back_is_an_upgrade_too(
    systemd: tuple[Image, Host], version: Callable[..., None]
) -> None:
    image, host = systemd
    before = image.snapshot()
    for name in ("1", "2", "1"):
        version(name)
        transaction.install(host, plan_for(host), quiet)
    assert image.path("/package/admin/slashservice").readlink().name == "slashservice-1"
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


def test_a_command_that_a_version_gave_up_goes(
    systemd: tuple[Image, Host], version: Callable[..., None]
) -> None:
    image, host = systemd
    version("1", "svold")
    transaction.install(host, plan_for(host), quiet)
    assert image.path("/command/svold").is_symlink()
    version("2", "svnew")
    transaction.install(host, plan_for(host), quiet)
    assert not image.path("/command/svold").is_symlink()
    assert image.path("/command/svnew").is_symlink()


def test_a_command_that_leads_elsewhere_by_now_is_told_of(
    systemd: tuple[Image, Host], version: Callable[..., None]
) -> None:
    image, host = systemd
    version("1", "svold")
    transaction.install(host, plan_for(host), quiet)
    image.path("/command/svold").unlink()
    image.link("/command/svold", "/opt/svold")
    version("2")
    said: list[str] = []
    transaction.install(host, plan_for(host), said.append)
    assert "/command/svold was changed by someone else, and is left as it is" in said
    assert image.path("/command/svold").is_symlink()


@pytest.fixture
def other_wiring(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what has all templates say something else."""
    read = templates.read

    def change(name: str) -> None:
        monkeypatch.setattr(templates, "read", lambda path: f"{read(path)}# of {name}\n")

    return change


Upgrade = Callable[[str], None]


@pytest.fixture
def become(version: Callable[..., None], other_wiring: Callable[[str], None]) -> Upgrade:
    """Return what makes this another version, with other code, commands and templates."""

    def change(name: str) -> None:
        version(name, f"sv{name}")
        other_wiring(name)

    return change


def installed(host: Host, kind: Kind, become: Upgrade, name: str) -> None:
    """Install a version."""
    become(name)
    transaction.install(host, plan_for(host, **kind.options), quiet)


def test_an_upgrade_that_fails_anywhere_leaves_the_older_version_as_it_was(
    kind: Kind, image: Image, become: Upgrade
) -> None:
    plain = image.snapshot()
    host = Host(str(image.root))
    installed(host, kind, become, "1")
    before = without_times(image.snapshot())
    become("2")
    for failing in count(1):
        broken = Breaking(str(image.root), failing)
        try:
            transaction.install(broken, plan_for(broken, **kind.options), quiet)
            break
        except (Trouble, OSError):
            receipt = receipts.load(host)
        assert receipt is not None
        if receipt.phase == "retiring":
            assert receipt.version == "2"
            transaction.install(host, plan_for(host, **kind.options), quiet)
            assert not image.path("/command/sv1").is_symlink()
            installed(host, kind, become, "1")
            installed(host, kind, become, "2")  # so that there are two to go back and forth
            installed(host, kind, become, "1")
            before = without_times(image.snapshot())
            become("2")
        else:
            assert (receipt.version, receipt.phase) == ("1", "installed")
            assert without_times(image.snapshot()) == before, f"step {failing}"
    assert failing > len(("receipt", "code", "link", "command", "receipt"))
    assert transaction.uninstall(host, quiet) == []
    assert image.snapshot() == plain


@pytest.mark.parametrize("then", ["on", "back", "uninstall"])
def test_an_upgrade_that_is_killed_anywhere(
    then: str, kind: Kind, image: Image, become: Upgrade
) -> None:
    """It can be finished, or gone back from by the installer of the older version, or undone."""
    plain = image.snapshot()
    host = Host(str(image.root))
    for name in ("1", "2", "1"):
        installed(host, kind, become, name)
    before = wired(image)
    for deadly in count(1):
        become("2")
        deadly_host = Deadly(str(image.root), deadly)
        plan = plan_for(host, **kind.options)
        if not dies(lambda: transaction.install(deadly_host, plan, quiet)):  # noqa: B023
            break
        if then == "on":
            transaction.install(host, plan_for(host, **kind.options), quiet)
            assert image.path("/command/sv2" if layout(host) else "/usr/local/bin/sv2").is_symlink()
            assert not transaction.install(host, plan_for(host, **kind.options), quiet)
        if then == "uninstall":
            assert transaction.uninstall(host, quiet) == [], f"step {deadly}"
            assert image.snapshot() == plain, f"step {deadly}"
        installed(host, kind, become, "1")
        assert wired(image) == before, f"step {deadly}"
        receipt = receipts.load(host)
        assert receipt is not None and (receipt.version, receipt.phase) == ("1", "installed")
    assert transaction.uninstall(host, quiet) == []
    assert image.snapshot() == plain


def layout(host: Host) -> bool:
    """Tell whether commands are in /command."""
    receipt = receipts.load(host)
    return receipt is not None and receipt.layout == "slashpackage"


def wired(image: Image) -> Snapshot:
    """A snapshot without times, but for the code that is kept of another version."""
    return {
        name: facts
        for name, facts in without_times(image.snapshot()).items()
        if "slashservice-2" not in name and "lib/slashservice/2" not in name
    }


def test_other_code_of_the_same_version_has_a_folder_of_its_own(
    systemd: tuple[Image, Host], version: Callable[..., None]
) -> None:
    """A svscan runs from the folder that is there, and reads parts of its code late."""
    image, host = systemd
    before = image.snapshot()
    version("1")
    transaction.install(host, plan_for(host), quiet)
    code = snapshot(image.path("/package/admin/slashservice-1"))
    version("1", "svnew")
    transaction.install(host, plan_for(host), quiet)
    first, second = trees(image)
    assert first == "slashservice-1" and second.startswith("slashservice-1-")
    assert snapshot(image.path("/package/admin/slashservice-1")) == code
    assert image.path("/package/admin/slashservice").readlink().name == second
    assert image.path("/command/svnew").is_symlink()
    assert not transaction.install(host, plan_for(host), quiet)
    version("1")
    transaction.install(host, plan_for(host), quiet)
    assert image.path("/package/admin/slashservice").readlink().name == "slashservice-1"
    assert trees(image) == [first, second]
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


@pytest.mark.parametrize("how", ["changed", "gone", "more"])
def test_code_that_somebody_damaged_is_put_beside_it(
    systemd: tuple[Image, Host], version: Callable[..., None], how: str
) -> None:
    image, host = systemd
    before = image.snapshot()
    version("1")
    transaction.install(host, plan_for(host), quiet)
    for _ in range(3):
        tree = image.path("/package/admin/slashservice").resolve()
        path = tree / ("installer/more.py" if how == "more" else "installer/cli.py")
        path.unlink() if how == "gone" else path.write_text("damaged")
        assert transaction.install(host, plan_for(host), quiet)
        now = image.path("/package/admin/slashservice").resolve()
        assert now != tree
        assert (now / "installer/cli.py").read_text() == "# 1\n"
        assert not transaction.install(host, plan_for(host), quiet)
    transaction.uninstall(host, quiet)
    left = {path for path in image.snapshot() if path not in before}
    assert not left or how == "more", left


def test_what_was_taken_from_another_supervisor_stays_taken(
    make_image: MakeImage, version: Callable[..., None]
) -> None:
    image = make_image("sysvinit-debian")
    line = "SX:123456:respawn:/usr/bin/svscanboot\n"
    image.file("/etc/inittab", image.path("/etc/inittab").read_text() + line)
    image.program("/usr/bin/svscanboot", "#!/bin/sh\nsvscan /service\n")
    before = image.snapshot()
    host = Host(str(image.root))
    version("1")
    transaction.install(host, plan_for(host, replace=True), quiet)
    for name in ("2", "3"):
        version(name)
        transaction.install(host, plan_for(host), quiet)
        assert f"#slashservice# {line}" in image.path("/etc/inittab").read_text()
    assert transaction.uninstall(host, quiet) == []
    assert image.snapshot() == before


def test_another_init_system_is_another_wiring(make_image: MakeImage, small_source: Source) -> None:
    image = make_image("sysvinit-debian")
    before = image.snapshot()
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, init="initd"), quiet)
    assert b"svscan" not in image.path("/etc/inittab").read_bytes()
    transaction.install(host, plan_for(host), quiet)
    assert b"svscan" in image.path("/etc/inittab").read_bytes()
    assert not image.path("/etc/rc1.d/K00svscan").is_symlink()
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


def test_another_layout_moves_everything(make_image: MakeImage, small_source: Source) -> None:
    image = make_image("systemd")
    before = image.snapshot()
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), quiet)
    transaction.install(host, plan_for(host, layout="fhs", service_dir="/service"), quiet)
    assert not image.path("/command").exists()
    assert image.path("/usr/local/bin/svscan").is_symlink()
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


def test_two_at_a_time_are_one_too_many(make_image: MakeImage) -> None:
    host = Host(str(make_image("systemd").root))
    with transaction.exclusive(host):
        second = transaction.exclusive(Host(host.root))
        with pytest.raises(Refusal, match="another slashservice installer"):
            second.__enter__()
    with transaction.exclusive(host):
        pass


def without_times(found: Snapshot) -> Snapshot:
    """A snapshot without the times of files, or the receipt."""
    return {
        name: tuple(fact for at, fact in enumerate(facts) if at != 4)
        for name, facts in found.items()
        if not name.endswith("receipt.json")
    }


def test_what_the_administrator_has_added_outlives_upgrades_and_uninstalling(
    kind: Kind, image: Image, become: Upgrade
) -> None:
    """Lines of his beside ours, before and between upgrades and mends, in every file we edit."""
    host = Host(str(image.root))
    installed(host, kind, become, "1")
    plan = plan_for(host, **kind.options)
    edited = sorted({one.path for one in plan.actions if isinstance(one, EditFile)})
    added = dict.fromkeys(edited, b"")
    for number, name in enumerate(("1", "2", "1", "1")):
        for path in edited:
            sign = ";" if path.endswith(".scm") else "#"
            line = f"{sign} added by the administrator, {number}\n".encode()
            file = image.path(path)
            file.write_bytes(file.read_bytes() + line)
            added[path] += line
        installed(host, kind, become, name)
    transaction.uninstall(host, quiet)
    for path, lines in added.items():
        left = image.path(path).read_bytes()
        for line in lines.splitlines():
            assert line in left, path
        assert b"slashservice" not in left, path


def changed_by_the_administrator(image: Image, host: Host, kind: Kind) -> list[str]:
    """Change each text of ours, whole files and lines; return the paths."""
    paths = []
    for action in plan_for(host, **kind.options).actions:
        if not isinstance(action, (WriteFile, EditFile)):
            continue
        file = image.path(action.path)
        text = file.read_bytes()
        if isinstance(action, WriteFile):
            file.write_bytes(text + b"# mine\n")
        elif isinstance(action.editor, Block):
            end = text.rindex(b"\n", 0, text.rindex(END))
            file.write_bytes(text[:end] + b" # mine" + text[end:])
        else:
            continue
        paths.append(action.path)
    return paths


def upgrade(image: Image, kind: Kind, host: Host) -> tuple[str, ...]:
    """Upgrade in view of what the administrator has changed; return the notes."""
    seen = Host(str(image.root))
    plan = respecting(seen, plan_for(seen, **kind.options), receipts.load(seen))
    transaction.install(host, plan, quiet)
    return plan.notes


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize(
    "which", ["systemd", "sysvinit-debian", "slackware", "dinit", "openbsd", "macos"]
)
def test_an_upgrade_that_fails_anywhere_leaves_no_copies(
    which: str, killed: bool, make_image: MakeImage, become: Upgrade
) -> None:
    """What the administrator has made of our texts is in its place again, and nowhere else."""
    kind, image = KINDS[which], make_image(which)
    host = Host(str(image.root))
    installed(host, kind, become, "1")
    changed_by_the_administrator(image, host, kind)
    before = without_times(image.snapshot())
    become("2")
    for failing in count(1, 5 if killed else 1):
        if killed:
            deadly = Deadly(str(image.root), failing)
            if not dies(lambda: upgrade(image, kind, deadly)):  # noqa: B023
                return
            receipt = receipts.load(host)
            if receipt is None or receipt.phase != "applying":
                if receipt is not None and receipt.version == "2":
                    return
                continue
            with pytest.raises((Trouble, OSError)):
                upgrade(image, kind, Breaking(str(image.root), 3))
        else:
            try:
                upgrade(image, kind, Breaking(str(image.root), failing))
                break
            except (Trouble, OSError):
                receipt = receipts.load(host)
        assert receipt is not None
        if receipt.phase == "retiring":
            break  # from here on the new version stays, and the copies
        assert without_times(image.snapshot()) == before, f"step {failing}"


@pytest.mark.parametrize("again", [1, 2])
def test_copies_of_before_outlive_an_upgrade_that_fails(
    again: int, make_image: MakeImage, become: Upgrade
) -> None:
    image = make_image("systemd")
    kind, host = KINDS["systemd"], Host(str(image.root))
    installed(host, kind, become, "1")
    for number in range(again):
        changed_by_the_administrator(image, host, kind)
        become(f"2{number}")
        upgrade(image, kind, host)
    changed_by_the_administrator(image, host, kind)
    before = without_times(image.snapshot())
    assert sum("/kept/" in name and name.endswith((".service", ".2")) for name in before) == again
    become("3")
    for failing in count(1):
        try:
            upgrade(image, kind, Breaking(str(image.root), failing))
            break
        except (Trouble, OSError):
            receipt = receipts.load(host)
        if receipt is None or receipt.phase == "retiring":
            break
        assert without_times(image.snapshot()) == before, f"step {failing}"


class ReadOnly(Breaking):
    """A host whose disk can't be written to any more from one step on."""

    def step(self, name: str, path: str) -> None:
        Host.step(self, name, path)
        if self.changes >= self.failing:
            raise OSError(30, "Read-only file system", path)


def test_what_can_not_be_put_back_is_readable(kind: Kind, image: Image, become: Upgrade) -> None:
    """However much that is: a few lines, of which the last says what to type."""
    host = Host(str(image.root))
    most = 0
    for failing in range(3, 120, 4):
        become("1")
        broken = ReadOnly(str(image.root), failing)
        try:
            transaction.install(broken, plan_for(broken, **kind.options), quiet)
            break
        except Trouble as trouble:
            lines = [str(trouble), *trouble.advice]
        named = [line for line in lines if line.startswith("not put back: ")]
        more = [int(line.split()[1]) for line in lines if line.startswith("and ")]
        assert named and lines[-1].startswith("run slashservice ")
        assert 1 <= len(named) <= 5 and bool(more) == (len(lines) == 8)
        assert all(len(line) < 200 and "; " not in line[30:] for line in lines), lines
        assert lines[0].count("Read-only file system") == 1
        most = max(most, len(named) + sum(more))
        transaction.uninstall(host, quiet)
    assert most > 5


@pytest.mark.parametrize("first", ["systemd", "sysvinit-debian", "openrc-gentoo", "dinit"])
@pytest.mark.parametrize("layout", ["fhs", "slashpackage"])
def test_a_run_that_fails_after_one_that_was_killed_leaves_nothing_of_either(
    first: str, layout: str, make_image: MakeImage, become: Upgrade
) -> None:
    """Whatever the killed one had done, and whatever layout the other one is for."""
    image = make_image(first)
    plain = image.snapshot()
    host = Host(str(image.root))
    for killed in range(2, 80, 7):
        become("1")
        deadly = Deadly(str(image.root), killed)
        if not dies(lambda: transaction.install(deadly, plan_for(deadly), quiet)):  # noqa: B023
            transaction.uninstall(host, quiet)
            break
        become("2")
        for failing in (6, 15, 24):
            broken = Breaking(str(image.root), failing)
            with pytest.raises((Trouble, OSError)):
                transaction.install(broken, plan_for(broken, layout=layout), quiet)
            receipt = receipts.load(host)
            if receipt is None:
                break
        assert image.snapshot() == plain, f"killed at {killed}"
