"""What happens as dpkg installs, upgrades, removes and purges the packages; and when that fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.boots import trees
from helpers.dpkg import NAMES, NEW, OLD, Bringer, System, built, changed

pytestmark = [pytest.mark.root, pytest.mark.slow]

WANTED = "/etc/systemd/system/multi-user.target.wants/svscan.service"
BY_PACKAGE = "a package of the distribution (deb) has brought slashservice here"
OURS = "/usr/share/slashservice"


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    yield System(tmp_path / "system", built())
    trees.remove(tmp_path / "system")


def files(system: System) -> set[str]:
    """All paths there are, but for what dpkg and others note of packages."""
    listed = system.run(
        "find / -xdev -path /proc -prune -o -path /run -prune -o -path /debs -prune -o -print"
    )
    noted = re.compile(
        r"/var/(lib/(dpkg|systemd|apt)|log|cache)\b|/etc/(rc\d\.d|ld\.so\.cache)|/root\b|/tmp\b"
    )
    return {line for line in listed.splitlines() if not noted.match(line)}


def test_a_life_from_the_first_package_to_the_purge(system: System) -> None:
    before = files(system)
    said = system.install("slashservice")
    assert "Traceback" not in said and "error" not in said
    assert system.has(WANTED)
    assert "slashservice 0.1.0, started by its package, scans /etc/service" in system.run(
        "slashservice status", status=1
    )
    assert system.run("slashservice doctor") == "nothing found wrong\n"
    install, uninstall = (
        system.run(f"slashservice {verb}", 111) for verb in ("install", "uninstall")
    )
    assert BY_PACKAGE in install and "dpkg-reconfigure slashservice" in install
    assert BY_PACKAGE in uninstall and "apt remove slashservice" in uninstall
    system.run("slashservice add mine -- sleep 1000")
    assert system.listed("/etc/service/* /etc/slashservice/*") == [
        "/etc/service/mine",
        "/etc/slashservice/mine",
    ]
    assert "mine" in system.run("slashservice list", None)
    system.run("slashservice add other -- sleep 1000; slashservice remove other")

    system.install("slashservice", version=NEW)
    [tree] = [one for one in system.listed(f"{OURS}/*/") if not one.endswith("/current/")]
    assert f"/{NEW}-" in tree
    assert f"slashservice {NEW}" in system.run("slashservice status", 1)

    system.run("dpkg -r slashservice")
    assert not system.has(OURS) and system.has("/etc/service/mine")
    assert not system.has("/usr/bin/slashservice")
    system.run("dpkg -P slashservice")
    left = files(system) - before
    assert not system.has(WANTED)
    assert {one for one in left if not re.match(r"/etc/(slashservice|service)\b", one)} == set()
    assert "/etc/slashservice/mine/run" in left and "/etc/service/mine" in left
    assert before <= files(system)


def test_commands_come_and_go_with_their_packages(system: System) -> None:
    system.install(*NAMES)
    assert system.run("echo hello | tai64n | tai64nlocal").endswith(" hello\n")
    assert "usage: sv" in system.run("sv 2>&1", None)
    system.run("mkdir /etc/slashservice/a; update-service --add /etc/slashservice/a")
    assert system.run("update-service --list a") == "a -> /etc/slashservice/a\n"
    assert system.run("update-service --add /etc/slashservice/a").endswith("already added.\n")
    system.run("update-service --check a; ! update-service --check b")
    system.run("update-service --add /nowhere", 1)
    system.run("update-service --add a", 100)
    system.run("update-service --remove /etc/slashservice/b", 1)
    system.run("update-service --remove /etc/slashservice/a; ! update-service --check a")
    system.run("dpkg -P slashservice-daemontools slashservice-runit")
    for name in ("svc", "sv", "multilog", "update-service"):
        assert not system.run(f"command -v {name} || true")
    assert system.run("command -v svlog") == "/usr/bin/svlog\n"


@pytest.mark.parametrize("script", ["preinst", "prerm-of-both", "postinst"])
def test_a_failed_upgrade_leaves_a_package_that_works(
    system: System, tmp_path: Path, script: str
) -> None:
    system.install("slashservice")
    system.run("slashservice add mine -- sleep 1000")
    new = system.folder / "upper" / "debs" / f"slashservice_{NEW}_all.deb"
    fails = "#!/bin/sh\nexit 1\n"
    if script == "prerm-of-both":
        system.run(f"printf '{fails}' >/var/lib/dpkg/info/slashservice.prerm".replace("\n", "\\n"))
    name = script.partition("-")[0]
    broken = changed(new, tmp_path, **{name: fails})
    system.put(broken)
    said = system.run(f"dpkg -i /debs/{broken.name}", 1)
    assert "Traceback" not in said
    if script == "postinst":
        assert "its state is half-configured" in system.run("slashservice doctor", 1)
    else:
        assert "Status: install ok installed" in system.run("dpkg -s slashservice")
        assert f"slashservice {OLD}" in system.run("slashservice status", 1)
        assert system.run("slashservice doctor") == "nothing found wrong\n"
    assert system.has("/etc/service/mine") and system.has(WANTED)
    system.install("slashservice", version=NEW)
    assert system.run("slashservice doctor") == "nothing found wrong\n"


def test_an_aborted_removal_leaves_a_package_that_works(system: System) -> None:
    system.install("slashservice")
    system.run("echo 'exit 1' >>/var/lib/dpkg/info/slashservice.prerm")
    system.run("sed -i '/^exit 0/d' /var/lib/dpkg/info/slashservice.prerm")
    system.run("dpkg -r slashservice", 1)
    assert "ok installed" in system.run("dpkg -s slashservice")
    assert system.run("slashservice doctor") == "nothing found wrong\n"


def test_the_doctor_says_what_to_type_after_a_full_disk(system: System) -> None:
    """The code fits into its place, and the byte code beside it does not."""
    system.run(f"mkdir -p {OURS}")
    said = system.run(
        f"mount -t tmpfs tmpfs {OURS}\n"
        f"dpkg --unpack /debs/slashservice_{OLD}_all.deb\n"
        f"used=$(df -k --output=used {OURS} | tail -1)\n"
        f"mount -o remount,size=$((used + 64))k {OURS}\n"
        "dpkg --configure slashservice && exit 9\n"
        "slashservice doctor && exit 8\n"
        f"mount -o remount,size=64m {OURS}\n"
        "dpkg --configure slashservice || exit 7\n"
        "slashservice doctor"
    )
    assert "No space left on device" in said
    assert re.search(
        r"the package slashservice is not set up.*\n    dpkg --configure slashservice\n", said
    )
    assert said.endswith("nothing found wrong\n")


def test_an_installation_without_the_package_is_left_alone_until_it_is_gone(
    system: System,
) -> None:
    """Its unit has the name of the package's."""
    trees.put_checkout(system.folder / "upper")
    system.run("/root/slashservice/install --init systemd")
    enabled = f"readlink {WANTED}"
    unit = system.run(enabled)
    assert "is here already, not from this package" in system.install("slashservice")
    assert system.run(enabled) == unit
    record = "mkdir -p /run/systemd/system; echo 'echo invoked' >/usr/bin/deb-systemd-invoke\n"
    assert "invoked" not in system.run(f"{record} dpkg -P slashservice 2>&1")
    assert system.run(enabled) == unit
    assert system.run("/command/slashservice doctor") == "nothing found wrong\n"
    # What the package says to type has the package's unit enabled.
    system.install("slashservice")
    system.run("slashservice uninstall; dpkg-reconfigure slashservice")
    assert system.run(enabled) == "/lib/systemd/system/svscan.service\n"
    assert system.run("slashservice doctor") == "nothing found wrong\n"


