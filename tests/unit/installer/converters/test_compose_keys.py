"""Whatever stands in a compose file is carried over, or told: no part of it goes without a word.

The cases are made of one file that has every key of the compose specification, at each level.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.installer import its_host, plain_image

from slashservice.installer.converters import kinds
from slashservice.installer.converters.kinds import Choices
from slashservice.installer.converters.losses import Losses
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host

image, host = plain_image, its_host

WHOLE: dict[str, Any] = {
    "name": "shop",
    "models": {"m": {"model": "x"}},
    "networks": {
        "back": {
            "driver": "macvlan",
            "driver_opts": {"parent": "eth0"},
            "attachable": True,
            "enable_ipv4": False,
            "enable_ipv6": True,
            "internal": True,
            "ipam": {
                "driver": "host-local",
                "options": {"a": "b"},
                "config": [
                    {
                        "subnet": "10.9.0.0/16",
                        "ip_range": "10.9.1.0/24",
                        "gateway": "10.9.0.1",
                        "aux_addresses": {"host1": "10.9.1.5"},
                    }
                ],
            },
            "labels": {"n": "1"},
        },
        "theirs": {"external": True, "name": "net-of-others"},
    },
    "volumes": {
        "d": {
            "driver": "local",
            "driver_opts": {"type": "nfs", "o": "addr=10.0.0.1", "device": ":/e"},
            "labels": ["v=1"],
            "name": "data",
        },
        "e": {"external": True},
    },
    "secrets": {"s": {"file": "./s", "labels": {"a": "b"}, "template_driver": "x"}},
    "configs": {"c": {"file": "./c"}},
    "services": {
        "db": {
            "image": "x",
            "annotations": {"a": "b"},
            "attach": False,
            "blkio_config": {"weight": 300},
            "cpu_count": 2,
            "cpu_percent": 50,
            "cpu_shares": 73,
            "cpu_period": 100000,
            "cpu_quota": 50000,
            "cpu_rt_runtime": 400,
            "cpu_rt_period": 1400,
            "cpus": 0.5,
            "cpuset": "0,1",
            "cap_add": ["ALL"],
            "cap_drop": ["NET_ADMIN"],
            "cgroup": "host",
            "cgroup_parent": "m",
            "command": ["a", "b"],
            "configs": [{"source": "c", "target": "/cc", "uid": "1", "gid": "2", "mode": 256}],
            "credential_spec": {"file": "x"},
            "depends_on": {"b": {"condition": "service_healthy", "restart": True}},
            "develop": {"watch": [{"path": "x"}]},
            "device_cgroup_rules": ["c 1:3 mr"],
            "devices": [{"source": "/dev/a", "target": "/dev/b", "permissions": "rwm"}, "/dev/c"],
            "dns": "8.8.8.8",
            "dns_opt": ["use-vc"],
            "dns_search": ["example.com"],
            "domainname": "a.b",
            "driver_opts": {"x": "y"},
            "entrypoint": ["/e", "f"],
            "environment": {"A": "b"},
            "expose": ["3000"],
            "external_links": ["r"],
            "extra_hosts": {"h": ["10.0.0.1", "10.0.0.2"]},
            "gpus": "all",
            "group_add": ["mail"],
            "healthcheck": {"test": "x"},
            "hostname": "h",
            "init": "true",
            "ipc": "service:b",
            "isolation": "x",
            "label_file": "./l",
            "labels": {"a": "b"},
            "links": ["b:bb"],
            "logging": {"driver": "syslog"},
            "mac_address": "02:42:ac:11:65:43",
            "mem_limit": "1g",
            "mem_reservation": "1m",
            "mem_swappiness": 10,
            "memswap_limit": "2g",
            "models": ["m"],
            "networks": {
                "back": {
                    "aliases": ["pg", "sql"],
                    "ipv4_address": "10.9.1.7",
                    "ipv6_address": "2001::7",
                    "interface_name": "eth3",
                    "link_local_ips": ["57.123.22.11"],
                    "driver_opts": {"x": "y"},
                    "gw_priority": 1,
                    "priority": 1000,
                }
            },
            "oom_kill_disable": True,
            "oom_score_adj": 5,
            "pid": "service:b",
            "pids_limit": 10,
            "platform": "linux/amd64",
            "ports": [
                {
                    "target": 80,
                    "published": "8080",
                    "host_ip": "127.0.0.1",
                    "protocol": "udp",
                    "mode": "host",
                    "app_protocol": "http",
                    "name": "web",
                },
                "81:81",
            ],
            "post_start": [{"command": "x"}],
            "pre_stop": [{"command": "x"}],
            "privileged": True,
            "profiles": ["p"],
            "provider": {"type": "x"},
            "pull_policy": "daily",
            "read_only": True,
            "restart": "on-failure:3",
            "runtime": "runc",
            "scale": 3,
            "secrets": [{"source": "s", "target": "t", "uid": "1", "gid": "2", "mode": 256}],
            "security_opt": ["label:x"],
            "shm_size": "64m",
            "stdin_open": True,
            "stop_grace_period": "20s",
            "stop_signal": "SIGINT",
            "storage_opt": {"size": "1G"},
            "sysctls": {"net.core.somaxconn": 1024},
            "tmpfs": ["/run"],
            "tty": True,
            "ulimits": {"nproc": 65535, "nofile": {"soft": 20000, "hard": 40000}},
            "use_api_socket": True,
            "user": "1",
            "userns_mode": "host",
            "uts": "host",
            "volumes": [
                "d:/d",
                "e:/e",
                {
                    "type": "bind",
                    "source": "./x",
                    "target": "/x",
                    "read_only": True,
                    "consistency": "cached",
                    "bind": {
                        "propagation": "rslave",
                        "create_host_path": False,
                        "selinux": "z",
                        "recursive": "disabled",
                    },
                },
                {
                    "type": "volume",
                    "source": "d",
                    "target": "/y",
                    "volume": {"nocopy": True, "subpath": "s", "labels": {"a": "b"}},
                },
                {"type": "tmpfs", "target": "/z", "tmpfs": {"size": "1m", "mode": 448}},
            ],
            "volumes_from": ["b"],
            "working_dir": "/w",
        },
        "b": {
            "build": {
                "context": "./b",
                "dockerfile": "D",
                "target": "t",
                "args": {"A": 1},
                "network": "host",
                "secrets": ["s"],
            },
            "deploy": {
                "mode": "global",
                "replicas": 2,
                "endpoint_mode": "vip",
                "labels": {"a": "b"},
                "placement": {"constraints": ["x"]},
                "restart_policy": {"condition": "any"},
                "update_config": {"delay": "1s"},
                "rollback_config": {"delay": "1s"},
                "resources": {
                    "limits": {"cpus": "1", "memory": "50M", "pids": 4, "odd": 1},
                    "reservations": {
                        "cpus": "0.25",
                        "memory": "20M",
                        "devices": [{"capabilities": ["gpu"]}],
                        "generic_resources": [{"x": 1}],
                    },
                },
            },
            "container_name": "named",
            "networks": ["theirs"],
        },
    },
}

Way = tuple[str | int, ...]


def outcome(host: Host, folder: Path, tree: Any) -> tuple[list[str], list[str]]:
    """Return what is made of a file, and what is told; of one that is refused, why."""
    (folder / "compose.yaml").write_text(json.dumps(tree))
    losses = Losses()
    choices = Choices(engine="docker", check=False)
    try:
        found = kinds.drawn(host, [str(folder / "compose.yaml")], choices, losses)
    except Refusal as refusal:
        return [], [refusal.what]
    made = [f"{name} {one.contents[name].data!r}" for one in found for name in sorted(one.contents)]
    return made, losses.lines


def leaves(tree: Any, way: Way = ()) -> Iterator[Way]:
    """Yield the way to each single value."""
    if not isinstance(tree, (dict, list)):
        yield way
        return
    for key, one in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield from leaves(one, (*way, key))


def mappings(tree: Any, way: Way = ()) -> Iterator[Way]:
    """Yield the way to each mapping."""
    if isinstance(tree, dict):
        yield way
    if isinstance(tree, (dict, list)):
        for key, one in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from mappings(one, (*way, key))


def at(tree: Any, way: Way) -> Any:
    """Return what a way leads to."""
    for key in way:
        tree = tree[key]
    return tree


def is_left_out_whole(way: Way, lines: list[str]) -> bool:
    """Tell whether a line names what something is in."""
    words = [one for one in way if isinstance(one, str)]
    ends = len(words) + (way[-1] not in words)
    names = [".".join(words[begin:end]) for begin in (0, 2) for end in range(begin + 1, ends)]
    return any(f" {name}: is left out" in line for name in names for line in lines)


def test_each_value_counts_or_is_told(host: Host, tmp_path: Path) -> None:
    """Without it something else is made, or something else is told, or its whole is left out."""
    made, told = outcome(host, tmp_path, WHOLE)
    assert made, told
    silent = []
    for way in leaves(WHOLE):
        less = copy.deepcopy(WHOLE)
        del at(less, way[:-1])[way[-1]]
        if outcome(host, tmp_path, less) == (made, told) and not is_left_out_whole(way, told):
            silent.append(way)
    assert silent == [
        ("services", "db", "depends_on", "b", "condition"),  # nobody waits for b, that says
        ("services", "db", "volumes", 3, "type"),  # it is the usual one
    ]


OF_OTHERS = {"options", "labels", "environment", "sysctls", "annotations", "driver_opts", "args"}
NAMED = {"services", "networks", "volumes", "secrets", "configs", "models", "ulimits"}
NAMED |= {"extra_hosts", "depends_on", "storage_opt"}


def test_an_unknown_key_is_told_wherever_it_is(host: Host, tmp_path: Path) -> None:
    """But where names are the file's own, and in what is left out as a whole."""
    _, before = outcome(host, tmp_path, WHOLE)
    for way in mappings(WHOLE):
        if way and way[-1] in OF_OTHERS | NAMED:
            continue
        for value in ({"y": ["x"]}, None):
            more = copy.deepcopy(WHOLE)
            at(more, way)["unheard_of"] = value
            made, told = outcome(host, tmp_path, more)
            lines = [line for line in told if line not in before]
            is_told = len(lines) == 1 and "unheard_of: is left out" in lines[0]
            assert is_told or is_left_out_whole((*way, "unheard_of"), before), (way, value, lines)
            assert made


