"""The words that name another host, and what is sent there."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plumbum import local

from slashservice.installer import remote
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.remote import MAGIC, Address, payload, run_there

GOOD = {
    "ssh://host": Address("host"),
    "ssh://me@host": Address("host", "me"),
    "ssh://me@host.example.net.:2222/": Address("host.example.net.", "me", 2222),
    "ssh://first.last+x@under_score": Address("under_score", "first.last+x"),
    "ssh://machine$@10.0.0.1:22": Address("10.0.0.1", "machine$", 22),
    "ssh://[::1]": Address("::1"),
    "ssh://root@[fe80::1%eth0]:22": Address("fe80::1%eth0", "root", 22),
}
BAD = (
    *("ssh://[-oProxyCommand=touch pwned]", "ssh://-oProxyCommand=x", "ssh://me@-oProxyCommand=x"),
    *("ssh://-l@host", "ssh://-oProxyCommand=x@host", "ssh://me@[-oX=y]:22", "ssh://[]", "ssh://"),
    *("ssh://host:-oX", "ssh://host:", "ssh://host:99999", "ssh://host:0", "ssh://host:22 -oX=y"),
    *("ssh://%2doProxyCommand=x", "ssh://a%2db", "ssh://host\n", "ssh://ho\nst", "ssh://me\n@host"),
    *("ssh://ho st", " ssh://host", "ssh://host ", "ssh://host\0", "ssh://a,b", "ssh://a;b"),
    *("ssh://$(id)", "ssh://`id`", "ssh://a@b@c", "ssh://me:secret@host", "ssh://[host]"),
    *(
        "ssh://[::1",
        "ssh://::1",
        "ssh://[::1]x",
        "ssh://[1.2.3.4]",
        "ssh://[::1%]",
        "ssh://[%eth0]",
    ),
    *("ssh://host/path", "ssh://host?x", "ssh://host#x", "host", "", "SSH://host", "ssh:host"),
    *("ssh://h\u00f6st", "ssh://host:\u0662\u0662", "ssh://\u2010oX", "ssh://" + "a" * 256),
    *("ssh://'host'", 'ssh://"host"', "ssh://~host", "ssh://host|x", "ssh://host&", "ssh://..$x"),
)


@pytest.mark.parametrize(("text", "address"), GOOD.items())
def test_an_address(text: str, address: Address) -> None:
    assert Address.of(text) == address


@pytest.mark.parametrize("text", BAD)
def test_what_is_none(text: str) -> None:
    with pytest.raises(Refusal, match=r"is no host|no port that there is"):
        Address.of(text)


PIECES = st.sampled_from(
    [*"ssh://@:[]-%.\n \t$\\'\"=,;~", "-o", "ProxyCommand=x", "::1", "host", "22"]
)


@given(st.lists(PIECES, max_size=12).map("".join), st.booleans())
def test_whatever_is_taken_for_one_is_a_plain_word(text: str, whole: bool) -> None:
    try:
        address = Address.of(text if whole else f"ssh://{text}")
    except Refusal:
        return
    for word in (address.host, address.user):
        assert not word.startswith("-")
        assert not set(word) & set(" \t\n\\'\"=,;~()`&|/@[]")
    assert 0 <= address.port < 65536


FAKE_SSH = """\
#!{python} -I
# A fake: it writes down its arguments, and lets nobody in.
import json, sys
with open({record!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
sys.exit(255)
"""


@pytest.mark.parametrize("text", GOOD)
def test_the_name_comes_behind_all_options(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, fake = tmp_path / "record", tmp_path / "ssh"
    fake.write_text(FAKE_SSH.format(python=sys.executable, record=str(record)))
    fake.chmod(0o755)
    monkeypatch.setattr(remote, "_ssh", lambda: str(fake))
    address = Address.of(text)
    with pytest.raises(Trouble, match="no connection to"):
        run_there(address, ["detect"], ["BatchMode=yes"])
    (words,) = [json.loads(line) for line in record.read_text().splitlines()]
    end = words.index("--")
    assert words[end + 1] == (f"{address.user}@" if address.user else "") + address.host
    assert [word for word in words[:end] if word.startswith("-o")]
    assert not [word for word in words[end + 2 :] if word.startswith("-o")]


SECRET = "hunter2-secret"


def bootstrap(data: bytes) -> subprocess.CompletedProcess[str]:
    """Run what is sent to the other host, here."""
    words = [sys.executable, "-I", "-B", "-c", remote.BOOTSTRAP]
    done = subprocess.run(words, input=data, capture_output=True, check=False)
    return subprocess.CompletedProcess(
        words, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def is_ours(name: str) -> bool:
    """Tell whether a folder has the installer in it; others come and go meanwhile."""
    return any(os.path.exists(f"{folder}/{name}/installer") for folder in ("/run", "/tmp"))


@pytest.mark.parametrize("first", [b"", f"{SECRET}\n".encode()], ids=["none", "unread"])
def test_the_words_go_where_ps_does_not_show_them(first: bytes) -> None:
    before = {name for folder in ("/run", "/tmp") for name in os.listdir(folder)}
    done = bootstrap(first + payload(["completion", "bash"]))
    left = {name for folder in ("/run", "/tmp") for name in os.listdir(folder)} - before
    assert not [name for name in left if name.startswith("slashservice-") and is_ours(name)]
    assert done.stderr == ""
    assert "complete -F" in done.stdout
    assert MAGIC in remote.BOOTSTRAP


@pytest.mark.parametrize(
    "data",
    [
        b"",
        f"{SECRET}\n".encode(),
        f"{SECRET}\n{SECRET}\n".encode(),
        payload(["add", "--env", f"A={SECRET}"])[:-1000],
        f"{SECRET}\n".encode() + payload(["add", "--env", f"A={SECRET}"])[:30],
    ],
    ids=["nothing", "a password", "two", "cut", "cut early"],
)
def test_what_breaks_off_is_told_in_one_line_without_secrets(data: bytes) -> None:
    done = bootstrap(data)
    assert done.returncode == 1
    assert done.stderr == "slashservice: fatal: the connection broke off; nothing was changed\n"
    assert done.stdout == ""


def test_the_command_line_is_not_in_what_ssh_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake machine, on which all goes well, and which is asked for what it was given."""
    lines: list[str] = []

    class Machine:
        """Takes shell commands; its ``|`` and ``<<`` are plumbum's."""

        host = "fake"

        def __getitem__(self, words: object) -> object:
            if words == "/bin/sh":
                return self
            lines.append(str(words))
            return local["true"]

        def __enter__(self) -> object:
            return self

        def __exit__(self, *ended: object) -> None:
            pass

    monkeypatch.setattr(remote, "_connect", lambda address, options: Machine())
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(open("/dev/null", "wb")))  # noqa: SIM115
    assert run_there(Address("fake"), ["add", "web", "--env", f"A={SECRET}"]) == 0
    sys.stdout.close()
    assert len(lines) > 2
    assert SECRET not in "".join(lines)
