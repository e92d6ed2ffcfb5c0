"""What the administrator has made of our files is left, or kept aside; and named."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest
from helpers.images import KINDS, Image, MakeImage
from helpers.installer import look_at, plan_for

from slashservice.installer import status
from slashservice.installer.doctor import examine
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host, state_folder
from slashservice.installer.host.marks import BEGIN, END, BrokenMarks, block
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan import templates
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.files import EditFile, WriteFile
from slashservice.installer.plan.links import MakeLink
from slashservice.installer.plan.planner import Plan
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction
from slashservice.installer.record.theirs import refuse_broken, respecting

UNIT = "/etc/systemd/system/svscan.service"
KEPT = "/var/lib/slashservice/kept"
GONE = re.compile("was gone|was taken out")


def quiet(line: str) -> None:
    """Take no notice of progress."""


def planned(image: Image, **options: object) -> Plan:
    """The plan of a run, in view of what is installed."""
    host = Host(str(image.root))
    return respecting(host, plan_for(host, **options), receipts.load(host))


def install(image: Image, **options: object) -> tuple[str, ...]:
    """Install; return the notes."""
    plan = planned(image, **options)
    transaction.install(Host(str(image.root)), plan, quiet)
    return plan.notes


@pytest.fixture
def new_templates(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what has the templates say something else from now on."""
    real = templates.read

    def change() -> None:
        monkeypatch.setattr(templates, "read", lambda name: changed(name, real(name)))

    return change


def changed(name: str, text: str) -> str:
    """Return another version of a template."""
    if "inittab" in name:
        return text.replace("respawn:", "respawn:/usr/bin/env ")
    return text if "<plist" in text else text + "# new\n"


def file_actions(kind_name: str, image: Image) -> list[WriteFile]:
    """The files that are wholly ours on a kind of host."""
    plan = planned(image, **KINDS[kind_name].options)
    return [one for one in plan.actions if isinstance(one, WriteFile)]


def test_a_changed_file_is_left_while_the_template_stays(
    kind_name: str, image: Image, small_source: object
) -> None:
    options = KINDS[kind_name].options
    install(image, **options)
    for action in file_actions(kind_name, image):
        path = image.path(action.path)
        path.write_text(path.read_text() + "# mine\n")
        notes = install(image, **options)
        assert path.read_text().endswith("# mine\n")
        assert any(note.startswith(f"{action.path} is not as slashservice wrote") for note in notes)
        states = {one.path: one.state for one in status.look(Host(str(image.root))).artefacts}
        assert states[action.path] == "changed"


def test_a_changed_file_is_kept_aside_when_the_template_changes(
    kind_name: str, image: Image, small_source: object, new_templates: Callable[[], None]
) -> None:
    options = KINDS[kind_name].options
    install(image, **options)
    actions = file_actions(kind_name, image)
    for action in actions:
        path = image.path(action.path)
        path.write_text(path.read_text() + "# mine\n")
    new_templates()
    texts = {one.path: one.text for one in file_actions(kind_name, image)}
    notes = install(image, **options)
    folder = f"{state_folder(Host(str(image.root)))}/kept"
    for action in actions:
        if texts[action.path] == action.text:
            image.path(action.path).write_text(action.text)
            continue
        assert image.path(action.path).read_text() == texts[action.path]
        assert image.path(f"{folder}{action.path}").read_text() == action.text + "# mine\n"
        assert any(f"{folder}{action.path}" in note for note in notes)
    assert transaction.uninstall(Host(str(image.root)), quiet) == []