def test_another_root_is_served_from_outside(system: System) -> None:
    """dpkg runs the scripts on the outer system then, which must stay as it is."""
    system.run(
        "mkdir -p /inner/var/lib/dpkg /inner/etc; touch /inner/var/lib/dpkg/status\n"
        "dpkg --root=/inner --force-script-chrootless --force-depends "
        f"-i /debs/slashservice_{OLD}_all.deb"
    )
    assert system.has(f"/inner{WANTED}")
    assert not system.has(OURS) and not system.has(WANTED)
    assert system.has("/inner/etc/service")
    system.run("dpkg --root=/inner --force-script-chrootless -P slashservice")
    assert not system.has(f"/inner{OURS}") and not system.has(f"/inner{WANTED}")


def test_what_is_linked_for_debians_runit_is_not_started(system: System) -> None:
    """Its ``/etc/service`` leads to what packages link there, as ssh's second daemon."""
    system.run(
        "mkdir -p /etc/runit/runsvdir/default; "
        "ln -s /etc/sv/ssh /etc/runit/runsvdir/default/ssh 2>/dev/null; "
        "ln -s runit/runsvdir/default /etc/service"
    )
    system.install("slashservice")
    assert "is a link of Debian's runit" in system.run("slashservice doctor", 1)
    unit = system.run("cat /lib/systemd/system/svscan.service")
    assert "\nConditionPathIsSymbolicLink=|!/etc/service\n" in unit
    assert "not ours to start" in system.run("cat /etc/init.d/svscan")
    system.run(
        "touch /var/lib/slashservice/takes-runits 2>/dev/null || "
        "{ mkdir -p /var/lib/slashservice; touch /var/lib/slashservice/takes-runits; }"
    )
    assert "is a link of" not in system.run("slashservice doctor")


