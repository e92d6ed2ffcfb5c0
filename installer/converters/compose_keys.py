"""What may stand in a compose file, level by level: what is carried over, and why the rest is not.

The tables have all keys that are read elsewhere. So what is not in them is told, wherever it
stands, and so is each key that has a reason there. A value of another shape than its key has is
refused, as it would otherwise be taken for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from slashservice.installer.converters.losses import Losses, refused
from slashservice.installer.converters.yaml_tree import Item

UNKNOWN = "it has no counterpart here"
HINT = "it only tells others of it"
ONE_HOST = "there is one of it, on this host"
SYSTEMS = "it is for another system"


@dataclass(frozen=True)
class Shape:
    """What a value may be: ``alone`` a single one, ``many`` in a list, or a mapping with ``keys``.

    ``each`` has the keys of a mapping in a list. A key ``*`` is any name. A key has a shape, or
    the reason why it is left out.
    """

    alone: bool = False
    many: bool = False
    keys: Mapping[str, Shape | str] = field(default_factory=dict)
    each: Mapping[str, Shape | str] = field(default_factory=dict)


ONE = Shape(alone=True)
MANY = Shape(alone=True, many=True)
PAIRS = Shape(many=True, keys={"*": ONE})
ELSEWHERE = Shape()
"""Is looked at as a whole elsewhere."""

FLAGS = {
    "privileged": "--privileged",
    "read_only": "--read-only",
    "init": "--init",
    "oom_kill_disable": "--oom-kill-disable",
}
VALUES = {
    "hostname": "--hostname",
    "domainname": "--domainname",
    "mac_address": "--mac-address",
    "mem_limit": "--memory",
    "mem_reservation": "--memory-reservation",
    "mem_swappiness": "--memory-swappiness",
    "memswap_limit": "--memory-swap",
    "cpus": "--cpus",
    "cpu_period": "--cpu-period",
    "cpu_quota": "--cpu-quota",
    "cpu_shares": "--cpu-shares",
    "cpuset": "--cpuset-cpus",
    "pids_limit": "--pids-limit",
    "shm_size": "--shm-size",
    "user": "--user",
    "working_dir": "--workdir",
    "stop_signal": "--stop-signal",
    "pid": "--pid",
    "ipc": "--ipc",
    "uts": "--uts",
    "userns_mode": "--userns",
    "cgroup": "--cgroupns",
    "platform": "--platform",
    "runtime": "--runtime",
    "cgroup_parent": "--cgroup-parent",
    "oom_score_adj": "--oom-score-adj",
}
LISTS = {
    "cap_add": "--cap-add",
    "cap_drop": "--cap-drop",
    "devices": "--device",
    "device_cgroup_rules": "--device-cgroup-rule",
    "dns": "--dns",
    "dns_search": "--dns-search",
    "dns_opt": "--dns-option",
    "group_add": "--group-add",
    "security_opt": "--security-opt",
    "tmpfs": "--tmpfs",
    "expose": "--expose",
}
OPTIONS_OF_PAIRS = {"labels": "--label", "sysctls": "--sysctl", "annotations": "--annotation"}

FILE_OF: Mapping[str, Shape | str] = {
    "source": ONE,
    "target": ONE,
    **dict.fromkeys(("uid", "gid", "mode"), "owner and mode are those of the file"),
}
DEPLOY: Mapping[str, Shape | str] = {
    **dict.fromkeys(
        ("mode", "replicas", "placement", "endpoint_mode", "update_config", "rollback_config"),
        ONE_HOST,
    ),
    "labels": HINT,
    "restart_policy": "restart: is what counts here",
    "resources": Shape(
        keys={
            "limits": Shape(keys={"cpus": ONE, "memory": ONE, "pids": ONE}),
            "reservations": Shape(
                keys={
                    "memory": ONE,
                    "cpus": "nothing is kept free for it",
                    "devices": "name them as devices:",
                }
            ),
        }
    ),
}
SERVICE: Mapping[str, Shape | str] = {
    **dict.fromkeys((*FLAGS, *VALUES), ONE),
    **dict.fromkeys(LISTS, MANY),
    **dict.fromkeys(OPTIONS_OF_PAIRS, PAIRS),
    **dict.fromkeys(("image", "restart", "stop_grace_period", "network_mode"), ONE),
    **dict.fromkeys(("pull_policy", "container_name"), ONE),
    **dict.fromkeys(("command", "entrypoint"), MANY),
    "environment": PAIRS,
    "extends": ELSEWHERE,
    "extra_hosts": Shape(many=True, keys={"*": MANY}),
    "links": Shape(many=True),
    "devices": Shape(
        alone=True, many=True, each={"source": ONE, "target": ONE, "permissions": ONE}
    ),
    "env_file": Shape(
        alone=True,
        many=True,
        each={"path": ONE, "required": ONE, "format": "it is read as others are"},
    ),
    "depends_on": Shape(
        many=True,
        keys={
            "*": Shape(
                keys={"condition": ONE, "required": ONE, "restart": "it is not restarted with it"}
            )
        },
    ),
    "ulimits": Shape(keys={"*": Shape(alone=True, keys={"soft": ONE, "hard": ONE})}),
    "ports": Shape(
        many=True,
        each={
            **dict.fromkeys(("target", "published", "host_ip", "protocol"), ONE),
            "mode": ONE_HOST,
            "app_protocol": HINT,
            "name": HINT,
        },
    ),
    "volumes": Shape(
        many=True,
        each={
            **dict.fromkeys(("type", "source", "target", "read_only"), ONE),
            "consistency": "no engine heeds it",
            "bind": Shape(
                keys={
                    "propagation": ONE,
                    "selinux": ONE,
                    "recursive": UNKNOWN,
                    "create_host_path": "whether a directory is made is up to the engine",
                }
            ),
            "volume": Shape(
                keys={"nocopy": ONE, "subpath": "all of the volume is mounted", "labels": HINT}
            ),
            "tmpfs": Shape(keys={"size": ONE, "mode": ONE}),
        },
    ),
    "networks": Shape(
        many=True,
        keys={
            "*": Shape(
                keys={
                    "aliases": MANY,
                    **dict.fromkeys(("ipv4_address", "ipv6_address", "mac_address"), ONE),
                    **dict.fromkeys(("priority", "gw_priority"), "it is in one network"),
                }
            )
        },
    ),
    "build": Shape(
        alone=True,
        keys={
            **dict.fromkeys(("context", "dockerfile", "target"), ONE),
            "args": PAIRS,
            "*": "it is not in the command to type",
        },
    ),
    "secrets": Shape(many=True, each=FILE_OF),
    "configs": Shape(many=True, each=FILE_OF),
    "deploy": Shape(keys=DEPLOY),
    "healthcheck": "nobody looks at it: write a file check, see service(5)",
    "logging": "what it writes goes to its log here",
    "scale": "there is one of it",
    "profiles": "it is imported all the same",
    "external_links": "containers of others are not looked for",
    "tty": "it has no terminal",
    "stdin_open": "it has no input",
    "attach": "what it writes goes to its log",
    "develop": "nobody looks at what changes",
    "post_start": "it is left to you: docker exec does it",
    "pre_stop": "it is left to you: control/t is run before it is told to end, see service(5)",
    "credential_spec": SYSTEMS,
    "isolation": SYSTEMS,
    "cpu_count": SYSTEMS,
    "cpu_percent": SYSTEMS,
}
OPTIONS = Shape(keys={"*": ONE})
"""Words of somebody else's."""

