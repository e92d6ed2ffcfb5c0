"""The real ssh, asked what it makes of a host name that we would give it."""

from __future__ import annotations

import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from slashservice.installer.errors import Refusal
from slashservice.installer.remote import Address

MAY_DIFFER = {"host", "hostname", "originalhost", "port", "user"}
PIECES = st.sampled_from(
    [
        *"@@@:[]--%..\n $\\=",
        *("-o", "ProxyCommand=x", "-F", "::1", "[::1]", "fe80::1%eth0", "host", "me", "22"),
    ]
)


def settings_of(*words: str) -> dict[str, str]:
    """Return what ssh would go by."""
    done = subprocess.run(
        ["ssh", "-F", "/dev/null", "-G", *words], capture_output=True, check=True, timeout=60
    )
    lines = done.stdout.decode("utf-8", "surrogateescape").splitlines()
    return dict(line.split(" ", 1) for line in lines if " " in line)


def test_the_way_that_was_once_open_is_seen() -> None:
    """This is how the test would know."""
    assert settings_of("-oProxyCommand=x", "host")["proxycommand"] == "x"


@settings(max_examples=400)
@given(st.lists(PIECES, min_size=1, max_size=8).map("".join))
def test_no_host_is_an_option(text: str) -> None:
    try:
        address = Address.of(f"ssh://{text}")
    except Refusal:
        return
    port = ("-p", str(address.port)) if address.port else ()
    name = f"{address.user}@{address.host}" if address.user else address.host
    found = settings_of(*port, "--", name)
    plain = settings_of("plain")
    assert {key for key in found if found[key] != plain.get(key)} <= MAY_DIFFER
    if not set(address.host) <= set("0123456789.:abcdefABCDEF"):  # ssh writes numbers its own way
        assert found["hostname"] == address.host.lower()
    assert found["user"] == (address.user or plain["user"])
