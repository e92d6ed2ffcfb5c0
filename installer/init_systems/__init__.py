"""The init systems, one module each. Adding one touches nothing but this list."""

from __future__ import annotations

from slashservice.installer.errors import Refusal
from slashservice.installer.init_systems.busybox import BusyBox
from slashservice.installer.init_systems.container import Container
from slashservice.installer.init_systems.dinit import Dinit
from slashservice.installer.init_systems.finit import Finit
from slashservice.installer.init_systems.freebsd import FreeBSD
from slashservice.installer.init_systems.initd import InitD
from slashservice.installer.init_systems.launchd import Launchd
from slashservice.installer.init_systems.netbsd import NetBSD
from slashservice.installer.init_systems.openbsd import OpenBSD
from slashservice.installer.init_systems.openrc import OpenRC
from slashservice.installer.init_systems.rclocal import RcLocal
from slashservice.installer.init_systems.runit import Runit
from slashservice.installer.init_systems.s6 import S6
from slashservice.installer.init_systems.slackware import Slackware
from slashservice.installer.init_systems.systemd import Systemd
from slashservice.installer.init_systems.sysvinit import SysVInit
from slashservice.installer.init_systems.upstart import Upstart
from slashservice.installer.plan.init_system import InitSystem

INIT_SYSTEMS: dict[str, InitSystem] = {
    one.name: one
    for one in (
        Systemd(),
        SysVInit(),
        BusyBox(),
        OpenRC(),
        Runit(),
        S6(),
        Dinit(),
        Finit(),
        Upstart(),
        Slackware(),
        InitD(),
        RcLocal(),
        OpenBSD(),
        FreeBSD(),
        NetBSD(),
        Launchd(),
        Container(),
    )
}


def by_name(name: str) -> InitSystem:
    """Return the init system called ``name``; :class:`Refusal` where there is none."""
    aliases = {"inittab": "sysvinit", "rc.local": "rclocal", "init.d": "initd", "lsb": "initd"}
    try:
        return INIT_SYSTEMS[aliases.get(name, name)]
    except KeyError:
        raise Refusal(
            f"there is no init system {name!r} here", f"There are {', '.join(INIT_SYSTEMS)}."
        ) from None
