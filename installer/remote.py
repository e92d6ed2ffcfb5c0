"""Work on another host over SSH: the installer is sent there, and runs there.

All of it, packed with the packages it needs, is sent through one SSH connection to a Python
that unpacks it into a folder only root can enter, and runs the same command line there.
That needs Python and a way to be root on the host, nothing else: no SFTP, no shell tools.
What a broken connection leaves behind is what a crash would: a journal on that host, which
the next run finishes or undoes. A run that steered each step from here could leave anything.
"""

from __future__ import annotations

import getpass
import io
import ipaddress
import json
import os
import re
import shlex
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plumbum import BG, SshMachine, local
from plumbum.machines.session import ShellSessionError, SSHCommsError

from slashservice.installer.errors import Refusal, Trouble, WrongUse
from slashservice.installer.host import scratch
from slashservice.installer.host.host import Host
from slashservice.installer.plan import source
from slashservice.supervise.chain import launchers

ADDRESS = re.compile(
    r"ssh://(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.+-]*\$?)@)?"
    r"(?:(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]*)|\[(?P<literal>[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?)\])"
    r"(?::(?P<port>[0-9]{1,5}))?/?"
)
LONGEST = 255
"""Characters of a name. What is longer is none, in the domain name system or elsewhere."""

PYTHONS = (
    "/usr/bin/python3",
    "python3",
    "/usr/local/bin/python3",
    *(f"python3.{minor}" for minor in range(20, 9, -1)),
)

MAGIC = "slashservice-installer"
"""Begins the line in front of what is sent. A password that sudo didn't want comes before."""

BOOTSTRAP = """\
import io,json,os,shutil,signal,sys,tarfile,tempfile
if sys.version_info<(3,10):sys.exit("slashservice: fatal: Python 3.10 or newer is needed there")
signal.signal(signal.SIGHUP,signal.SIG_IGN)
os.umask(0o022)
read=sys.stdin.buffer
for _ in range(2):
    first=read.readline().split()
    if first[:1]==[b"slashservice-installer"]:break
sizes=[int(one) for one in first[1:3]] if first[:1]==[b"slashservice-installer"] else [-1,-1]
words,data=[read.read(max(size,0)) for size in sizes]
if [len(words),len(data)]!=sizes:
    sys.exit("slashservice: fatal: the connection broke off; nothing was changed")
for place in "/run","/var/run","/tmp","/var/tmp":
    try:
        about=os.stat(place)
        if about.st_uid==0 and (about.st_mode&0o1000 or not about.st_mode&0o022):
            home=tempfile.mkdtemp(prefix="slashservice-",dir=place)
            break
    except OSError:
        pass
else:
    sys.exit("slashservice: fatal: neither /run nor /tmp can be used there")
try:
    tarfile.open(fileobj=io.BytesIO(data)).extractall(home)
    sys.path[:0]=[home]
    sys.path.append(home+"/vendor")
    package=type(sys)("slashservice")
    package.__path__=[home]
    sys.modules["slashservice"]=package
    sys.argv=["slashservice",*json.loads(words)]
    sys.dont_write_bytecode=True
    from slashservice.installer.cli.main import run
    ended=run()
finally:
    shutil.rmtree(home)
os._exit(ended)
"""


@dataclass(frozen=True)
class Address:
    """The address of a host, as in ``ssh://user@host:port``."""

    host: str
    user: str = ""
    port: int = 0

    @classmethod
    def of(cls, text: str) -> Address:
        """Read an address; :class:`WrongUse` if it is none."""
        found = ADDRESS.fullmatch(text)
        port = int(found["port"] or 0) if found else 0
        host = (found["host"] or found["literal"]) if found else ""
        if found and found["literal"] and not _is_ipv6(host):
            host = ""
        if not found or not host or max(len(host), len(found["user"] or "")) > LONGEST:
            raise WrongUse(f"{text!r} is no host", "It should look like ssh://user@name")
        if port > 65535 or (found["port"] and not port):
            raise WrongUse(f"{text!r} has no port that there is")
        return cls(host, found["user"] or "", port)


def _is_ipv6(text: str) -> bool:
    """Tell whether an address is one of IPv6, with a zone or without."""
    try:
        ipaddress.IPv6Address(text.partition("%")[0])
    except ValueError:
        return False
    return True


