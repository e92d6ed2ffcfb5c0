"""A preview says, line for line, what the real run then says."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from helpers.images import KINDS, Image, MakeImage, Snapshot
from helpers.installer import Deadly, Running, dies, plan_for

from slashservice.installer import supervision
from slashservice.installer.cli.main import Slashservice
from slashservice.installer.host.host import LASTING, STATE_FOLDERS, Host, Outcome
from slashservice.installer.record import foresight, transaction
from slashservice.installer.record import receipt as receipts

NOT_STEPS = (
    "init system: ",
    "interpreter: ",
    "note: ",
    "installed",
    "uninstalled",
    "nothing to do",
)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], small_source: object) -> Callable[..., list[str]]:
    """Return what runs a verb on an image, and returns the lines that it says."""

    def run(image: Image, verb: str, *words: str, **options: object) -> list[str]:
        switches = [
            f"--{name.replace('_', '-')}" for name, value in options.items() if value is True
        ]
        switches += [
            f"--{name.replace('_', '-')}={value}"
            for name, value in options.items()
            if value is not True
        ]
        argv = ["slashservice", verb, "--root", str(image.root), *words, *switches]
        status = Slashservice.run(argv, exit=False)[1]
        assert status == (2 if "-n" in words or verb == "plan" else 0)
        said = capsys.readouterr().out
        return said.partition("\n\n")[0].splitlines()

    return run


def steps(said: list[str]) -> list[str]:
    """What is done, without what is said about it."""
    lines = [line for line in said if not line.startswith((*NOT_STEPS, "    "))]
    return [line.removeprefix("would ") for line in lines]


def notes(said: list[str]) -> list[str]:
    """What is noted."""
    return [line for line in said if line.startswith("note: ")]


def compare(preview: list[str], real: list[str]) -> None:
    """Check that a preview has said what the real run says."""
    assert all(line.startswith("would ") for line in preview if line in steps(preview))
    assert steps(preview) == steps(real)
    assert notes(preview) == notes(real)
    assert all(line.strip() for line in real)


def as_installed(image: Image) -> None:
    """Change nothing."""


def with_a_service(image: Image) -> None:
    folder = "/service" if image.path("/service").is_dir() else "/etc/service"
    image.link(f"{folder}/web", "/srv/web")


def changed(image: Image) -> None:
    """Add a line to every text of ours, and to what we have edited."""
    for path in image.root.rglob("*"):
        inside = "slashservice/" in str(path) or "slashservice-" in str(path)
        if inside or path.is_symlink() or not path.is_file():
            continue
        if b"slashservice" in path.read_bytes():
            path.write_bytes(path.read_bytes() + b"# mine\n")


def gone(image: Image) -> None:
    """Remove each link that leads to our commands."""
    for path in [*image.path("/command").glob("s*"), *image.path("/usr/local/bin").glob("s*")]:
        if path.is_symlink():
            path.unlink()


def strange(image: Image) -> None:
    """Put things of others into our folders."""
    for folder in (
        "/package/admin/slashservice-0.1.0",
        "/usr/local/lib/slashservice/0.1.0",
        "/command",
    ):
        if image.path(folder).is_dir():
            image.file(f"{folder}/notes", "mine")


@pytest.mark.parametrize("change", [as_installed, with_a_service, changed, gone, strange])
def test_undoing(
    change: Callable[[Image], None], kind_name: str, image: Image, say: Callable[..., list[str]]
) -> None:
    say(image, "install", **KINDS[kind_name].options)
    change(image)
    before = image.snapshot()
    preview = say(image, "uninstall", "-n")
    assert image.snapshot() == before
    said = say(image, "uninstall")
    compare(preview, said)
    check_truth(image, steps(said), before)


def check_truth(image: Image, said: list[str], before: Snapshot) -> None:
    """Check that what is said to be done has been done, and that nothing else has."""
    after = image.snapshot()
    host = Host(str(image.root))
    told = set()
    for line in said:
        verb, name = line.split()[0], line.split()[-1]
        path = os.path.join(host.resolve(os.path.dirname(name)), os.path.basename(name))
        path = os.path.normpath(path).lstrip("/")
        told.add(path)
        if line == f"remove {name}":
            assert path not in after, line
        if verb == "restore":
            assert after[path] != before[path], line
    for path in before:
        ours = any(f"/{path}/".startswith(f"{folder}/") for folder in (*STATE_FOLDERS, LASTING))
        if before[path][:4] != after.get(path, ())[:4] and not ours:
            parents = {path[:at] for at, char in enumerate(path) if char == "/"}
            assert told & {path, *parents}, path


def test_installing(kind_name: str, image: Image, say: Callable[..., list[str]]) -> None:
    options = KINDS[kind_name].options
    preview = say(image, "plan", **options)
    assert say(image, "install", "-n", **options) == preview
    compare(preview, say(image, "install", **options))
    changed(image)
    gone(image)
    preview = say(image, "install", "-n", **options)
    compare(preview, say(image, "install", **options))


def test_what_is_said_is_what_is_done(make_image: MakeImage, say: Callable[..., list[str]]) -> None:
    image = make_image("systemd").folders("/usr/share/man")
    say(image, "install")
    with_a_service(image)
    said = say(image, "uninstall")
    assert "remove /service" not in said
    assert "note: /service is left: there is something in it (web)" in said
    assert "restore /usr" not in said
    assert "remove /etc/systemd/system/svscan.service" in said
    assert "remove /package" in said


def test_on_a_host_that_runs(
    make_image: MakeImage, small_source: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no file is foreseen by how the host is: nothing is run and nothing signalled."""
    image = make_image("systemd")
    still = Host(str(image.root))
    plan = plan_for(still)
    transaction.install(still, plan, lambda line: None)
    receipt = receipts.load(still)
    assert receipt is not None
    host = Running(image.root, {"systemctl": Outcome(0, "")})
    for pid in (7, 0):
        monkeypatch.setattr(supervision, "running", lambda directory, pid=pid: pid)
        lines = [line for line in foresight.undoing(host, receipt).lines if line]
        assert lines[0] == "stop the services in /service, then their logs"
        assert lines.count("run systemctl daemon-reload") == 1
        assert host.asked == []
    said: list[str] = []
    transaction.uninstall(host, said.append)
    assert said == lines