def test_a_link_in_the_place_of_the_scan_directory_outlives_the_package(system: System) -> None:
    system.run("mkdir /srv/s; ln -s /srv/s /etc/service")
    for verb in ("-r", "-P"):
        system.install("slashservice")
        system.run(f"dpkg {verb} slashservice")
        assert system.run("readlink /etc/service") == "/srv/s\n"
    assert not system.has("/var/lib/slashservice")


# Services that other packages bring -----------------------------------------------------


def test_a_service_for_runit_stays_off_unless_its_package_wants_it(
    system: System, tmp_path: Path
) -> None:
    system.install("slashservice")
    assert system.has("/etc/sv/ssh/run") and not system.has("/etc/service/ssh")
    bringers = [
        Bringer("on", enable="yes"),
        Bringer("off", enable="no"),
        Bringer("usual", log=True),
        Bringer("sv-usual", place="/etc/sv"),
        Bringer("sv-on", place="/etc/sv", enable="yes"),
    ]
    system.put(*(one.make(tmp_path) for one in bringers))
    system.run("cd /debs; dpkg -i on_1.deb off_1.deb usual_1.deb sv-usual_1.deb sv-on_1.deb")
    linked = [one.rpartition("/")[2] for one in system.listed("/etc/service/*")]
    assert linked == ["on", "sv-on", "usual"]
    states = "/var/lib/slashservice/supervise"
    assert system.run("readlink /usr/lib/slashservice/service/usual/log/supervise") == (
        f"{states}/usual.log\n"
    )
    system.run("dpkg -P on off usual sv-usual sv-on")
    assert system.listed("/etc/service/*") == ["/etc/service/*"]
    assert not system.has(states)
    assert system.listed("/usr/lib/slashservice/service/*") == ["/usr/lib/slashservice/service/*"]


def test_an_administrators_word_is_remembered(system: System, tmp_path: Path) -> None:
    system.install("slashservice")
    first, second = Bringer("web"), Bringer("web", version="2")
    system.put(first.make(tmp_path), second.make(tmp_path))
    system.run("ln -s /nowhere '/etc/service/.web{new}'; dpkg -i /debs/web_1.deb")
    assert system.run("ls -A /etc/service") == "web\n"
    system.run("rm /etc/service/web; dpkg -i /debs/web_2.deb")
    assert not system.has("/etc/service/web")
    system.run("dpkg -P web; dpkg -i /debs/web_1.deb")
    assert not system.has("/etc/service/web")
    system.install("slashservice", version=NEW)
    assert not system.has("/etc/service/web")
    system.run(f"ln -s {first.home} /etc/service/web; dpkg -P web")
    assert not system.has("/etc/service/web") and not system.has(first.home)
    # What is somebody else's stays, and slashservice brings its own back when it comes again.
    system.run("mkdir -p /srv/web; ln -s /srv/web /etc/service/web; dpkg -i /debs/web_1.deb")
    assert system.run("readlink /etc/service/web") == "/srv/web\n"
    system.run("dpkg -P web")
    assert system.run("readlink /etc/service/web") == "/srv/web\n"


def test_links_that_people_have_made_to_services_of_packages_go_with_these(
    system: System, tmp_path: Path
) -> None:
    system.install("slashservice", "slashservice-daemontools")
    off, web = Bringer("off", enable="no"), Bringer("web")
    system.put(off.make(tmp_path), web.make(tmp_path))
    system.run(
        "dpkg -i /debs/off_1.deb /debs/web_1.deb; ln -sfn ../..$(readlink /etc/service/web) "
        f"/etc/service/web; update-service --add {off.home}; mkdir {off.home}/supervise; "
        f"touch {off.home}/supervise/lock"
    )
    assert len(system.listed("/etc/service/*")) == 2
    system.run("dpkg -P off web")
    assert system.listed("/etc/service/*") == ["/etc/service/*"]
    assert not system.has(off.home)


def test_services_of_packages_go_and_come_back_with_slashservice(
    system: System, tmp_path: Path
) -> None:
    web = Bringer("web", log=True)
    system.put(web.make(tmp_path))
    system.run("dpkg -i /debs/web_1.deb")
    system.install("slashservice")
    assert system.run("readlink /etc/service/web") == f"{web.home}\n"
    system.run("dpkg -r slashservice")
    assert not system.has("/etc/service/web") and not system.has(f"{web.home}/supervise")
    system.install("slashservice")
    assert system.has("/etc/service/web")
    system.run("dpkg -P slashservice web")
    assert not system.has("/usr/lib/slashservice")
