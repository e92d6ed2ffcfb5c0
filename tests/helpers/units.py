"""Units of systemd of all shapes, and what to look at in the processes that come of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

WAITS = "/bin/sh -c 'read x </srv/never'"
"""A program that takes any words, starts no other, and stays: nobody writes there."""

LOOK = r"""
import json, os, sys
def look(pid):
    place = f"/proc/{pid}"
    def parts(name):
        with open(f"{place}/{name}", "rb") as file:
            return file.read().decode("utf-8", "surrogateescape").split("\0")[:-1]
    with open(place + "/status") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    with open(place + "/stat") as file:
        stat = file.read().rpartition(")")[2].split()
    with open(place + "/oom_score_adj") as file:
        score = file.read().strip()
    limits = {}
    with open(place + "/limits") as file:
        for line in file:
            if line.startswith("Max "):
                limits[line[4:25].strip()] = line[26:].split()[:2]
    return {
        "words": parts("cmdline"),
        "variables": dict(one.split("=", 1) for one in parts("environ") if "=" in one),
        "directory": os.readlink(place + "/cwd"),
        "input": os.readlink(place + "/fd/0"),
        "groups": sorted({*status["Groups"].split(), *status["Gid"].split()}),
        "nice": stat[16],
        "score": score,
        "limits": limits,
        **{key: status[key].strip() for key in ("Uid", "Gid", "Umask", "NoNewPrivs")},
    }
