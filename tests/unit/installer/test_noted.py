"""Files that daemontools passed over, and that mean something here: noted, and nothing more."""

from __future__ import annotations

import json
import subprocess
from itertools import count

import pytest
from helpers.checkout import COMMAND
from helpers.images import Image, MakeImage
from helpers.installer import look_at, plan_for
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slashservice.installer.doctor import examine
from slashservice.installer.findings import Finding
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.noted import NAMES
from slashservice.installer.plan.source import Source
from slashservice.installer.record import transaction

NUMBERS = count()
MEANT = {
    **dict.fromkeys(NAMES, 0o644),
    "finish": 0o755,
    "check": 0o755,
}
"""Each name, with the mode with which it counts."""


def with_services(image: Image, services: dict[str, list[str]]) -> None:
    """Put services into the scan directory, with files of those names."""
    for name, names in services.items():
        image.program(f"/service/{name}/run")
        for one in names:
            if one == "control":
                image.program(f"/service/{name}/control/t")
            else:
                image.file(f"/service/{name}/{one}", "1\n", mode=MEANT.get(one, 0o644))


def slashservice(*words: str) -> str:
    """Run the command, which must succeed; return what it says."""
    return subprocess.run([COMMAND, *words], stdout=subprocess.PIPE, text=True, check=True).stdout


def found(image: Image) -> list[Finding]:
    """What the doctor finds."""
    return examine(look_at(Host(str(image.root))), INIT_SYSTEMS)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20
)
@given(
    services=st.dictionaries(
        st.sampled_from(["web", "mail", "x.y", "db/log"]),
        st.lists(st.sampled_from([*NAMES, "other", "finish.old", "env"]), unique=True),
        min_size=1,
    ),
)
def test_each_service_is_noted_once(
    services: dict[str, list[str]], make_image: MakeImage, small_source: Source
) -> None:
    """That is said of what was there before; and it is no trouble."""
    image = make_image("systemd", f"root{next(NUMBERS)}")
    if "db/log" in services:
        image.program("/service/db/run")
    with_services(image, services)
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), lambda line: None)
    notes = found(image)
    assert all(one.note for one in notes)
    told = {
        f"/service/{name}": [one for one in NAMES if one in names]
        for name, names in services.items()
    }
    told = {path: names for path, names in told.items() if names}
    assert {one.what.split(" ")[0]: one.what for one in notes}.keys() == told.keys()
    assert len(notes) == len(told)
    for note in notes:
        path, _, rest = note.what.partition(" has ")
        assert rest.partition(", which daemontools passed over")[0].split(", ") == told[path]


def test_what_was_made_for_slashservice_is_not_noted(
    make_image: MakeImage, small_source: Source
) -> None:
    image = make_image("systemd")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), lambda line: None)
    with_services(image, {"web": list(NAMES)})
    assert found(image) == []


@pytest.mark.parametrize(("name", "mode"), [("finish", 0o644), ("check", 0o644)])
def test_what_can_not_be_executed_means_nothing(
    name: str, mode: int, make_image: MakeImage, small_source: Source
) -> None:
    image = make_image("systemd")
    image.program("/service/web/run").file(f"/service/web/{name}", "x\n", mode=mode)
    image.file("/service/web/control/t", "x\n", mode=0o644).program("/service/web/control/other")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), lambda line: None)
    assert found(image) == []


def test_what_runit_has_run_already_is_not_noted(
    make_image: MakeImage, small_source: Source
) -> None:
    image = make_image("runit-debian")
    image.program("/etc/runit/2", "#!/bin/sh\nexec runsvdir -P /etc/service\n")
    for path in ("run", "finish", "check", "control/t", "timeout-kill"):
        image.program(f"/etc/runit/runsvdir/default/web/{path}")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, replace=True), lambda line: None)
    (note,) = found(image)
    assert note.what.startswith("/etc/service/web has timeout-kill, which daemontools passed over")


def test_the_verb_ends_well(make_image: MakeImage, small_source: Source) -> None:
    """A note is no trouble: the exit status is 0, and it says that nothing is wrong."""
    image = make_image("systemd")
    with_services(image, {"web": ["down-signal", "max-death-tally"]})
    host = Host(str(image.root))
    transaction.install(host, plan_for(host), lambda line: None)
    said = slashservice("doctor", "--root", str(image.root))
    assert said == (
        "note: /service/web has down-signal, max-death-tally, which daemontools passed over, and "
        "which here have a meaning\n    see service(5); rename what is meant otherwise\n"
        "nothing found wrong\n"
    )
    (found,) = json.loads(slashservice("doctor", "--json", "--root", str(image.root)))
    assert found["note"]