EXTERNAL = Shape(alone=True, keys={"name": ONE})
NETWORK: Mapping[str, Shape | str] = {
    **dict.fromkeys(("name", "driver", "internal", "enable_ipv6"), ONE),
    "driver_opts": OPTIONS,
    "labels": PAIRS,
    "external": EXTERNAL,
    "attachable": ONE_HOST,
    "ipam": Shape(
        keys={
            "driver": ONE,
            "config": Shape(many=True, each=dict.fromkeys(("subnet", "ip_range", "gateway"), ONE)),
        }
    ),
}
VOLUME: Mapping[str, Shape | str] = {
    "name": ONE,
    "driver": ONE,
    "driver_opts": OPTIONS,
    "labels": PAIRS,
    "external": EXTERNAL,
}
FILE: Mapping[str, Shape | str] = {
    **dict.fromkeys(("name", "external", "environment", "content"), ONE),
    "file": ONE,
}
TOP = Shape(
    keys={
        "name": ONE,
        "version": ONE,
        "include": ELSEWHERE,
        "extends": ELSEWHERE,
        "services": Shape(keys={"*": ELSEWHERE}),
        "networks": Shape(keys={"*": Shape(keys=NETWORK)}),
        "volumes": Shape(keys={"*": Shape(keys=VOLUME)}),
        "secrets": Shape(keys={"*": Shape(keys=FILE)}),
        "configs": Shape(keys={"*": Shape(keys=FILE)}),
    }
)


def look(file: str, top: Item, losses: Losses) -> None:
    """Note all in a file that is not carried over, but for its services."""
    _Look(file, losses, "").at(top, TOP, "")


def look_at_service(file: str, name: str, item: Item, losses: Losses) -> None:
    """Note all that is not carried over of a service."""
    _Look(file, losses, f"{name}: ").at(item, Shape(keys=SERVICE), "")


class _Look:
    """Goes through a file; ``begin`` is what each line begins with."""

    def __init__(self, file: str, losses: Losses, begin: str) -> None:
        self._file = file
        self._losses = losses
        self._begin = begin

    def at(self, item: Item, shape: Shape, path: str) -> None:
        """Look at a value, and at what is in it."""
        if shape is ELSEWHERE or item.value is None:
            return
        if isinstance(item.value, list):
            if not shape.many:
                raise self._odd(item, path, "a list")
            for one in item.value:
                if not isinstance(one.value, (dict, list)):
                    continue
                if isinstance(one.value, list) or not shape.each:
                    raise self._odd(one, path, "one of many with parts of its own")
                self._keys(one, shape.each, path)
        elif isinstance(item.value, dict):
            if not shape.keys:
                raise self._odd(item, path, "a mapping")
            self._keys(item, shape.keys, path)
        elif not shape.alone:
            raise self._odd(item, path, "a single value")

    def _keys(self, item: Item, keys: Mapping[str, Shape | str], path: str) -> None:
        for key, one in item.mapping.items():
            what = keys.get(key, keys.get("*", UNKNOWN))
            whole = f"{path}.{key}" if path else key
            if isinstance(what, Shape):
                self.at(one, what, whole)
            elif key.startswith("x-") or (key in keys and one.value is None):
                continue
            else:
                where = f"{self._file}:{one.line}"
                self._losses.add(where, f"{self._begin}{whole}: is left out: {what}")

    def _odd(self, item: Item, path: str, what: str) -> Exception:
        name = path or "this"
        return refused(f"{self._file}:{item.line}", f"{self._begin}{name}: can't be {what}")
