"""Values of systemd's settings: times, sizes, limits, signals, exit statuses, yes and no."""

from __future__ import annotations

import re
import signal
from fractions import Fraction

from slashservice.installer.converters.unit_words import Unclear

SECONDS = {
    **dict.fromkeys(("us", "usec", "µs", "μs"), 1e-6),
    **dict.fromkeys(("ms", "msec"), 1e-3),
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **dict.fromkeys(("w", "week", "weeks"), 604800.0),
    **dict.fromkeys(("M", "month", "months"), 2629800.0),
    **dict.fromkeys(("y", "year", "years"), 31557600.0),
}
SIZES = {"": 1, "B": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50, "E": 2**60}

LIMITS = {
    "LimitCPU": "cpu",
    "LimitFSIZE": "fsize",
    "LimitDATA": "data",
    "LimitSTACK": "stack",
    "LimitCORE": "core",
    "LimitRSS": "rss",
    "LimitNOFILE": "nofile",
    "LimitAS": "as",
    "LimitNPROC": "nproc",
    "LimitMEMLOCK": "memlock",
    "LimitLOCKS": "locks",
    "LimitSIGPENDING": "sigpending",
    "LimitMSGQUEUE": "msgqueue",
    "LimitNICE": "nice",
    "LimitRTPRIO": "rtprio",
    "LimitRTTIME": "rttime",
}
"""The limits, and the names that prlimit has for them."""

SECONDS_OF = {"cpu": 1.0, "rttime": 1e-6}
"""Limits that are times, and the unit in which they are given to prlimit."""

SIZES_OF = {"fsize", "data", "stack", "core", "rss", "as", "memlock", "msgqueue"}
"""Limits that are bytes, and may have K and the like behind them."""

STATUS_NAMES = {
    "SUCCESS": 0,
    "FAILURE": 1,
    "INVALIDARGUMENT": 2,
    "NOTIMPLEMENTED": 3,
    "NOPERMISSION": 4,
    "NOTINSTALLED": 5,
    "NOTCONFIGURED": 6,
    "NOTRUNNING": 7,
    "USAGE": 64,
    "DATAERR": 65,
    "NOINPUT": 66,
    "NOUSER": 67,
    "NOHOST": 68,
    "UNAVAILABLE": 69,
    "SOFTWARE": 70,
    "OSERR": 71,
    "OSFILE": 72,
    "CANTCREAT": 73,
    "IOERR": 74,
    "TEMPFAIL": 75,
    "PROTOCOL": 76,
    "NOPERM": 77,
    "CONFIG": 78,
}
"""Exit statuses that have names, of LSB and of BSD."""


def seconds(text: str) -> float:
    """Return a time in seconds; 0 for one that never comes."""
    if text == "infinity":
        return 0.0
    found = re.findall(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-zµμ]*)", text)
    if not found or re.sub(r"[0-9]+(?:\.[0-9]+)?\s*[A-Za-zµμ]*", "", text).strip():
        raise Unclear(f"{text!r} is no time")
    if any(unit not in SECONDS for _, unit in found):
        raise Unclear(f"{text!r} is no time")
    return sum(float(number) * SECONDS[unit] for number, unit in found)


def limit(name: str, text: str) -> tuple[str, str]:
    """Return soft and hard limit, in the units of prlimit."""
    soft, _, hard = text.partition(":")
    one = _limit(name, soft.strip())
    return one, _limit(name, hard.strip()) if hard else one


def _limit(name: str, text: str) -> str:
    if text == "infinity":
        return "unlimited"
    if name in SECONDS_OF and not text.isdigit():
        return str(int(seconds(text) / SECONDS_OF[name]))
    if name == "nice" and re.fullmatch("[+-][0-9]{1,2}", text):
        return str(20 - int(text))
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([BKMGTPE]?)", text)
    if not found or (name not in SIZES_OF and not text.isdigit()):
        raise Unclear(f"{text!r} is no limit")
    return str(int(Fraction(found[1]) * SIZES[found[2]]))


def signal_of(text: str) -> str:
    """Return the name of a signal without SIG, or the number of one that has no name."""
    name = text.upper().removeprefix("SIG")
    if found := re.fullmatch(r"RTM(IN|AX)(?:([+-])([0-9]{1,2}))?", name):
        base = int(getattr(signal, f"SIGRTM{found[1]}"))
        return str(base + int(f"{found[2] or '+'}{found[3] or 0}"))
    if name.isdigit() and 0 < int(name) < signal.NSIG:
        number = int(name)
        known = {one.value: one.name.removeprefix("SIG") for one in signal.Signals}
        return known.get(number, str(number))
    if f"SIG{name}" in signal.Signals.__members__:
        return name
    raise Unclear(f"{text!r} is no signal")


def ends(text: str) -> tuple[str, ...]:
    """Return exit statuses and signals of a list of them, as ``Wanted`` has them."""
    found: list[str] = []
    for word in text.split():
        if word.isdigit() and int(word) < 256:
            found.append(str(int(word)))
        elif word.upper() in STATUS_NAMES:
            found.append(str(STATUS_NAMES[word.upper()]))
        else:
            found.append(signal_of(word))
    return tuple(found)


def boolean(text: str) -> bool:
    """Return what yes or no is meant."""
    word = text.lower()
    if word in ("1", "yes", "y", "true", "t", "on"):
        return True
    if word in ("0", "no", "n", "false", "f", "off"):
        return False
    raise Unclear(f"{text!r} is neither yes nor no")
