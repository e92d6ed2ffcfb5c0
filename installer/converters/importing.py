"""Make the services that were read, all of them or none: ``slashservice import``."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from slashservice.installer import making, naming, starting
from slashservice.installer.host import lock
from slashservice.installer.host.host import Host
from slashservice.installer.interrupts import Interrupted
from slashservice.installer.making import Drawn, Say


def foreseen(host: Host, wanted: Sequence[Drawn], homes: str, service_dir: str, say: Say) -> bool:
    """Say what would be made, and do nothing; return whether there is anything to do."""
    todo = making.survey(host, wanted, homes, service_dir, again=True)
    _say_what_is_there(wanted, todo, homes, say)
    for one in todo:
        home = f"{homes}/{one.name}"
        say(f"would make {home}, linked as {service_dir}/{one.name}:")
        for name, state in sorted(one.contents.items()):
            if state.kind == "directory":
                continue
            what = f" -> {state.target}" if state.kind == "link" else f" (mode {state.mode:04o})"
            say(f"    {name}{what}")
            if name.startswith("env/") or name == "variables" or not state.data:
                continue
            text = state.data.decode("utf-8", "replace")
            lines = text.splitlines() if "\0" not in text else ["..."]
            for line in lines:
                say(f"        {line}".rstrip())
    return bool(todo)


def _say_what_is_there(
    wanted: Sequence[Drawn], todo: Sequence[Drawn], homes: str, say: Say
) -> None:
    for one in wanted:
        if one not in todo:
            say(f"{homes}/{one.name} is there and linked already, just so")


def make(host: Host, wanted: Sequence[Drawn], homes: str, service_dir: str, say: Say) -> bool:
    """Make the services, link them, and watch them start; return whether all stay up."""
    begun = time.time()
    with lock.held(host, making.PATIENCE):
        todo = making.survey(host, wanted, homes, service_dir, again=True)
        making.make(host, todo, homes, service_dir)
    _say_what_is_there(wanted, todo, homes, say)
    for one in todo:
        say(f"{homes}/{one.name} is made and linked as {os.path.join(service_dir, one.name)}")
    if not todo or not host.live:
        return True
    possible = starting.is_possible(service_dir, say)
    if not possible:
        return possible is False or all(one.down for one in todo)

    def remedy(name: str) -> str:
        return naming.remove(host, name, homes, service_dir)

    try:
        return starting.watch(host, todo, service_dir, begun, say, remedy)
    except Interrupted:
        say("not watched any longer: slashservice list tells how they are")
        return True
