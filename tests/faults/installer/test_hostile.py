"""Files that would break a careless installer: refused, or edited without harm."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.images import KINDS, Image, MakeImage
from helpers.installer import look_at, plan_for

from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.host.marks import BEGIN
from slashservice.installer.plan.source import Source
from slashservice.installer.record import transaction


def quiet(line: str) -> None:
    """Take no notice of progress."""


Install = Callable[..., Host]
"""Takes an image and options; returns the host."""


@pytest.fixture
def install(small_source: Source) -> Install:
    """Return what installs on an image and returns the host."""

    def install(image: Image, **options: Any) -> Host:
        host = Host(str(image.root))
        transaction.install(host, plan_for(host, **options), quiet)
        return host

    return install


def refused(install: Install, image: Image, **options: Any) -> str:
    """Check that installing is refused, and changes nothing; return why."""
    before = image.snapshot()
    with pytest.raises(Refusal) as refusal:
        install(image, **options)
    assert image.snapshot() == before
    return " ".join([refusal.value.what, *refusal.value.advice])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"id:2:initdefault:\r\nsi::sysinit:/rc\r\n", "carriage returns"),
        (b"id:2:initdefault:\nsi::sysinit:/rc\0\n", "NUL"),
        (b"id:2:initdefault:\nbroken line\n", "four fields"),
        (b"id:2:initdefault:\nid:3:respawn:/x\n", "taken by"),
        (
            b"id:2:initdefault:\nSV:2:respawn:/x\nDT:2:respawn:/y\nSVS:2:respawn:/z\n",
            "each of the ids",
        ),
        (b"id:2:initdefault:\n" + BEGIN, "marks"),
    ],
)
def test_a_broken_inittab_is_refused(
    make_image: MakeImage, install: Install, text: bytes, why: str
) -> None:
    image = make_image("sysvinit-debian").file("/etc/inittab", text)
    assert why in refused(install, image)


def test_a_taken_id_is_not_taken_again(make_image: MakeImage, install: Install) -> None:
    image = make_image("sysvinit-debian")
    text = image.path("/etc/inittab").read_text() + "SV:2345:respawn:/usr/sbin/other\n"
    image.file("/etc/inittab", text)
    install(image)
    assert "DT:12345:respawn:/command/svscanboot\n" in image.path("/etc/inittab").read_text()


def test_a_commented_out_line_is_no_wiring(make_image: MakeImage, install: Install) -> None:
    image = make_image("sysvinit-debian")
    text = image.path("/etc/inittab").read_text() + "#SV:123456:respawn:/command/svscanboot\n"
    image.file("/etc/inittab", text)
    before = image.snapshot()
    host = install(image)
    assert text in image.path("/etc/inittab").read_text()
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


def test_a_missing_final_newline_comes_back_missing(
    make_image: MakeImage, install: Install
) -> None:
    image = make_image("sysvinit-debian").file("/etc/inittab", "id:2:initdefault:\nx:2:once:/y")
    before = image.snapshot()
    host = install(image)
    assert b"x:2:once:/y\n" in image.path("/etc/inittab").read_bytes()
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


def test_bytes_that_are_no_utf8_stay(make_image: MakeImage, install: Install) -> None:
    text = b"id:2:initdefault:\n# caf\xe9\nx:2:once:/y\n"
    image = make_image("sysvinit-debian").file("/etc/inittab", text)
    host = install(image)
    assert image.path("/etc/inittab").read_bytes().startswith(text)
    transaction.uninstall(host, quiet)
    assert image.path("/etc/inittab").read_bytes() == text


def test_an_rc_local_behind_a_link_is_edited_where_it_is(
    make_image: MakeImage, install: Install
) -> None:
    image = make_image("rclocal-sysvinit")
    install(image, init="rclocal")
    assert os.readlink(image.path("/etc/rc.local")) == "rc.d/rc.local"
    assert BEGIN in image.path("/etc/rc.d/rc.local").read_bytes()


def test_a_link_out_of_the_image_leads_back_into_it(
    make_image: MakeImage, install: Install, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("#!/bin/sh\n")
    image = make_image("initd").link("/etc/rc.local", f"../../../../..{outside}")
    image.program(str(outside), "#!/bin/sh\necho inside\n")
    install(image, init="rclocal")
    assert outside.read_text() == "#!/bin/sh\n"
    assert BEGIN in image.path(str(outside)).read_bytes()


def test_a_loop_of_links_is_no_way_to_hang(make_image: MakeImage, install: Install) -> None:
    image = make_image("initd").link("/etc/rc.local", "rc.loop").link("/etc/rc.loop", "rc.local")
    before = image.snapshot()
    with pytest.raises((Refusal, Trouble, OSError)):
        install(image, init="rclocal")
    assert image.snapshot() == before


def test_hard_links_are_refused(make_image: MakeImage, install: Install) -> None:
    image = make_image("sysvinit-debian")
    os.link(image.path("/etc/inittab"), image.path("/etc/inittab.other"))
    assert "hard links" in refused(install, image)


def test_rc_local_that_is_switched_off_is_refused(make_image: MakeImage, install: Install) -> None:
    image = make_image("rclocal-systemd")
    image.path("/etc/rc.local").chmod(0o644)
    assert "not executable" in refused(install, image, init="rclocal")


def test_rc_local_in_another_language_is_refused(make_image: MakeImage, install: Install) -> None:
    image = make_image("rclocal-systemd").program("/etc/rc.local", "#!/usr/bin/perl\n")
    assert "no shell script" in refused(install, image, init="rclocal")


def test_rc_local_is_refused_where_systemd_gave_it_up(
    make_image: MakeImage, install: Install
) -> None:
    image = make_image("rclocal-systemd")
    image.path("/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so").unlink()
    image.file("/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-260.so")
    assert "260" in refused(install, image, init="rclocal")


def test_mode_owner_and_attributes_are_kept(make_image: MakeImage, install: Install) -> None:
    image = make_image("sysvinit-debian")
    path = image.path("/etc/inittab")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 12, 34)
    try:
        os.setxattr(path, "user.slashservice", b"kept")
    except OSError:
        os.setxattr(path, "trusted.slashservice", b"kept")
    before = image.snapshot()
    host = install(image)
    assert [fact for at, fact in enumerate(before["etc/inittab"]) if at not in (3, 4)] == [
        fact for at, fact in enumerate(image.snapshot()["etc/inittab"]) if at not in (3, 4)
    ]
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


def test_what_is_somebody_else_s_is_refused(make_image: MakeImage, install: Install) -> None:
    image = make_image("systemd").file("/etc/systemd/system/svscan.service", "[Service]\n")
    assert "not slashservice's" in refused(install, image)


def test_a_command_of_another_package_is_refused(make_image: MakeImage, install: Install) -> None:
    image = make_image("systemd").link(
        "/command/svscan", "/package/admin/daemontools/command/svscan"
    )
    assert "/command/svscan" in refused(install, image)


def test_commands_on_the_path_are_not_shadowed(make_image: MakeImage, install: Install) -> None:
    image = make_image("systemd").program("/usr/bin/svscan")
    install(image)
    assert not image.path("/usr/local/bin/svscan").is_symlink()
    assert image.path("/usr/local/bin/svscanboot").is_symlink()
    assert image.path("/command/svscan").is_symlink()


class TestChangedSince:
    """Someone has changed what was installed: only what is still ours is taken away."""

    def test_lines_added_to_inittab_stay(self, make_image: MakeImage, install: Install) -> None:
        image = make_image("sysvinit-debian")
        host = install(image)
        path = image.path("/etc/inittab")
        path.write_bytes(path.read_bytes() + b"2:23:respawn:/sbin/getty tty2\n")
        notes = transaction.uninstall(host, quiet)
        assert "/etc/inittab was changed by someone else" in notes[0]
        text = path.read_bytes()
        assert text.endswith(b"2:23:respawn:/sbin/getty tty2\n")
        assert b"svscan" not in text

    def test_a_new_mode_stays(self, make_image: MakeImage, install: Install) -> None:
        image = make_image("sysvinit-debian")
        host = install(image)
        image.path("/etc/inittab").chmod(0o600)
        assert "mode" in transaction.uninstall(host, quiet)[0]
        assert image.path("/etc/inittab").stat().st_mode & 0o777 == 0o600

    def test_a_changed_unit_is_kept_aside(self, make_image: MakeImage, install: Install) -> None:
        image = make_image("systemd")
        host = install(image)
        unit = image.path("/etc/systemd/system/svscan.service")
        unit.write_text(unit.read_text() + "# mine\n")
        notes = transaction.uninstall(host, quiet)
        assert not unit.exists()
        kept = image.path("/var/lib/slashservice/kept/etc/systemd/system/svscan.service")
        assert kept.read_text().endswith("# mine\n")
        assert str(kept)[len(str(image.root)) :] in notes[0]

    def test_a_service_stays(self, make_image: MakeImage, install: Install) -> None:
        image = make_image("systemd")
        host = install(image)
        image.link("/service/web", "/srv/web")
        assert "/service is left" in transaction.uninstall(host, quiet)[0]
        assert image.path("/service/web").is_symlink()

    def test_files_beside_the_code_stay(self, make_image: MakeImage, install: Install) -> None:
        image = make_image("systemd")
        host = install(image)
        image.file("/package/admin/slashservice-0.1.0/notes", "mine")
        notes = transaction.uninstall(host, quiet)
        assert any("notes in it is not slashservice's" in note for note in notes)
        assert image.path("/package/admin/slashservice-0.1.0/notes").exists()
        assert not image.path("/package/admin/slashservice-0.1.0/supervise/__init__.py").exists()

    def test_a_link_that_leads_elsewhere_stays(
        self, make_image: MakeImage, install: Install
    ) -> None:
        image = make_image("systemd")
        host = install(image)
        image.path("/command/svscan").unlink()
        image.link("/command/svscan", "/opt/other/svscan")
        assert any(
            "/command/svscan was changed" in one for one in transaction.uninstall(host, quiet)
        )
        assert os.readlink(image.path("/command/svscan")) == "/opt/other/svscan"

    def test_what_is_gone_already_is_no_trouble(
        self, make_image: MakeImage, install: Install
    ) -> None:
        image = make_image("systemd")
        before = image.snapshot()
        host = install(image)
        image.path("/etc/systemd/system/svscan.service").unlink()
        assert transaction.uninstall(host, quiet) == []
        assert image.snapshot() == before

    def test_numbers_that_insserv_changed_are_followed(
        self, make_image: MakeImage, install: Install
    ) -> None:
        image = make_image("sysvinit-debian")
        before = image.snapshot()
        host = install(image)
        image.path("/etc/rc6.d/K00svscan").rename(image.path("/etc/rc6.d/K01svscan"))
        assert not transaction.install(host, plan_for(host), quiet)
        assert transaction.uninstall(host, quiet) == []
        assert image.snapshot() == before


def test_a_lost_receipt_does_not_make_ours_somebody_else_s(
    make_image: MakeImage, install: Install
) -> None:
    for kind in ("systemd", "sysvinit-debian", "busybox"):
        image = make_image(kind, kind)
        before = image.snapshot()
        install(image)
        image.path("/var/lib/slashservice/receipt.json").unlink()
        host = install(image)
        transaction.uninstall(host, quiet)
        after = image.snapshot()
        for name, facts in after.items():  # folders may be left, and files have new times
            assert facts[:4] == before.get(name, (oct(0o40755), *facts[1:]))[:4], name
        assert before.keys() <= after.keys()


def test_a_damaged_receipt_is_told_of(make_image: MakeImage, install: Install) -> None:
    image = make_image("systemd")
    install(image)
    image.path("/var/lib/slashservice/receipt.json").write_text("{")
    with pytest.raises(Trouble, match="damaged"):
        install(image)


class TestRivals:
    INITTAB = "SV:123456:respawn:/usr/bin/svscanboot\n"

    def rival(self, make_image: MakeImage) -> Image:
        image = make_image("sysvinit-debian")
        text = image.path("/etc/inittab").read_text() + self.INITTAB
        image.file("/etc/inittab", text)
        image.program("/usr/bin/svscanboot", "#!/bin/sh\nenv - PATH=$PATH svscan /service 2>&1\n")
        return image

    def test_the_same_scan_directory_is_refused(
        self, make_image: MakeImage, install: Install
    ) -> None:
        assert "supervises /service already" in refused(install, self.rival(make_image))

    def test_another_scan_directory_is_not(self, make_image: MakeImage, install: Install) -> None:
        image = self.rival(make_image)
        install(image, service_dir="/var/service")
        text = image.path("/etc/inittab").read_text()
        assert self.INITTAB in text
        assert "DT:12345:respawn:/command/svscanboot /var/service\n" in text

    def test_replacing_puts_it_out_of_force_and_gives_it_back(
        self, make_image: MakeImage, install: Install
    ) -> None:
        image = self.rival(make_image)
        before = image.snapshot()
        host = install(image, replace=True)
        text = image.path("/etc/inittab").read_text()
        assert f"#slashservice# {self.INITTAB}" in text
        assert "DT:12345:respawn:/command/svscanboot\n" in text
        assert not transaction.install(host, plan_for(host, replace=True), quiet)
        assert image.path("/etc/inittab").read_text() == text
        transaction.uninstall(host, quiet)
        assert image.snapshot() == before

    def test_a_package_s_unit_is_disabled_and_enabled_again(
        self, make_image: MakeImage, install: Install
    ) -> None:
        image = make_image("systemd")
        unit = "[Service]\nExecStart=/usr/bin/svscanboot /service/\n"
        image.file("/usr/lib/systemd/system/daemontools-run.service", unit)
        image.program("/usr/bin/svscanboot")
        link = "/etc/systemd/system/multi-user.target.wants/daemontools-run.service"
        install(image)  # an installed unit that is not enabled is no rival
        transaction.uninstall(Host(str(image.root)), quiet)
        image.link(link, "/usr/lib/systemd/system/daemontools-run.service")
        assert "daemontools-run.service" in refused(install, image)
        before = image.snapshot()
        host = install(image, replace=True)
        assert not image.path(link).is_symlink()
        transaction.uninstall(host, quiet)
        assert image.snapshot() == before

    @pytest.mark.parametrize(
        ("which", "path", "links"),
        [
            ("upstart", "/etc/init/svscan.conf", []),
            ("upstart", "/etc/init/daemontools.conf", []),
            ("openrc-gentoo", "/etc/init.d/svscan", ["/etc/runlevels/default/svscan"]),
            ("initd", "/etc/init.d/svscan", ["/etc/rc2.d/S20svscan", "/etc/rc6.d/K20svscan"]),
            ("initd", "/etc/init.d/daemontools", ["/etc/rc2.d/S20daemontools"]),
            ("freebsd", "/usr/local/etc/rc.d/svscan", []),
            ("dinit", "/etc/dinit.d/daemontools", []),
        ],
    )
    def test_whatever_starts_it_is_replaced(
        self, which: str, path: str, links: list[str], make_image: MakeImage, install: Install
    ) -> None:
        image = make_image(which)
        command = "command = " if which == "dinit" else "exec "
        image.program(path, f"#!/bin/sh\n{command}/usr/bin/svscan /service\n")
        image.program("/usr/bin/svscan")
        for link in links:
            image.link(link, path)
        options = {"init": "initd"} if which == "initd" else {}
        assert path in refused(install, image, **options)
        before = image.snapshot()
        host = install(image, replace=True, **options)
        rivals = [one for one in look_at(host).evidence.wirings if one.active and not one.ours]
        assert rivals == []
        assert transaction.uninstall(host, quiet) == []
        assert image.snapshot() == before

    @pytest.mark.parametrize("path", ["/etc/rc.local", "/etc/rc.d/rc.local"])
    def test_an_rc_local_loses_one_line(
        self, path: str, make_image: MakeImage, install: Install
    ) -> None:
        image = make_image("sysvinit-rhel5").program(path, "#!/bin/sh\nmount /srv\n")
        with image.path(path).open("a") as script:
            script.write("/usr/bin/svscanboot &\n")
        before = image.snapshot()
        host = install(image, replace=True)
        expected = "#!/bin/sh\nmount /srv\n#slashservice# /usr/bin/svscanboot &\n"
        assert image.path(path).read_text() == expected
        transaction.uninstall(host, quiet)
        assert image.snapshot() == before

    def test_an_inittab_that_nobody_reads_is_no_rival(
        self, make_image: MakeImage, install: Install
    ) -> None:
        image = make_image("systemd").file("/etc/inittab", self.INITTAB)
        before = image.snapshot()["etc/inittab"]
        install(image)
        assert image.snapshot()["etc/inittab"] == before

    def test_runit_is_replaced_only_if_asked(self, make_image: MakeImage, install: Install) -> None:
        image = make_image("systemd")
        unit = "[Service]\nExecStart=/usr/bin/runsvdir -P /etc/service\n"
        image.file("/etc/systemd/system/runit.service", unit)
        image.link("/etc/systemd/system/multi-user.target.wants/runit.service", "../runit.service")
        assert "runsvdir supervises" in refused(install, image, service_dir="/etc/service")
        before = image.snapshot()
        install(image, service_dir="/etc/service", replace=True)
        wanted = "etc/systemd/system/multi-user.target.wants/runit.service"
        assert image.snapshot().get(wanted) != before[wanted]

    def test_runit_s_own_directory_is_refused(
        self, make_image: MakeImage, install: Install
    ) -> None:
        image = make_image("runit-debian")
        assert "runit's own" in refused(install, image, service_dir="/etc/service")


class TestTrust:
    def test_an_interpreter_in_a_home_is_refused(
        self, make_image: MakeImage, install: Install
    ) -> None:
        image = make_image("systemd")
        home = image.program("/home/me/.pyenv/bin/python3.12").path("/home/me")
        for path in (home, *home.rglob("*")):
            os.chown(path, 1234, 1234)
        why = refused(install, image, python="/home/me/.pyenv/bin/python3.12")
        assert "/home/me belongs to user 1234" in why

    def test_a_link_into_a_home_is_seen_through(
        self, make_image: MakeImage, install: Install
    ) -> None:
        image = make_image("systemd").link("/usr/bin/python3.12", "/home/me/python")
        image.program("/home/me/python")
        os.chown(image.path("/home/me"), 1234, 1234)
        assert "1234" in refused(install, image, python="/usr/bin/python3.12")

    def test_an_interpreter_that_only_root_may_run_is_refused(
        self, make_image: MakeImage, install: Install
    ) -> None:
        """Root's own home is one; a service that gave up being root could not use it."""
        image = make_image("systemd").link("/usr/bin/python3.12", "/root/bin/python")
        image.program("/root/bin/python").path("/root").chmod(0o700)
        assert "/root is closed" in refused(install, image, python="/root/bin/python")
        assert "/root is closed" in refused(install, image, python="/usr/bin/python3.12")

    def test_a_writable_folder_is_refused(self, make_image: MakeImage, install: Install) -> None:
        image = make_image("systemd")
        image.folders("/package")
        image.path("/package").chmod(0o777)
        assert "written by everybody" in refused(install, image)
        image.path("/package").chmod(0o1755)
        install(image)

    def test_a_group_without_members_does_no_harm(
        self, make_image: MakeImage, install: Install
    ) -> None:
        image = make_image("systemd").file("/etc/group", "root:x:0:\nstaff:x:50:\n")
        image.path("/usr/local").chmod(0o2775)
        os.chown(image.path("/usr/local"), 0, 50)
        install(image, layout="fhs")
        image.file("/etc/group", "root:x:0:\nstaff:x:50:me\n")
        with pytest.raises(Refusal, match="group 50"):
            install(image, layout="fhs")

    def test_a_python_that_is_too_old_is_refused(
        self, make_image: MakeImage, install: Install
    ) -> None:
        image = make_image("systemd").program("/usr/bin/python3.9")
        assert "needs 3.10" in refused(install, image, python="/usr/bin/python3.9")


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Return what mounts a small file system, gone after the test."""
    mounts: list[Path] = []

    def mount(options: str) -> Path:
        place = tmp_path / f"mount{len(mounts)}"
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", place], check=True)
        mounts.append(place)
        return place

    yield mount
    for place in reversed(mounts):
        subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.root
def test_a_full_file_system_puts_everything_back(
    mounted: Callable[[str], Path], small_source: Source
) -> None:
    place = mounted("size=256k")
    image = Image(place / "root")
    KINDS["sysvinit-debian"].make(image)
    before = image.snapshot()
    filler = place / "filler"
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    for left in range(0, 80_000, 8_000):
        filler.write_bytes(b"x" * max(0, free - left))
        host = Host(str(image.root))
        try:
            transaction.install(host, plan_for(host), quiet)
        except (Trouble, OSError):
            assert image.snapshot() == before, f"{left} bytes left"
        else:
            assert left > 0
            break
        finally:
            filler.unlink()
    else:
        pytest.fail("it never fitted")
    transaction.uninstall(host, quiet)
    assert image.snapshot() == before


@pytest.mark.root
def test_a_read_only_root_is_told_of(mounted: Callable[[str], Path], small_source: Source) -> None:
    place = mounted("size=1m")
    image = Image(place / "root")
    KINDS["systemd"].make(image)
    before = image.snapshot()
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    host = Host(str(image.root))
    with pytest.raises((Trouble, Refusal, OSError)):
        transaction.install(host, plan_for(host), quiet)
    assert image.snapshot() == before


@pytest.mark.root
def test_a_file_that_is_a_mount_point_needs_force(
    make_image: MakeImage, small_source: Source, tmp_path: Path
) -> None:
    image = make_image("sysvinit-debian")
    inittab = image.path("/etc/inittab")
    other = tmp_path / "inittab"
    other.write_bytes(inittab.read_bytes())
    subprocess.run(["mount", "--bind", other, inittab], check=True)
    try:
        host = Host(str(image.root))
        before = other.read_bytes()
        with pytest.raises(Refusal, match="mount point"):
            transaction.install(host, plan_for(host), quiet)
        assert other.read_bytes() == before
        forced = Host(str(image.root), in_place=True)
        transaction.install(forced, plan_for(forced), quiet)
        assert BEGIN in other.read_bytes()
        transaction.uninstall(forced, quiet)
        assert other.read_bytes() == before
    finally:
        subprocess.run(["umount", inittab], check=True)


@pytest.mark.parametrize("when", ["installed", "uninstalled"])
def test_a_file_that_is_saved_meanwhile_is_not_overwritten(
    when: str, make_image: MakeImage, small_source: Source
) -> None:
    """All else goes back to what it was, and the next time it succeeds."""
    image = make_image("sysvinit-debian")
    path = image.path("/etc/inittab")
    host = Host(str(image.root))
    if when == "uninstalled":
        transaction.install(host, plan_for(host), quiet)

    def save(step: str, changed: str) -> None:
        if (step, changed) == ("replace", "/etc/inittab"):
            path.write_bytes(path.read_bytes() + b"9:2:once:/theirs\n")
            host.before_change = lambda step, changed: None

    host.before_change = save
    with pytest.raises(Refusal, match="/etc/inittab was changed by someone else just now"):
        if when == "installed":
            transaction.install(host, plan_for(host), quiet)
        else:
            transaction.uninstall(host, quiet)
    assert path.read_bytes().endswith(b"9:2:once:/theirs\n")
    if when == "installed":
        assert not image.path("/command").exists()
        transaction.install(host, plan_for(host), quiet)
        assert b"svscanboot" in path.read_bytes()
    else:
        transaction.uninstall(host, quiet)
        assert b"svscanboot" not in path.read_bytes()
    assert b"/theirs\n" in path.read_bytes()


def test_what_is_kept_aside_is_root_s(make_image: MakeImage, install: Install) -> None:
    """It may come from a directory that was closed to others."""
    image = make_image("systemd")
    host = install(image)
    unit = image.path("/etc/systemd/system/svscan.service")
    unit.write_text(unit.read_text() + "# mine\n")
    transaction.uninstall(host, quiet)
    assert image.path("/var/lib/slashservice/kept").stat().st_mode & 0o777 == 0o700
