"""Networks and volumes of a compose file, which are made before a service starts that has them.

Each is made once, where it is missing. What others make has to be there.
"""

from __future__ import annotations

from shlex import quote

from slashservice.installer.converters.compose_options import NONE, Service, pairs
from slashservice.installer.converters.yaml_tree import Item

ADDRESSES = {"subnet": "--subnet", "ip_range": "--ip-range", "gateway": "--gateway"}


def lines(service: Service, engine: str, network: str) -> list[str]:
    """Return the lines of shell for the network, which may be none, and the volumes of a service.

    A volume without options is made by the engine itself, when it is mounted.
    """
    found = []
    if network and not service.is_external("networks", network):
        name = service.called("networks", network)
        found.append(_made(engine, "network", name, _network(service, network)))
    for one in service.volumes:
        name, options = service.called("volumes", one), _volume(service, one)
        if service.is_external("volumes", one):
            found.append(f"{quote(engine)} volume inspect {quote(name)} >/dev/null")
        elif options:
            found.append(_made(engine, "volume", name, options))
    return found


def _made(engine: str, kind: str, name: str, options: list[str]) -> str:
    """Return the line that makes what is not there."""
    known = f"{quote(engine)} {kind} inspect {quote(name)} >/dev/null 2>&1"
    words = " ".join(map(quote, [engine, kind, "create", *options, name]))
    return f"{known} || {words} >/dev/null"


def _common(about: dict[str, Item]) -> list[str]:
    """Return the options that networks and volumes have in common."""
    driver = about.get("driver", NONE).text
    options = [f"--driver={driver}"] if driver else []
    options += [f"--opt={one}" for one in pairs(about.get("driver_opts", NONE), "=")]
    return options + [f"--label={one}" for one in pairs(about.get("labels", NONE), "=")]


def _network(service: Service, name: str) -> list[str]:
    about = service.about("networks", name)
    options = _common(about)
    for key, option in (("internal", "--internal"), ("enable_ipv6", "--ipv6")):
        options += [option] if service.is_set(about.get(key, NONE), key) else []
    ipam = about.get("ipam", NONE).mapping
    driver = ipam.get("driver", NONE).text
    options += [f"--ipam-driver={driver}"] if driver not in ("", "default") else []
    for one in ipam.get("config", NONE).items:
        options += [
            f"{ADDRESSES[key]}={one.mapping[key].text}" for key in ADDRESSES if key in one.mapping
        ]
    return options


def _volume(service: Service, name: str) -> list[str]:
    """Return the options of a volume. They stand in the run script, passwords too."""
    about = service.about("volumes", name)
    for one in about.get("driver_opts", NONE).mapping.values():
        if "pass" in one.text.lower():
            service.lost(one, f"volumes.{name}.driver_opts: everybody can read it in run")
    return _common(about)
