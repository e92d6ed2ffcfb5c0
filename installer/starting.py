"""Watch services that were just made: svscan takes them up, and they stay up, or it is said why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slashservice.installer import service_log, supervision, trial
from slashservice.installer.host.host import Host
from slashservice.installer.making import Drawn, Say
from slashservice.installer.supervision import supervised
from slashservice.supervise import tai
from slashservice.supervise.protocol.client import wait_for

START_LIMIT = 15
"""Seconds for svscan to see a new service."""


def is_possible(service_dir: str, say: Say) -> bool | None:
    """Tell whether a svscan works on the scan directory, and say so if none does.

    It is None if that starts nothing.
    """
    svscan = supervision.running(service_dir)
    if not svscan:
        say("it starts as soon as svscan runs")
        return False
    if supervision.is_drained(service_dir, svscan):
        say(f"it is not started: svscan on {service_dir} is drained, and starts nothing")
        say("slashservice install has another svscan take its place; then it starts")
        return None
    return True


def watch(
    host: Host,
    services: Sequence[Drawn],
    service_dir: str,
    begun: float,
    say: Say,
    remedy: Callable[[str], str],
) -> bool:
    """Wait until svscan has the services, and see whether they stay up.

    ``begun`` is the Unix time at which they were not there yet. ``remedy`` says what to type to
    have one removed. Return whether all is well, as far as it can be known.
    """
    links = [f"{service_dir}/{one.name}" for one in services]
    wait_for(lambda: all(supervised(link) for link in links), START_LIMIT)
    watched = []
    for one, link in zip(services, links, strict=True):
        if not supervised(link):
            say(f"svscan has not taken it up yet: svstat {link}")
        elif one.down:
            say(f"svscan supervises it, and it is down: slashservice start {link}")
        elif not one.stays:
            say(f"svscan supervises it, and starts it once: svstat {link}")
        else:
            watched.append(one)
    if not watched:
        return True
    paths = []
    for one in watched:
        link = f"{service_dir}/{one.name}"
        paths += [link, *([f"{link}/log"] if one.has_log else [])]
    seen = dict(zip(paths, trial.watch(paths, tai.pack(int(begun * 1e9))), strict=True))
    results = [_tell(host, one, service_dir, seen, begun, say, remedy) for one in watched]
    return all(results)


def _tell(
    host: Host,
    one: Drawn,
    service_dir: str,
    seen: dict[str, trial.Trial],
    begun: float,
    say: Say,
    remedy: Callable[[str], str],
) -> bool:
    """Say how the trial of a service went; return whether it and its log are well."""
    link = f"{service_dir}/{one.name}"
    itself = seen[link]
    say(trial.words(one.name, itself, link))
    log_works = not one.has_log or seen[f"{link}/log"].good
    trouble = service_log.trouble(host, link) if one.has_log else ""
    if not log_works:
        say(f"its log does not run: {link}/log/run")
    elif trouble:
        say(f"its log is in trouble: {trouble}")
        log_works = False
    if itself.good or itself.is_done:
        return log_works
    if not itself.begun:
        say(f"svscan has much to do, it seems; how it is by now: svstat {link}")
        return False
    lines = service_log.last_lines(host, one.log, begun) if one.log else []
    if lines:
        say("the last lines that it logged:")
        for line in lines:
            say(f"    {line}")
    elif one.log:
        say("it has logged nothing")
    elif not one.has_log:
        say("it has no log: what it says is where svscan's own messages are")
    if itself.rests or itself.failed:
        say(f"it can be started again: slashservice start {link}")
    elif itself.finishing:
        say(f"whether it is started again is up to that; {remedy(one.name)} removes it")
    else:
        say(f"it is started again and again; {remedy(one.name)} ends that")
    return False