class Ssh(SshMachine):
    """A connection: its name can't be taken for an option of ssh, whatever it is."""

    def popen(self, args: Any, ssh_opts: Sequence[str] = (), *more: Any, **named: Any) -> Any:
        """Run ssh, with a mark for the end of its options."""
        return super().popen(args, [*ssh_opts, "--"], *more, **named)


def pack() -> bytes:
    """Return a tar archive of the installer and all it needs."""
    files = source.collect(launchers.interpreter(), "/nowhere").files
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=6) as archive:
        for name, (data, mode) in files.items():
            if not name.startswith("command/"):
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(data), mode
                archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def payload(argv: Sequence[str]) -> bytes:
    """Return what the bootstrap reads: the words, which `ps` must not show, and the archive."""
    words, data = json.dumps(list(argv)).encode(), pack()
    return f"{MAGIC} {len(words)} {len(data)}\n".encode() + words + data


def run_there(address: Address, argv: Sequence[str], options: Sequence[str] = ()) -> int:
    """Run ``slashservice ARGV`` on another host, as root; return its exit status.

    ``options`` are given to ssh with ``-o``. The output appears here as it comes.
    """
    with (
        scratch.folder() as folder,
        _connect(address, [*options, "ControlMaster=auto", f"ControlPath={folder}/%C"]) as machine,
    ):
        python = _python(machine)
        become, secret = _become_root(machine, address)
        data = secret + payload(argv)
        words = [*become, python, "-I", "-B", "-c", BOOTSTRAP]
        line = " ".join(shlex.quote(word) for word in words)
        command = machine["/bin/sh"]["-c", line] << data
        future = command & BG(stdout=sys.stdout, stderr=sys.stderr, retcode=None)
        future.wait()
        return int(future.returncode)


def _connect(address: Address, options: Sequence[str]) -> Ssh:
    """Log in once: what is run there later goes through the same connection."""
    try:
        return Ssh(
            address.host,
            user=address.user or None,
            port=address.port or None,
            ssh_command=local[_ssh()],
            ssh_opts=[part for option in options for part in ("-o", option)],
            connect_timeout=60,
        )
    except (ShellSessionError, SSHCommsError, OSError) as error:
        raise Trouble(f"no connection to {address.host}", _last_line(error)) from error


def _ssh() -> str:
    """Return the program: root's is not looked for where anybody may have put one."""
    return (Host().which("ssh") if os.geteuid() == 0 else None) or "ssh"


def _last_line(error: BaseException) -> str:
    """Return the last line that ssh said: the others are about its session."""
    said = str(getattr(error, "stderr", "") or error).strip().splitlines()
    return said[-1].strip() if said else "ssh said nothing"


def _python(machine: SshMachine) -> str:
    """Return a Python of the host that is new enough."""
    code = "import sys;sys.exit(sys.version_info<(3,10))"
    for name in PYTHONS:
        status, _, _ = machine["/bin/sh"]["-c", f"{name} -I -c '{code}'"].run(retcode=None)
        if status == 0:
            return name
    raise Refusal(f"{machine.host} has no Python 3.10 or newer", "Install its package python3.")


def _become_root(machine: SshMachine, address: Address) -> tuple[list[str], bytes]:
    """Return the words that run a command as root, and the input that they want first."""
    _, told, _ = machine["/bin/sh"]["-c", "id -u"].run(retcode=None)
    if told.strip() == "0":
        return [], b""
    for words in (["sudo", "-n"], ["doas", "-n"]):
        line = " ".join([*words, "true"])
        status, _, _ = machine["/bin/sh"]["-c", line].run(retcode=None)
        if status == 0:
            return words, b""
    if os.isatty(0):
        try:
            user = address.user or getpass.getuser()
        except (KeyError, OSError):  # we have a number only
            user = str(os.getuid())
        password = getpass.getpass(f"sudo password of {user} on {address.host}: ")
        return ["sudo", "-S", "-p", ""], password.encode() + b"\n"
    raise Refusal(
        f"on {address.host} neither sudo nor doas lets us be root without a password",
        "Run this in a terminal to be asked for it, or log in as root.",
    )
