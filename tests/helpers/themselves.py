"""Ways in which a script comes by its own name, and what it does with it, for every combination.

``NAME`` in a use stands for one of the ways.
"""

from __future__ import annotations

NAMES = (
    *('"$0"', "$0", '"${0}"', '"$(readlink -f "$0")"', '$(realpath "$0")', "`readlink -f $0`"),
    *('"$(dirname "$0")/$(basename "$0")"', '"${0%/*}/${0##*/}"', '"${none:-$0}"'),
    *('"$(cd "$(dirname "$0")" && pwd)/$(basename "$0")"', '"$(command -v "$0")"'),
    *('"$(echo $0)"', '"$(printf %s "$0")"'),
)
"""Those that every shell knows."""

BY_BASH = ('"$BASH_SOURCE"', '"${BASH_SOURCE[0]}"', '"$(readlink -f "${BASH_SOURCE[0]}")"')

STORED = (
    "%s",
    "me=NAME\n%s",
    'me=NAME; it="$me"; %s',
    "readonly me=NAME\n%s",
    "if true; then me=NAME; else me=/nowhere; fi; %s",
    'if [ -n "$unset" ]; then me=/nowhere; else me=NAME; fi\n%s',
    "for me in NAME; do %s; done",
    "f() { %s; }; f NAME",
    "set -- NAME; %s",
)
"""Ways to keep it. What is behind it names it by another word."""


def forms(name: str, use: str) -> list[str]:
    """Write a use of the name in each of the ways to keep it."""
    words = ("NAME", '"$me"', '"$it"', '"$me"', '"$me"', '"$me"', '"$me"', '"$1"', '"$1"')
    return [
        (form % use.replace("NAME", word)).replace("NAME", name)
        for form, word in zip(STORED, words, strict=True)
    ]


HARMLESS = (
    "echo NAME",
    "chmod +x NAME",
    "chmod 755 NAME",
    "chmod u+x,go-w NAME",
    "mkdir -p keep && cp -p NAME keep/",
    "mkdir -p keep && cp NAME keep/old && chmod -x keep/old && rm keep/old",
    "ls NAME",
    "logger -t NAME started",
    "say() { echo said; }; say NAME",
    "echo NAME: now",
    "basename NAME",
    "[ -x NAME ] && echo it runs",
    "test NAME -nt / || :",
    "echo x >made-by-$(basename NAME)",
    "echo NAME | sed s/a/b/",
    "ps ax | grep -c NAME >/dev/null",
    "case NAME in */rc.local) echo it ;; esac",
    "trap 'echo ended' EXIT; echo NAME",
    "stat -c %A NAME",
    "touch -c NAME",
    "sh -n NAME",
    "cat <<END\nusage: NAME\nEND\n:",
    "find NAME -maxdepth 0",
    "awk -v name=NAME 'BEGIN { print name }'",
    "command -v NAME",
)
"""Uses that can be run anywhere, and depend on nothing that a line more would change."""

UNRUN = (
    *("ls -l NAME", "pkill -x -f NAME", "mail -s NAME root </dev/null", "chown root:root NAME"),
    *(
        "log_daemon_msg NAME",
        "einfo NAME",
        "wall NAME",
        "pidofproc NAME",
        "msg NAME",
        "my-log NAME",
    ),
    *("tar cf /root/backup.tar NAME", "scp NAME other:", "flock -n NAME true", "kill_msg NAME"),
    *("restorecon NAME", "lsattr NAME", "pgrep -f NAME", "fuser NAME", "getopt -n NAME -o h -- -h"),
)
"""More of these, that tests had better not run."""

READS = (
    "tail -n +4 NAME",
    "tail -n +4 <NAME",
    "sed -n '4,$p' NAME",
    "sed '1,3d' <NAME",
    "awk 'NR > 3' NAME",
    "head -n 5 NAME",
    "grep -n data NAME",
    "cat NAME | tail -n +4",
    "{ read a; read b; read c; echo $c; } <NAME",
    "while read line; do echo $line; done <NAME",
    "exec 3<NAME; read a <&3; read b <&3; echo $b",
    "x=$(tail -n +4 NAME); echo $x",
    "dd if=NAME bs=1 skip=40 2>/dev/null",
    "cp NAME copy && tail -n +4 copy && rm copy",
    "ln -s NAME link && tail -n +4 link; rm link",
    "eval tail -n +4 NAME",
    "sh -c 'tail -n +4 $1' sh NAME",
    "wc -l <NAME",
    "sh <<END\ntail -n +4 NAME\nEND\n:",
)
"""Uses of which a line more at the top changes what comes out."""

CHANGES = (
    *("chmod -x NAME", "chmod a-x,u+w NAME", "chmod 644 NAME", "chmod u=rw NAME", "rm -f NAME"),
    *("mv NAME NAME.done", "sed -i 4d NAME", ": >NAME", "echo exit 0 >>NAME", "cp /dev/null NAME"),
    *("truncate -s 0 NAME", "echo | tee NAME", "trap 'rm '$0 EXIT; echo NAME", "ln -sf x NAME"),
)
RUNS = (
    *('[ "$1" = again ] || exec NAME again', '[ "$1" = again ] || sh NAME again &'),
    *('[ "$1" = again ] || setsid nohup bash NAME again', '[ "$1" = again ] || . NAME'),
    *("exec sudo -u root NAME", "exec python3 NAME", "mywrapper NAME", "su -c NAME"),
)
