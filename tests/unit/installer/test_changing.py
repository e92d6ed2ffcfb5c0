"""``add --update``: a service that is there becomes what is asked for, and nothing else changes."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest
from helpers.images import Image
from helpers.installer import Breaking, Deadly, dies, its_host, plain_image
from hypothesis import given, settings
from hypothesis import strategies as st

from slashservice.installer import changing, removal, services, written
from slashservice.installer.changes import Updated
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.services import Service, add

image, host = plain_image, its_host

HOMES, SCAN = "/etc/x", "/service"


def service(**given: object) -> Service:
    """Return what is asked for: a plain service unless told otherwise."""
    return Service(**{"name": "web", "command": ["httpd"], "checked": False, **given})  # type: ignore[arg-type]


RICH = service(
    command=["httpd", "-f", "a b"],
    user="www",
    log="/var/log/web",
    environment={"A": "1", "B": "two\nlines"},
    limits={"files": "9"},
    down=True,
)


def update(host: Host, wanted: Service, said: list[str] | None = None, **more: bool) -> Updated:
    """Ask for a service."""
    lines = [] if said is None else said
    return changing.update(host, wanted, HOMES, SCAN, lines.append, **more)


def files(image: Image, name: str = "web") -> dict[str, tuple[int, bytes]]:
    """Return mode and content of all there is of a service, its link too."""
    home = image.path(f"{HOMES}/{name}")
    found = {
        str(path.relative_to(home)): (
            path.lstat().st_mode,
            b"" if path.is_dir() else path.read_bytes(),
        )
        for path in sorted(home.rglob("*"))
    }
    link = image.path(f"{SCAN}/{name}")
    found["link"] = (0, os.readlink(link).encode() if link.is_symlink() else b"none")
    return found


def fresh(wanted: Service) -> dict[str, tuple[int, bytes]]:
    """Return what a first ``add`` of it leaves."""
    with tempfile.TemporaryDirectory() as folder:
        image = new_image(Path(folder))
        add(Host(str(image.root)), wanted, HOMES, SCAN, lambda line: None)
        return files(image, wanted.name)


def new_image(folder: Path) -> Image:
    """Make an image with a scan directory."""
    made = Image(folder / "root").folders("/service", "/etc", "/var/log")
    return made.file("/etc/passwd", "root:x:0:0\nwww:x:33:44:::\ndb:x:55:55:::\n")


class TestChanges:
    """What is changed, and what is said of it."""

    def test_one_that_is_not_there_is_made(self, host: Host, image: Image) -> None:
        said: list[str] = []
        found = update(host, RICH, said)
        assert found.is_created and said == [f"{HOMES}/web is made and linked as {SCAN}/web"]
        assert files(image) == fresh(RICH)

    @pytest.mark.parametrize("other", [RICH, service()])
    def test_somebody_else_is_faster(
        self, host: Host, image: Image, other: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two runs of a tool for many hosts, for one: the last one has its way."""

        def add_late(*given: object) -> bool:
            monkeypatch.undo()
            update(host, other)
            return add(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(services, "add", add_late)
        found = update(host, RICH)
        assert not found.is_created and bool(found.changes) == (other is not RICH)
        assert files(image) == fresh(RICH)

    def test_once_more_it_is_as_it_was_asked_for(self, host: Host, image: Image) -> None:
        add(host, RICH, HOMES, SCAN, print)
        before, said = image.snapshot(), list[str]()
        found = update(host, RICH, said)
        assert said == ["web is as it was asked for"] and not found.to_json()["changed"]
        assert image.snapshot() == before

    def test_each_file_has_a_line(self, host: Host, image: Image) -> None:
        add(host, RICH, HOMES, SCAN, print)
        said: list[str] = []
        wanted = service(environment={"A": "1", "C": "3"}, log="/var/log/other")
        found = update(host, wanted, said)
        assert said == [
            f"{HOMES}/web/env/B is removed",
            f"{HOMES}/web/env/C is made",
            f"{HOMES}/web/log/run is changed",
            f"{HOMES}/web/run is changed",
            f"{HOMES}/web/down is removed",
        ]
        assert [one["what"] for one in found.to_json()["changes"]] == [
            line.rpartition(" ")[2] for line in said
        ]
        assert files(image) == fresh(wanted)

    def test_a_dry_run_changes_nothing_and_shows_no_value(self, host: Host, image: Image) -> None:
        update(host, RICH)
        before = image.snapshot()
        wanted = service(environment={"A": "SECRET1", "N": "SECRET2"}, log="/var/log/web")
        found = update(host, wanted, dry_run=True)
        assert image.snapshot() == before
        assert f"--- {HOMES}/web/run\n+++ {HOMES}/web/run\n" in found.to_json()["diff"]
        assert "SECRET" not in found.to_json()["diff"]
        assert f"{HOMES}/web/env/N is made" in found.to_json()["diff"]
        made = update(host, service(name="other", environment={"A": "SECRET"}), dry_run=True)
        assert made.is_created and "SECRET" not in made.to_json()["diff"]
        assert image.snapshot() == before

    def test_what_a_person_put_there_stays(self, host: Host, image: Image) -> None:
        update(host, RICH)
        for name in ("finish", "check", "data/a", "env/OWN", "supervise/status"):
            image.file(f"{HOMES}/web/{name}", "theirs")
        update(host, service(environment={}))
        left = {name for name in files(image) if image.path(f"{HOMES}/web/{name}").is_file()}
        theirs = {"finish", "check", "data/a", "env/OWN", "supervise/status"}
        assert left == {"run", written.FILE, *theirs}

    def test_disabling_is_a_persons_and_stays(self, host: Host, image: Image) -> None:
        update(host, service())
        image.file(f"{HOMES}/web/down")
        assert not update(host, service()).changes
        assert image.path(f"{HOMES}/web/down").exists()

    @pytest.mark.parametrize("name", ["run", "env/A", "log/run"])
    def test_what_a_person_edited_is_not_overwritten(
        self, name: str, host: Host, image: Image
    ) -> None:
        update(host, RICH)
        path = image.path(f"{HOMES}/web/{name}")
        path.write_bytes(path.read_bytes() + b"# theirs\n")
        before = image.snapshot()
        for wanted in (RICH, service(environment={"C": ""})):
            with pytest.raises(Refusal, match=f"{HOMES}/web/{name} was edited since") as refusal:
                update(host, wanted)
            assert refusal.value.advice == ("--force has it replaced.",)
            assert image.snapshot() == before
        update(host, service(), force=True)
        assert files(image) == fresh(service())

    def test_rights_are_put_back(self, host: Host, image: Image) -> None:
        update(host, RICH)
        image.path(f"{HOMES}/web/env/A").chmod(0o644)
        said: list[str] = []
        update(host, RICH, said)
        assert said == [f"{HOMES}/web/env/A is given other rights"]
        assert files(image) == fresh(RICH)

    def test_one_of_an_add_that_wrote_nothing_down(self, host: Host, image: Image) -> None:
        """Of an older version. It is taken for ours as it is; what would change it is not known."""
        add(host, RICH, HOMES, SCAN, print)
        image.path(f"{HOMES}/web/{written.FILE}").unlink()
        with pytest.raises(Refusal, match="nothing tells whether") as refusal:
            update(host, service())
        assert refusal.value.advice == ("--force has it replaced.",)
        assert not update(host, RICH).changes
        update(host, service())
        assert files(image) == fresh(service())

    def test_what_is_not_ours_is_refused(self, host: Host, image: Image) -> None:
        image.program(f"{HOMES}/web/run").link(f"{SCAN}/web", f"{HOMES}/web")
        with pytest.raises(Refusal, match="was not made by slashservice add"):
            update(host, service(), force=True)
        image.program("/elsewhere/db/run").link(f"{SCAN}/db", "/elsewhere/db")
        update(host, service(name="other"))
        image.path(f"{HOMES}/other").rename(image.path(f"{HOMES}/db"))
        with pytest.raises(Refusal, match=f"another service db already: {SCAN}/db"):
            update(host, service(name="db"))

    def test_one_that_was_unlinked_is_linked(self, host: Host, image: Image) -> None:
        update(host, RICH)
        image.path(f"{SCAN}/web").unlink()
        (change,) = update(host, RICH).changes
        assert (change.path, change.what) == (f"{SCAN}/web", "made")
        assert files(image) == fresh(RICH)

    def test_a_name_that_ends_in_log(self, host: Host, image: Image) -> None:
        wanted = service(name="web.log", log="/var/log/web.log", environment={"a.log": ""})
        update(host, service(name="web.log"))
        update(host, wanted)
        assert files(image, "web.log") == fresh(wanted)

    @pytest.mark.root
    def test_a_log_of_another_account(self, host: Host, image: Image) -> None:
        image.file("/etc/passwd", "root:x:0:0\nwww:x:33:44:::\ndb:x:55:55:::\n").folders("/l")
        os.chown(image.path("/l"), 33, 44)
        update(host, service(log="/l", log_user="www"))
        with pytest.raises(Refusal, match="belongs to user 33, and not to db") as refusal:
            update(host, service(log="/l", log_user="db"))
        assert refusal.value.advice[0].startswith("To give it away: chown -R db /")
        os.chown(image.path("/l"), 55, 55)
        update(host, service(log="/l", log_user="db"))

    def test_the_log_of_another(self, host: Host, image: Image) -> None:
        update(host, service(name="db", log="/var/log/db"))
        update(host, service(log="/var/log/web"))
        with pytest.raises(Refusal, match="can't be the log directory of web"):
            update(host, service(log="/var/log/db"))

    def test_a_file_in_the_way_of_no_log(self, host: Host, image: Image) -> None:
        update(host, RICH)
        image.file(f"{HOMES}/web/log/finish")
        with pytest.raises(Refusal, match="log/finish is not slashservice's"):
            update(host, service())


VARIABLES = st.dictionaries(
    st.sampled_from(["A", "B", "x.y", "-n"]), st.text("ab \n$'", max_size=3)
)
ASKED = st.builds(
    lambda **given: service(**given),
    command=st.lists(st.sampled_from(["httpd", "a b", "\n", "'", "$x"]), min_size=1, max_size=3),
    user=st.sampled_from(["", "www", "db"]),
    log=st.sampled_from(["", "/var/log/web", "/var/log/b"]),
    environment=VARIABLES.map(lambda found: {name: f"{value}." for name, value in found.items()}),
    limits=st.dictionaries(st.sampled_from(["files", "core"]), st.sampled_from(["0", "9"])),
    down=st.booleans(),
)
STEPS = st.lists(st.one_of(ASKED, st.just(None)), max_size=4)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, last=ASKED)
def test_whatever_was_asked_before_does_not_show(
    steps: list[Service | None], last: Service
) -> None:
    """None stands for ``remove``."""
    with tempfile.TemporaryDirectory() as folder:
        image = new_image(Path(folder))
        host = Host(str(image.root))
        for wanted in [*steps, last]:
            if wanted is not None:
                update(host, wanted)
            elif image.path(f"{HOMES}/web").exists():
                removal.remove(host, "web", SCAN, lambda line: None, homes=HOMES)
        assert files(image) == fresh(last)