def test_both_are_kept_when_it_happens_twice(
    make_image: MakeImage, small_source: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = make_image("systemd")
    install(image)
    real = templates.read
    for number in (1, 2):
        image.path(UNIT).write_text(image.path(UNIT).read_text() + f"# mine {number}\n")
        monkeypatch.setattr(templates, "read", lambda name, n=number: real(name) + f"# new {n}\n")
        install(image)
    assert image.path(f"{KEPT}{UNIT}").read_text().endswith("# mine 1\n")
    assert image.path(f"{KEPT}{UNIT}.2").read_text().endswith("# mine 2\n")


def test_what_was_left_is_kept_aside_when_all_is_undone(
    make_image: MakeImage, small_source: object
) -> None:
    image = make_image("systemd")
    install(image)
    image.path(UNIT).write_text("mine\n")
    (note,) = install(image)
    assert "systemctl edit svscan.service" in note
    install(image)
    notes = transaction.uninstall(Host(str(image.root)), quiet)
    assert any(f"{KEPT}{UNIT}" in note for note in notes)
    assert image.path(f"{KEPT}{UNIT}").read_text() == "mine\n"
    assert not image.path(UNIT).exists()


def test_a_file_that_is_removed_is_made_anew(make_image: MakeImage, small_source: object) -> None:
    image = make_image("systemd")
    install(image)
    text = image.path(UNIT).read_text()
    image.path(UNIT).unlink()
    install(image)
    assert image.path(UNIT).read_text() == text


def test_an_upgrade_of_what_nobody_changed_says_nothing(
    kind_name: str, image: Image, small_source: object, new_templates: Callable[[], None]
) -> None:
    options = KINDS[kind_name].options
    before = install(image, **options)
    new_templates()
    assert install(image, **options) == before
    assert not image.path(KEPT).exists()


def test_runlevels_of_an_inittab_line(
    make_image: MakeImage, small_source: object, new_templates: Callable[[], None]
) -> None:
    image = make_image("sysvinit-debian")
    before = image.snapshot()
    install(image)
    inittab = image.path("/etc/inittab")
    text = inittab.read_text().replace("SV:12345:", "SV:2345:")
    inittab.write_text(text)
    (note,) = install(image)
    assert "SV:2345:respawn:/command/svscanboot" in note
    assert inittab.read_text() == text
    (found,) = examine(look_at(Host(str(image.root))), INIT_SYSTEMS)
    assert "own lines in it are not as it wrote them" in found.what
    assert "removed" not in found.remedy  # nobody is told to remove an inittab
    new_templates()
    (note,) = install(image)
    assert f"{KEPT}/etc/inittab" in note
    assert "SV:12345:respawn:/usr/bin/env /command/svscanboot\n" in inittab.read_text()
    assert image.path(f"{KEPT}/etc/inittab").read_text() == text
    transaction.uninstall(Host(str(image.root)), quiet)
    assert image.snapshot()["etc/inittab"] == before["etc/inittab"]


def test_a_changed_line_of_ours_is_kept_aside_when_all_is_undone(
    make_image: MakeImage, small_source: object
) -> None:
    image = make_image("sysvinit-debian")
    before = image.path("/etc/inittab").read_text()
    install(image)
    text = image.path("/etc/inittab").read_text().replace("SV:12345:", "SV:2345:")
    image.path("/etc/inittab").write_text(text)
    install(image)
    (note,) = transaction.uninstall(Host(str(image.root)), quiet)
    assert (
        note == f"/etc/inittab was changed by someone else: what it said is in {KEPT}/etc/inittab"
    )
    assert image.path("/etc/inittab").read_text() == before


def test_without_a_receipt_whose_changes_these_are_can_t_be_told(
    make_image: MakeImage, small_source: object
) -> None:
    image = make_image("systemd")
    install(image)
    image.path("/var/lib/slashservice/receipt.json").unlink()
    image.path(UNIT).write_text(image.path(UNIT).read_text() + "# mine\n")
    (note,) = install(image)
    assert f"{KEPT}{UNIT}" in note


def test_a_run_that_was_killed_has_changed_it_itself(
    make_image: MakeImage, small_source: object, new_templates: Callable[[], None]
) -> None:
    image = make_image("systemd")
    install(image)
    new_templates()
    host = Host(str(image.root))
    journal = transaction._journal(host, planned(image), receipts.load(host))
    receipts.save(host, journal)
    assert install(image) == ()
    assert not image.path(KEPT).exists()


def test_what_is_disabled_by_hand_is_enabled_again_and_named(
    make_image: MakeImage, small_source: object
) -> None:
    image = make_image("systemd")
    install(image)
    link = "/etc/systemd/system/multi-user.target.wants/svscan.service"
    image.path(link).unlink()
    (note,) = install(image)
    assert note.startswith(f"{link} was gone: svscan is enabled again")
    assert image.path(link).is_symlink()


@pytest.mark.parametrize(
    ("kind", "path", "line"),
    [
        ("openbsd", "/etc/rc.conf.local", "pkg_scripts=redis\n"),
        ("sysvinit-debian", "/etc/inittab", ""),
    ],
)
def test_what_is_taken_out_by_hand_is_put_in_again_and_named(
    kind: str, path: str, line: str, make_image: MakeImage, small_source: object
) -> None:
    image = make_image(kind)
    before = image.path(path).read_text()
    install(image)
    text = image.path(path).read_text()
    image.path(path).write_text(line or before)
    notes = install(image)
    assert any(f"taken out of {path}: svscan is enabled again" in note for note in notes)
    assert line or image.path(path).read_text() == text


def test_what_is_gone_is_named_for_what_it_does(
    kind_name: str, image: Image, small_source: object
) -> None:
    """Only what starts svscan enables it: not a link that stops it, nor an order of scripts."""
    if "sysvinit" in kind_name or kind_name == "initd":
        image.file("/etc/init.d/.depend.start", "TARGETS = ssh\n")
        image.file("/etc/init.d/.depend.stop", "TARGETS = ssh\n")
    before = image.snapshot()
    options = KINDS[kind_name].options
    texts = {path: image.path(path).read_bytes() for path in before if image.path(path).is_file()}
    install(image, **options)
    enabling = [one for one in planned(image, **options).actions if one.enables]
    for action in enabling:
        assert isinstance(action, (MakeLink, WriteFile, EditFile))
        path = image.path(action.path)
        if action.path.lstrip("/") in texts:
            path.write_bytes(texts[action.path.lstrip("/")])
        else:
            path.unlink()
        notes = [one for one in install(image, **options) if GONE.search(one)]
        stops = isinstance(action, MakeLink) and path.name.startswith("K00")
        order = path.name.startswith(".depend")
        (note,) = notes
        assert action.path in note
        assert ("svscan is enabled again" in note) == (not stops and not order), note
        assert ("which stops svscan in that runlevel: it is back" in note) == stops
        assert ("the order of scripts: it is back" in note) == order
        assert not any(map(GONE.search, install(image, **options)))


def test_a_mode_is_put_back_and_named(make_image: MakeImage, small_source: object) -> None:
    image = make_image("sysvinit-debian")
    install(image)
    image.path("/etc/init.d/svscan").chmod(0o644)
    (note,) = install(image)
    assert note == "/etc/init.d/svscan had another mode or owner: it is put back"
    assert image.path("/etc/init.d/svscan").stat().st_mode & 0o777 == 0o755


MARKS = {
    "nothing ends them": BEGIN + b"x\n",
    "nothing begins them": b"a\n" + END,
    "they are there more than once": (BEGIN + b"x\n" + END) * 2,
    "they end before they begin": END + b"x\n" + BEGIN,
    "not each beginning has its end": BEGIN + BEGIN + b"x\n" + END,
}


class TestBrokenMarks:
    """A dead end that says where it is, and what to do."""

    @pytest.mark.parametrize("why", MARKS)
    def test_file_and_lines_are_named(
        self, why: str, make_image: MakeImage, small_source: object
    ) -> None:
        for kind in ("sysvinit-debian", "busybox", "rclocal-systemd"):
            image = make_image(kind, f"{kind}-{why}")
            options = KINDS[kind].options
            name = "/etc/rc.local" if options else "/etc/inittab"
            path = image.path(name)
            path.write_bytes(path.read_bytes() + MARKS[why])
            with pytest.raises(Refusal, match=f"{name}: the marks .* are broken: {why}") as refusal:
                transaction.install(Host(str(image.root)), planned(image, **options), quiet)
            at = path.read_bytes().split(b"\n").index(MARKS[why].split(b"\n")[0]) + 1
            if why != "nothing begins them":
                assert refusal.value.advice[0].startswith(f"{name}:{at}: # ")
            assert any(
                name in one.what for one in examine(look_at(Host(str(image.root))), INIT_SYSTEMS)
            )

    def test_uninstall_refuses_before_it_stops_anything(
        self, make_image: MakeImage, small_source: object
    ) -> None:
        image = make_image("sysvinit-debian")
        install(image)
        inittab = image.path("/etc/inittab")
        inittab.write_bytes(inittab.read_bytes().replace(END, b""))
        host = Host(str(image.root))
        receipt = receipts.load(host)
        assert receipt is not None
        with pytest.raises(Refusal, match=r"/etc/inittab: .* nothing ends them"):
            refuse_broken(host, receipt)
        states = {one.path: one.state for one in status.look(host).artefacts}
        assert states["/etc/inittab"] == "broken"
        found = [one for one in examine(look_at(host), INIT_SYSTEMS) if "/etc/inittab" in one.what]
        assert len(found) == 1
        assert "Take these lines out" in found[0].remedy

    @pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
    def test_ends_of_lines_don_t_matter(self, end: bytes) -> None:
        text = b"a\n" + BEGIN.strip() + (end or b"\n") + b"x\n" + b"  " + END.strip() + end
        assert block(text) == (1, 3)
        assert Block("x\n").remove(text) == b"a\n"

    def test_text_without_a_name(self) -> None:
        with pytest.raises(BrokenMarks, match="a file: the marks"):
            Block("").remove(BEGIN)


@pytest.mark.parametrize(
    ("text", "why", "advice"),
    [
        ("", "it is empty", "receipt.json.damaged; slashservice install"),
        ("\0\0\0", "it is empty", "mv "),
        ("{", "it is damaged: Expecting property name", "mv "),
        ("[]", "it is damaged", "mv "),
        ('{"format": 1}', "it is damaged: 'version'", "mv "),
        ('{"format": 9, "version": "7.1"}', "it has format 9", "That is slashservice 7.1"),
    ],
)
def test_a_damaged_receipt_has_a_remedy(
    text: str, why: str, advice: str, make_image: MakeImage, small_source: object
) -> None:
    image = make_image("systemd")
    before = image.snapshot()
    install(image)
    receipt = image.path("/var/lib/slashservice/receipt.json")
    receipt.write_text(text)
    (found, *_) = examine(look_at(Host(str(image.root))), INIT_SYSTEMS)
    assert why in found.what
    assert advice in found.remedy
    os.rename(receipt, f"{receipt}.damaged")  # as is said there
    install(image)
    os.unlink(f"{receipt}.damaged")
    transaction.uninstall(Host(str(image.root)), quiet)
    assert before.keys() <= image.snapshot().keys()
    assert not image.path(UNIT).exists()


def test_a_receipt_of_a_later_version(make_image: MakeImage, small_source: object) -> None:
    image = make_image("systemd")
    install(image)
    receipt = image.path("/var/lib/slashservice/receipt.json")
    receipt.write_text(receipt.read_text().replace('"kind": "tree"', '"kind": "forest"'))
    found = [one.what for one in examine(look_at(Host(str(image.root))), INIT_SYSTEMS)]
    assert any("a kind that this version does not know: forest" in what for what in found)


def test_a_folder_of_the_receipt_that_is_a_link_stays(
    make_image: MakeImage, small_source: object
) -> None:
    image = make_image("systemd").folders("/srv/state").link("/var/lib/slashservice", "/srv/state")
    before = image.snapshot()
    install(image)
    transaction.uninstall(Host(str(image.root)), quiet)
    assert image.snapshot() == before


def test_an_edit_of_another_kind_is_no_block(make_image: MakeImage, small_source: object) -> None:
    image = make_image("openbsd")
    install(image)
    assert any(isinstance(one, EditFile) for one in planned(image).actions)


IDLE: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda lines: b"",
    "an empty line": lambda lines: b"\n",
    "blanks": lambda lines: b"  \n\t\n",
    "comments": lambda lines: b"".join(b"# " + one for one in lines.splitlines(True)),
    "a comment that is indented": lambda lines: b"   #off\n\n",
}
"""What somebody may have made of our lines, who would have nothing started by them."""