def test_a_value_of_another_shape_is_refused(host: Host, tmp_path: Path) -> None:
    """A mapping, or a list in a list, where a word is meant is not taken for nothing."""
    _, before = outcome(host, tmp_path, WHOLE)
    for way in leaves(WHOLE):
        other = copy.deepcopy(WHOLE)
        at(other, way[:-1])[way[-1]] = [[{"odd": ["x"]}]]
        made, told = outcome(host, tmp_path, other)
        assert not made or is_left_out_whole((*way, ""), before), (way, told)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("networks: {back: {internal: true}}", "network create --internal shop_back"),
        ("networks: {back: {driver: macvlan}}", "network create --driver=macvlan shop_back"),
        (
            "volumes: {d: {driver_opts: {type: nfs, o: addr=10.0.0.1}}}",
            "docker volume create --opt=type=nfs --opt=o=addr=10.0.0.1 shop_d",
        ),
        ("volumes: {d: {external: {name: old}}}", "docker volume inspect old"),
    ],
)
def test_what_is_made_before(text: str, line: str, host: Host, tmp_path: Path) -> None:
    service = "services: {db: {image: x, networks: {back: {aliases: [pg]}}, volumes: ['d:/d']}}"
    (tmp_path / "compose.yaml").write_text(f"name: shop\n{service}\n{text}\n")
    losses = Losses()
    choices = Choices(engine="docker", check=False)
    (found,) = kinds.drawn(host, [str(tmp_path / "compose.yaml")], choices, losses)
    run = found.contents["run"].data.decode()
    assert line in run and "--network-alias=db --network-alias=pg" in run
    assert losses.lines == []


def test_names_that_links_give(host: Host, tmp_path: Path) -> None:
    tree = {"services": {"a": {"image": "x", "links": ["b:bb", "b", "b:b"]}, "b": {"image": "x"}}}
    made, told = outcome(host, tmp_path, tree)
    assert made and len(told) == 1
    assert told[0].startswith("compose.yaml:1: a: links: b is not known as bb: ")


def test_what_is_read_behind_it_elsewhere(host: Host, tmp_path: Path) -> None:
    (tmp_path / "docker-compose.override.yml").write_text("")
    (tmp_path / "compose.override.yaml").write_text("")
    _, told = outcome(host, tmp_path, {"services": {"a": {"image": "x"}}})
    assert [line.split(": ")[:2] for line in told] == [
        ["compose.yaml", "compose.override.yaml beside it is not read"]
    ]