json.dump({name: look(pid) for name, pid in json.load(sys.stdin).items()}, sys.stdout)
"""
"""Looks at processes in /proc; their pids by name are handed in, and all that was seen out."""


class Unit(NamedTuple):
    """A unit: its name, and its lines of ``[Service]``, with a file of variables for it."""

    name: str
    lines: str
    variables: str = ""

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.service"

    @property
    def variables_file(self) -> str:
        """Where its file of variables is."""
        return f"/srv/units/{self.name}.variables"

    @property
    def service(self) -> str:
        """The name of the service that is made of it."""
        return self.name.replace("\\x2d", "-")

    @property
    def text(self) -> str:
        """What is in the file. One that names no program has one that waits."""
        start = "" if "ExecStart" in self.lines else f"ExecStart={WAITS}\n"
        return f"[Unit]\nDescription=One of the tests\n[Service]\n{start}{self.lines}"


SET = "Environment=A=one B='two  words' \"C=it's\" 'D=\"quoted\"' E= F='a\\tb' G=$A H=100%%\n"

WORDS = {
    "quotes": """"a b" 'c d' e"f g"h 'i''j' "" '' "k'l" 'm"n' o\\ p""",
    "escapes": r'\x41 \101 \u00e4 \U0001f600 \s \\ \t|\n|\a|\v "\x22" \xc3\xa4 \x27 \x20a \x25n',
    "semicolons": r"""a \; b ';' ";" c;d""",
    "percents": "%% %%n 100%% %n %N %p '%i' %f %P",
    "places": "%t %S %C %L %E %T %V %h %s %u %U %g %G",
    "host": "%H %l %v %m %o %w %W %A %B %M",
    "at@in-stance": "%n %N %p %P %i %I %j %J %f",
    "at@x\\x2dy-z": "%n %N %p %P %i %I %j %J %f",
    "a-b-c": "%n %N %p %P %i %I %j %J %f",
    "variables": """$A ${A} $B ${B} "$B" '${B}' x${A}y x$A $$A""",
    "variables-quoted": "$C ${C} $D ${D} $E ${E} $F ${F} $G ${H}",
    "variables-lacking": "$NO ${NO} a${NO}b $ $1 ${} ${1} ${A $A, $A.b",
    "variables-odd": "${A}${B} $A$B $$ $$$A ${A:-x} ${A:-${A}} $${A} \\$A ${A$B}",
    "continued": "a \\\n  b\\\n c \\\n# comment\n; other\n d",
    "continued-in-quotes": "'a \\\n  b' \"c\\\nd\"",
    "continued-to-nothing": "a \\\n\nNice=3",
}
"""Words behind a program that waits."""

LINES = {
    "plain": "",
    "spaced": "  ExecStart  =   /bin/sh   -c  'read x </srv/never'\t a   b  \n",
    "unquoted-program": 'ExecStart="/bin/sh" "-c" \'read x </srv/never\'\n',
    "by-name": "ExecStart=sh -c 'read x </srv/never' a\n",
    "ignored": f"ExecStart=-{WAITS} a\n",
    "named": "ExecStart=@/bin/sh other-name -c 'read x </srv/never' a\n",
    "literal": f"ExecStart=:{WAITS} $A ${{B}} $$ %%\n",
    "together": "Environment=A=1\nExecStart=-@:/bin/sh name -c 'read x </srv/never' $A %n\n",
    "started-anew": f"ExecStart=/bin/false\nExecStart=\nExecStart={WAITS} a\n",
    "words-of-nobody": f"User=nobody\nExecStart={WAITS} %h %s %u $HOME ${{USER}} $LOGNAME $SHELL\n",
    "words-of-games": f"User=games\nExecStart={WAITS} %h %s %u $HOME ${{USER}} $LOGNAME $SHELL\n",
    "words-in-words": f"Environment=X='a b' Y=\"c d\" Z=e'f g'h\nExecStart={WAITS} $X $Y $Z\n",
    "quotes-in-words": """Environment='X=a "b c" d' "Y=it's e\\\\ f"\n"""
    f'ExecStart={WAITS} $X ${{X}} "$X" $Y ${{Y}}\n',
    "taken-back": "Environment=A=1\nEnvironment=B=${A} A=2\nEnvironment=\nEnvironment=C=3\n"
    f"ExecStart={WAITS} $A $B $C\n",
    "specified": "Environment=\"ONE=%n\" TWO=%%x THREE=\\x41 'FOUR=a\\\\b' FIVE=a\\sb\n",
    "unset": f"Environment=A=1 B=2 C=3\nUnsetEnvironment=A C=4 LANG\nExecStart={WAITS} $A $B\n",
    "file-over": "Environment=PLAIN=unit OTHER=unit\nEnvironmentFile=-/srv/units/file.variables\n"
    "EnvironmentFile=-/srv/nosuch\n",
    "file-reset": "EnvironmentFile=/srv/nosuch\nEnvironmentFile=\nEnvironment=X=1\n",
    "file-glob": "EnvironmentFile=/srv/units/file.var*\n",
    "comments": "# Nice=1\n;Nice=2\nNice=3\n",
    "account": "User=games\n",
    "account-number": "User=65534\n",
    "account-root": "User=root\n",
    "account-root-number": "User=0\nGroup=0\n",
    "account-specified@games": "User=%i\n",
    "group": "User=daemon\nGroup=games\n",
    "group-only": "Group=games\n",
    "group-number": "User=daemon\nGroup=60\n",
    "groups": "User=daemon\nSupplementaryGroups=games www-data\nSupplementaryGroups=mail\n",
    "groups-taken-back": "User=daemon\nSupplementaryGroups=games\nSupplementaryGroups=\n",
    "groups-of-root": "SupplementaryGroups=games\n",
    "directory": "WorkingDirectory=/var/tmp\n",
    "directory-home": "User=games\nWorkingDirectory=~\n",
    "directory-home-of-root": "WorkingDirectory=~\n",
    "directory-lacks": "WorkingDirectory=-/no/such\n",
    "directory-spaced": "WorkingDirectory=/srv/a b\n",
    "directory-specified": "WorkingDirectory=%S\n",
    "umask": "UMask=0027\n",
    "umask-short": "UMask=77\n",
    "nice": "Nice=5\n",
    "nice-plus": "Nice=+3\n",
    "nice-taken-back": "Nice=5\nNice=\n",
    "score": "OOMScoreAdjust=500\n",
    "privileges": "NoNewPrivileges=yes\nUser=nobody\n",
    "limits": "LimitNOFILE=100:200\nLimitNPROC=333\nLimitCORE=0\nLimitFSIZE=1G\n",
    "limits-more": "LimitMEMLOCK=64K\nLimitMSGQUEUE=1000\nLimitSIGPENDING=99\nLimitLOCKS=7\n",
    "limits-odd": "LimitRTTIME=5ms\nLimitCPU=1h:2h\n",
    "limits-sizes": "LimitDATA=1T\nLimitSTACK=16M\nLimitAS=infinity\nLimitRSS=1.5G\n",
    "limits-twice": "LimitNOFILE=100:200\nLimitNOFILE=300\n",
    "limits-emptied": "LimitNOFILE=100:200\nLimitNOFILE=\n",
    "runtime": "RuntimeDirectory=unit-a unit-b/c\nUser=games\n",
    "runtime-said": "RuntimeDirectory=unit-z\nEnvironment=RUNTIME_DIRECTORY=/mine\n",
    "state": "StateDirectory=unit-s\nStateDirectoryMode=0700\nUser=games\nGroup=mail\n",
    "other-places": "CacheDirectory=unit-c\nLogsDirectory=unit-l\nConfigurationDirectory=unit-e\n",
    "home-said": "User=games\nEnvironment=HOME=/mine USER=me\n",
    "path-said": "Environment=PATH=/usr/bin:/bin\n",
    "unknown": "NoSuchThing=1\nNice=1\n",
    "sections": "[X-Own]\nNice=5\n[Service]\nNice=2\n",
}
"""Lines of ``[Service]``."""

VARIABLES = """\
# a comment \\
goes on
PLAIN=word
  LEAD = spaced out \t