@pytest.mark.parametrize("made", IDLE)
def test_lines_of_ours_that_do_nothing_any_more(
    made: str, kind_name: str, image: Image, small_source: object
) -> None:
    """What follows from it is said, and how to get them back; which works, byte for byte."""
    options = KINDS[kind_name].options
    host = Host(str(image.root))
    plain = install(image, **options)
    edits = [
        one
        for one in planned(image, **options).actions
        if isinstance(one, EditFile) and isinstance(one.editor, Block)
    ]
    for edit in edits:
        path = image.path(edit.path)
        whole = path.read_bytes()
        found = block(whole)
        assert found is not None
        lines = whole.splitlines(True)
        ours = b"".join(lines[found[0] + 1 : found[1]])
        head, tail = lines[: found[0] + 1], lines[found[1] :]
        path.write_bytes(b"".join([*head, IDLE[made](ours), *tail]))
        (note,) = [one for one in install(image, **options) if one not in plain]
        assert note.startswith(f"of slashservice's lines in {edit.path} only the marks are left")
        assert ("nothing starts svscan at boot" in note) == edit.enables
        assert "take out the marks, too, and run slashservice install" in note
        (finding,) = [
            one
            for one in examine(look_at(host), INIT_SYSTEMS)
            if f"in {edit.path} only" in one.what
        ]
        assert ("nothing starts svscan at boot" in finding.what) == edit.enables
        path.write_bytes(b"".join([*head[:-1], *tail[1:]]))
        install(image, **options)
        assert path.read_bytes() == whole