@pytest.mark.parametrize(
    ("kind", "first", "then"),
    [
        ("sysvinit-debian", {}, {"init": "initd"}),
        ("sysvinit-debian", {"init": "initd"}, {"init": "sysvinit"}),
        ("rclocal-systemd", {"init": "rclocal"}, {"init": "systemd"}),
        ("systemd", {}, {"layout": "fhs"}),
        ("systemd", {}, {"service_dir": "/srv/service"}),
    ],
)
def test_what_goes_is_foreseen(
    kind: str,
    first: dict[str, object],
    then: dict[str, object],
    make_image: MakeImage,
    say: Callable[..., list[str]],
) -> None:
    image = make_image(kind)
    say(image, "install", **first)
    before = image.snapshot()
    preview = say(image, "install", "-n", **then)
    assert image.snapshot() == before
    compare(preview, say(image, "install", **then))
    after = image.snapshot()
    removed = [line.split()[-1] for line in steps(preview) if line.startswith("remove /")]
    assert removed or "restore /etc/inittab" in steps(preview)
    assert not [path for path in removed if path.lstrip("/") in after]


@pytest.mark.parametrize("verb", ["install", "plan", "uninstall"])
def test_while_an_uninstall_is_unfinished(
    verb: str, kind_name: str, image: Image, say: Callable[..., list[str]]
) -> None:
    """Killed at whatever step: what is said is what the next run then does."""
    options = KINDS[kind_name].options
    plain = image.snapshot()
    say(image, "install", **options)
    installed = without_receipt(image)
    say(image, "uninstall")
    assert image.snapshot() == plain
    for deadly in range(5, 50, 13):
        say(image, "install", **options)
        host = Deadly(str(image.root), deadly)
        if not dies(lambda: transaction.uninstall(host, lambda line: None)):  # noqa: B023
            break
        receipt = receipts.load(host)
        if receipt is None or receipt.phase != "undoing":
            say(image, "uninstall")
            continue
        before = image.snapshot()
        words = ["-n"] if verb != "plan" else []
        preview = say(image, verb, *words, **(options if verb != "uninstall" else {}))
        assert image.snapshot() == before
        if verb == "uninstall":
            compare(preview, say(image, "uninstall"))
            assert image.snapshot() == plain
            continue
        assert steps(preview)[0] == "put back what an interrupted uninstall has undone"
        compare(preview, say(image, "install", **options))
        assert without_receipt(image) == installed
        say(image, "uninstall")
    assert image.snapshot() == plain


def without_receipt(image: Image) -> Snapshot:
    """A snapshot without times, or the receipt."""
    return {
        name: (*facts[:4], *facts[5:])
        for name, facts in image.snapshot().items()
        if not name.endswith("receipt.json")
    }