SINGLE='a "b" $c \\n'
DOUBLE="a 'b' \\$c \\" \\n \\\\ e"
MIXED=a'b c'd
AFTER='x' y
BACK=a\\ b\\tc
LONG=one \\
two
EMPTY=
QUOTED=""
DOLLAR=$PLAIN ${PLAIN}
HASH=a # b
;SEMI=no
LAST="two
lines"
export EXPORTED=no
1BAD=no
CR=x\r
UNI=ä€
TAIL=end"""

PIECES = (
    *("a", "bc", "-x", "--y=z", "=", ",", ".", "~", "*", "?", "[a]", "{b}", "(", ")", "<", ">"),
    *("|", "&", "#", "`", "!", "^", "ä", "€", '"d e"', "'f g'", '""', "''", '"h\'i"', "'j\"k'"),
    *("\\x41", "\\x20", "\\x24", "\\101", "\\u20ac", "\\s", "\\\\", "\\t", "\\n", '\\"'),
    *("\\'", "$$", "$A", "${A}", "$B", "${B}", "$E", "${E}", "$NO", "${NO}", "${A", "$", "%%"),
    *("%n", "%p", "%u", "%h", ";", "\\;", '"$B"', "'$B'", "'${B}'", '"%%"', "' '", "$C", "$D"),
)
BROKEN = ("\\q", "%-", "% ", "%z", '"', "'")
GAPS = ("", "", "", " ", " ", " ", "  ", "\t", " \\\n", " \\\n  ", " \\\n# c\n")
OF_FILES = (
    *("a", "b c", " ", "\t", '"', "'", "\\", "\\\n", "\n", "$A", "${A}", "#", ";", "=", "%", "ä"),
    *(
        '"d e"',
        "'f g'",
        '\\"',
        "\\'",
        "\\$",
        "\\`",
        "\\\\",
        "\\n",
        "\r",
        "export ",
        "\nB=",
        "\n C =",
    ),
)


def generated(seed: int) -> Iterator[Unit]:
    """Make units of pieces that are put together by chance, without end."""
    chance = random.Random(seed)

    def some(pieces: tuple[str, ...], most: int) -> list[str]:
        return [chance.choice(pieces) for _ in range(chance.randint(1, most))]

    number = 0
    while True:
        number += 1
        pieces = some(PIECES, 6)
        if chance.random() < 0.15:
            pieces.insert(chance.randrange(len(pieces)), chance.choice(BROKEN))
        line = "".join(one + chance.choice(GAPS) for one in pieces)
        prefix = chance.choice(("", "", "", "-", ":", "-:"))
        yield Unit(f"made-words-{number}", f"{SET}ExecStart={prefix}{WAITS} {line}\n")
        pieces = some((*PIECES, *BROKEN[:1], "\\a", "\\x1f", "\\xff"), 4)
        mark = chance.choice(("", "'", '"'))
        lines = f"Environment={mark}X={''.join(pieces)}{mark} Y=y\n"
        yield Unit(f"made-variable-{number}", lines)
        file = f"/srv/units/made-file-{number}.variables"
        yield Unit(
            f"made-file-{number}",
            f"EnvironmentFile={file}\n",
            "A=" + "".join(some(OF_FILES, 8)) + "\nZ=z\n",
        )


DROPPED = "dropped-in-all@here"
ETC, RUN = "/etc/systemd/system", "/run/systemd/system"
DROP_INS = {
    f"{ETC}/{DROPPED}.service.d/20.conf": "NAME=1",
    f"{ETC}/{DROPPED}.service.d/50.conf": "OWN=1",
    f"{ETC}/dropped-in-all@.service.d/30.conf": "NAME=2\nEnvironment=TEMPLATE=1",
    f"{ETC}/dropped-in-all@.service.d/20.conf": "NAME=3",
    f"{ETC}/dropped-in-@.service.d/10.conf": "NAME=4\nEnvironment=TWO=1",
    f"{ETC}/dropped-.service.d/10.conf": "NO=1",
    f"{ETC}/dropped-@here.service.d/40.conf": "ONE=1",
    f"{ETC}/dropped-@.service.d/50.conf": "OWN=2",
    f"{RUN}/{DROPPED}.service.d/40.conf": "ONE=2",
    f"{RUN}/{DROPPED}.service.d/60.conf": "RUN=1",
    f"{ETC}/service.d/60.conf": "RUN=2",
    f"{ETC}/service.d/05.conf": "ALL=1",
    f"{RUN}/service.d/05.conf": "ALL=2",
}
"""Files that are dropped in, each with a variable: which of those with one name count."""

STOPS = {
    "TimeoutStopSec": (
        *("5", "1min 30s", "1.5s", "500ms", "infinity", "2h", "1h30m", "90 s", "1d", "0"),
        *("2 minutes", "1m1", "0.5min", "3sec 4", "100us", "1w", "1h 1M"),
    ),
    "KillSignal": ("INT", "SIGQUIT", "9", "RTMIN+3", "SIGRTMAX-2", "WINCH", "34"),
}
"""Values of settings that are about its end."""


def stops() -> Iterator[tuple[Unit, str, str]]:
    """Return units with those, and which of them."""
    for key, values in STOPS.items():
        for number, value in enumerate(values):
            yield Unit(f"{key.lower()}{number}", f"{key}={value}\n"), key, value


def units(number: int, seed: int) -> list[Unit]:
    """Return all units, with ``number`` that are generated."""
    return [
        *(Unit(name, f"{SET}ExecStart={WAITS} {line}\n") for name, line in WORDS.items()),
        *(Unit(name, lines) for name, lines in LINES.items()),
        Unit("file", "EnvironmentFile=/srv/units/file.variables\n", VARIABLES),
        Unit(DROPPED, "Environment=NAME=0\n"),
        *(unit for unit, _, _ in stops()),
        *islice(generated(seed), number),
    ]