@settings(max_examples=40, deadline=None)
@given(first=ASKED, second=ASKED, third=ASKED, step=st.integers(1, 16))
def test_what_was_killed_is_finished_by_the_next(
    first: Service, second: Service, third: Service, step: int
) -> None:
    """By that which asks for the same, and as well by one that asks for something else."""
    with tempfile.TemporaryDirectory() as folder:
        image = new_image(Path(folder))
        update(Host(str(image.root)), first)
        try:
            update(Deadly(str(image.root), step), second)
        except Trouble:
            assert startable(image)
        for wanted in (second, third):
            update(Host(str(image.root)), wanted)
            assert files(image) == fresh(wanted)


class DeadlyAt(Host):
    """A host on which the process dies ahead of a step of some name, on some path."""

    def __init__(self, root: str, name: str, path: str) -> None:
        super().__init__(root)
        self.deadly = name, path

    def step(self, name: str, path: str) -> None:
        super().step(name, path)
        if (name, path) == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("remove tree", f"{HOMES}/web/log"),
        ("replace", f"{HOMES}/web/{written.FILE}"),
        ("link", f"{SCAN}/web"),
    ],
)
def test_killed_as_its_log_goes(name: str, path: str, image: Image) -> None:
    update(Host(str(image.root)), RICH)
    image.path(f"{SCAN}/web").unlink()

    def work() -> None:
        """Be killed, or have that killed which does the work."""
        try:
            update(DeadlyAt(str(image.root), name, path), service())
        except Trouble:
            os.kill(os.getpid(), signal.SIGKILL)

    assert dies(work)
    update(Host(str(image.root)), service())
    assert files(image) == fresh(service())


def startable(image: Image) -> bool:
    """Tell whether the script is whole, and finds what it reads."""
    home = image.path(f"{HOMES}/web")
    script = (home / "run").read_text()
    assert script.startswith("#!/bin/sh\n") and script.endswith("\n")
    return "envdir ./env" not in script or (home / "env").is_dir()


@pytest.mark.parametrize("failing", range(1, 24))
def test_a_failure_at_any_step_leaves_the_old_service(failing: int, image: Image) -> None:
    update(Host(str(image.root)), RICH)
    before = files(image)
    wanted = service(command=["other"], environment={"B": "1", "C": ""}, log="/var/log/b")
    try:
        update(Breaking(str(image.root), failing), wanted)
    except (OSError, Trouble):
        assert files(image) == before
        update(Host(str(image.root)), wanted)
    assert files(image) == fresh(wanted)
