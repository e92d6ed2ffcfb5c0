"""What is printed as a remedy can be typed, and helps."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable

import pytest
from helpers.images import Image, MakeImage
from helpers.installer import look_at, plan_for

from slashservice.installer import programs, removal, services
from slashservice.installer.doctor import examine
from slashservice.installer.errors import Refusal
from slashservice.installer.findings import Finding
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan.source import Source
from slashservice.installer.record import transaction
from slashservice.installer.services import Service

pytestmark = pytest.mark.root

COMMAND = re.compile(r"(?:^|: )((?:chmod|chown|install|ln|ls|mkdir|mv|rm|sed) .*?)(?:;|, |$)")
NAMES = ("web", "a b", "it's", "$HOME", "-n", "*")


@pytest.fixture
def image(make_image: MakeImage, small_source: Source) -> Image:
    """An image with slashservice installed, and a log account."""
    made = make_image("systemd")
    host = Host(str(made.root))
    transaction.install(host, plan_for(host), lambda line: None)
    return made.file("/etc/passwd", "root:x:0:0\nlog:x:1234:1234::/:/bin/sh\n")


def findings(image: Image) -> list[Finding]:
    """Return what the doctor finds."""
    return examine(look_at(Host(str(image.root))), INIT_SYSTEMS)


def typed(*lines: str) -> int:
    """Type the commands that lines of advice hold; return how many there were."""
    commands = [found for line in lines for found in COMMAND.findall(line)]
    for command in commands:
        subprocess.run(["sh", "-ec", command], check=True, stdout=subprocess.DEVNULL)
    return len(commands)


def no_scan_directory(image: Image, name: str) -> None:
    image.path("/service").rmdir()


def dangling(image: Image, name: str) -> None:
    image.link(f"/service/{name}", "/nowhere")


def not_executable(image: Image, name: str) -> None:
    image.file(f"/service/{name}/run", "#!/bin/sh\n")


def run_is_missing(image: Image, name: str) -> None:
    image.folders(f"/srv/{name}").link(f"/service/{name}", f"/srv/{name}")


def run_is_a_folder(image: Image, name: str) -> None:
    image.folders(f"/srv/{name}/run").link(f"/service/{name}", f"/srv/{name}")


def belongs_to_somebody(image: Image, name: str) -> None:
    image.program(f"/service/{name}/run")
    os.chown(image.path(f"/service/{name}"), 1234, 1234)


def open_to_all(image: Image, name: str) -> None:
    image.program(f"/service/{name}/run").path(f"/service/{name}/run").chmod(0o777)


def a_link_of_somebody_s(image: Image, name: str) -> None:
    image.program(f"/srv/{name}/run").link(f"/service/{name}", f"/srv/{name}")
    os.lchown(image.path(f"/service/{name}"), 1234, 1234)


def open_code(image: Image, name: str) -> None:
    image.path("/command").chmod(0o777)


def log(image: Image, name: str, directory: str) -> None:
    image.program(f"/srv/{name}/run").link(f"/service/{name}", f"/srv/{name}")
    quoted = "'" + directory.replace("'", "'\\''") + "'"
    text = f"#!/bin/sh\nexec setuidgid log multilog t {quoted}\n"
    image.program(f"/srv/{name}/log/run", text)


def log_of_root_s(image: Image, name: str) -> None:
    log(image, name, f"/srv/logs/{name}")
    image.folders(f"/srv/logs/{name}")


def log_below_a_closed_folder(image: Image, name: str) -> None:
    log(image, name, f"/srv/logs/{name}/x")
    image.folders(f"/srv/logs/{name}/x").path(f"/srv/logs/{name}").chmod(0o700)
    os.chown(image.path(f"/srv/logs/{name}/x"), 1234, 1234)


def log_without_a_folder(image: Image, name: str) -> None:
    log(image, name, f"/srv/logs/{name}/x")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "spoil",
    [
        *(no_scan_directory, dangling, not_executable, run_is_missing, run_is_a_folder),
        *(belongs_to_somebody, open_to_all, a_link_of_somebody_s, open_code),
        *(log_of_root_s, log_below_a_closed_folder, log_without_a_folder),
    ],
)
def test_what_the_doctor_says(spoil: Callable[[Image, str], None], name: str, image: Image) -> None:
    assert findings(image) == []
    spoil(image, name)
    for _ in range(3):  # of a log's, one thing is found after the other
        found = findings(image)
        for one in found:
            assert typed(one.remedy) == 1 or one.remedy == "slashservice install mends it"
    assert findings(image) == []
    assert spoil in (log_without_a_folder, log_below_a_closed_folder) or not found


@pytest.mark.parametrize("program", ["/srv/a b/server", "/srv/server", "/srv"])
def test_a_program_that_can_t_be_run(program: str, image: Image) -> None:
    if program == "/srv":
        image.folders("/srv")
    else:
        image.file(program)
    with pytest.raises(Refusal, match="can't be run by svscan") as refusal:
        programs.check(Host(str(image.root)), "web", [program], "/bin", "", None)
    assert typed(*refusal.value.advice) == 1


@pytest.mark.parametrize("has_run", [True, False])
def test_a_directory_that_is_there_already(has_run: bool, image: Image) -> None:
    host = Host(str(image.root))
    image.folders("/etc/slashservice/web")
    if has_run:
        image.program("/etc/slashservice/web/run")
    service = Service("web", ["httpd"], checked=False)
    with pytest.raises(Refusal, match="is there already") as refusal:
        services.add(host, service, "/etc/slashservice", "/service", print)
    *right, wrong = refusal.value.advice
    assert len(right) == has_run
    assert typed(*right) == has_run
    assert image.path("/service/web").is_symlink() == has_run
    image.path("/service/web").unlink(missing_ok=True)
    assert typed(wrong) == 1
    services.add(host, service, "/etc/slashservice", "/service", print)


def test_one_that_is_no_link(image: Image) -> None:
    image.program("/service/web/run")
    host = Host(str(image.root))
    with pytest.raises(Refusal, match="is no link but the service directory") as refusal:
        removal.remove(host, "web", "/service", print)
    subprocess.run(["sh", "-ec", refusal.value.advice[-1]], check=True)
    assert image.path("/etc/slashservice/web/run").exists()
    assert os.listdir(image.path("/service")) == []
