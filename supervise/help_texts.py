"""What ``COMMAND --help`` says, for all commands.

The rule is in :mod:`~slashservice.supervise.program`: that very word, as the only argument. So
nothing else that a command has always accepted means anything else. This module is loaded only
then. ``slashservice`` has the help of its verbs elsewhere.
"""

from __future__ import annotations

from slashservice.supervise import signals
from slashservice.supervise.messages import fatal, write_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


TEXTS = {
    "chpst": """\
chpst [OPTION]... PROGRAM [ARGUMENT]...

Run a program with a changed process state, as runit's command does.

  -u ACCOUNT[:GROUP]...  as that account       -G  with its other groups, too
  -U ACCOUNT[:GROUP]     UID and GID as variables
  -e DIR    variables from files in DIR        -b NAME  argv[0] of the program
  -/ DIR    another root directory             -C DIR   another directory
  -l FILE   lock FILE first; wait for it       -L FILE  the same, or give up
  -n NUMBER add to the nice value              -P  in a session of its own
  -m BYTES  memory    -d BYTES  data           -o NUMBER  descriptors
  -r BYTES  resident  -f BYTES  files          -p NUMBER  processes
  -c BYTES  core      -t SECONDS  processor    -M MASK  umask
  -N  no new privileges                        -O SCORE  for the OOM killer
  -0 -1 -2  close standard input, output, error
  -v  verbose  -V  say the version, and end
""",
    "envdir": """\
envdir DIR PROGRAM [ARGUMENT]...

Run a program with environment variables from DIR: the first line of the file
DIR/NAME is the value of NAME; an empty file removes NAME.
""",
    "envuidgid": """\
envuidgid ACCOUNT PROGRAM [ARGUMENT]...

Run a program with the numbers of an account in the variables UID and GID.
""",
    "fghack": """\
fghack PROGRAM [ARGUMENT]...

Run a program that puts itself into the background, and end when it does.
""",
    "loghost": """\
loghost FD [ACCOUNT]

Run many loggers in one process. svscan starts it; it is not meant for people.
""",
    "multilog": """\
multilog ACTION...

Append lines of standard input to logs, as the actions say, in their order.

  DIR       append to the log directory DIR, which begins with . or /
  -PATTERN  deselect lines that match; * matches up to the next character
  +PATTERN  select lines that match       t     stamp lines (first action)
  e         print lines on standard error  =FILE the newest line in FILE
  sSIZE     bytes of a file (99999)       nNUMBER  files to keep (10)
  !COMMAND  process each full file        wCODE    what its name ends in
  aTIME     finish files so old, as 1d    T F S fwait fdelete fdrop: see there
""",
    "pgrphack": """\
pgrphack PROGRAM [ARGUMENT]...

Run a program in a session and process group of its own.
""",
    "readproctitle": """\
readproctitle WORD... DOTS

Show standard input in the process list, in place of DOTS (five at least).
""",
    "runsv": """\
runsv DIR

Keep the service in DIR and its log alive, as runit's command does. TERM brings
both down and ends it.
""",
    "runsvchdir": """\
runsvchdir DIR

Have runsvdir run the services of another directory in /etc/runit/runsvdir, or
where RUNSVDIR says.
""",
    "runsvdir": """\
runsvdir [-P] DIR [LOG]

Keep every service of DIR alive, and no other, as runit's command does. HUP
brings all down and ends it; TERM leaves all running.

  -P   accepted, and without effect: each service has a session anyway
  LOG  seven characters or more, in whose place ps shows what is complained of
""",
    "setlock": """\
setlock [-nNxX] FILE PROGRAM [ARGUMENT]...

Run a program while holding a lock on FILE.

  -n  give up if somebody else holds it   -N  wait for it (default)
  -x  end with 0, in silence, without it  -X  complain (default)
""",
    "setuidgid": """\
setuidgid ACCOUNT PROGRAM [ARGUMENT]...

Run a program as another account, without supplementary groups. For root.
""",
    "softlimit": """\
softlimit [OPTION]... PROGRAM [ARGUMENT]...

Run a program with other soft resource limits; = stands for the hard limit.

  -a BYTES  address space      -m BYTES   all of -a, -d, -l and -s
  -d BYTES  data segment       -o NUMBER  descriptors
  -l BYTES  locked memory      -p NUMBER  processes of the user
  -s BYTES  stack              -r BYTES   resident memory
  -f BYTES  a written file     -t SECONDS processor time
  -c BYTES  a core file
""",
    "supervise": """\
supervise DIR

Keep the service in DIR alive: run DIR/run, and again whenever it ends. TERM
brings it down and ends supervision; QUIT leaves it running.
""",
    "sv": """\
sv [-v] [-w SECONDS] COMMAND NAME...

Steer services as runit's command does. NAME is a service in $SVDIR or the scan
directory, or its directory.

  status                             how they and their logs are
  start stop restart reload check    and wait, for 7 seconds at most
  try-restart shutdown               the same
  force-stop force-restart force-reload force-shutdown   and kill, if need be
  up down once exit pause cont hup alarm interrupt quit 1 2 term kill
                                     only tell the supervisor
  -v  wait for these as well   -w SECONDS  wait so long   -V  say the version
""",
    "svc": """\
svc [-udopchaitkx12q] NAME...

Control services: send the options, in their order, to their supervisors. NAME
is a service in $SVDIR or the scan directory, or its directory.

  -u  up: start it, and again whenever it ends    -o  once: start it
  -d  down: TERM and CONT, and do not start it    -x  exit when it is down
  -t  TERM: a service that is up is restarted     -k  KILL
  -h  HUP   -a  ALRM   -i  INT   -q  QUIT   -1  USR1   -2  USR2
  -p  pause (STOP)   -c  continue (CONT)
""",
    "svcontainer": """\
svcontainer [-denr] [-g SECONDS] [DIR]

Be svscan on DIR, or /service, as the first process of a container. Its
environment is in /run/svscan/env: services get PATH, HOME, LANG and TZ.

  -d          bring down what a killed svscan has left, start nothing, and end
  -e          without effect, as this is always so: see svscan
  -n          give up if another svscan is there, instead of waiting for its end
  -r          a service that is removed from DIR is brought down
  -g SECONDS  kill what has not ended so long after TERM (6; 0: never)
""",
    "svlog": """\
svlog [OPTION]... NAME...

Show what services have logged, in the order of time. NAME is a service in
$SVDIR or the scan directory, or a pattern of such names; its directory; a log
directory; or a directory of them.

  -n, --lines NUMBER  the last so many of the lines that are chosen (10)
  -s, --since TIME    since then: 10m, 14:05, yesterday, "Nov 25 14:05"
  -U, --until TIME    until then    -a, --all          all lines
  -g, --grep PATTERN  only lines with that regular expression
  -i, --ignore-case   in any case   -v, --invert       only lines without it
  -f, --follow        go on with new lines
  -r, --raw           stamps as they are
  -j, --json          a JSON object for each line
  -c, --color WHEN    auto, always or never
  -p, --pass-on FILE  go on from where FILE says, as NAME: LINE, until TERM
  -u, --unit NAME     the same as NAME
""",
    "svlogd": """\
svlogd [-tttv] [-r C] [-R CHARS] [-l LENGTH] [-b LENGTH] DIR...

Append lines of standard input to log directories, as runit's command does. The
file DIR/config says what is done with them.

  -t         stamp lines with a TAI64N label; -tt, -ttt with the time in UTC
  -r C       put C for what can't be printed    -R CHARS  and for these
  -l LENGTH  how much of a line patterns see    -b LENGTH  more than that
  -v         say what is done
""",
    "svok": """\
svok NAME

Tell by the exit status whether a service is supervised: 0 it is, 100 it is not.
NAME is a service in $SVDIR or the scan directory, or its directory.
""",
    "svscan": """\
svscan [-denr] [-g SECONDS] [DIR]

Keep every service of a directory alive, in one process. TERM brings all down,
then their logs, and ends it; HUP has it look at DIR; QUIT leaves all running.

  -d          bring down what a killed svscan has left, start nothing, and end
  -e          end all with an essential service that ends by itself, as it did
  -n          give up if another svscan is there, instead of waiting for its end
  -r          a service that is removed from DIR is brought down
  -g SECONDS  kill what has not ended so long after TERM (60; 0: never)
""",
    "svscanboot": """\
svscanboot [-denr] [-g SECONDS] [DIR]

Start svscan on DIR, or /service, as an init system should: with an empty
environment, and with complaints in the process list.

  -d          bring down what a killed svscan has left, start nothing, and end
  -e          end all with an essential service that ends by itself, as it did
  -n          give up if another svscan is there, instead of waiting for its end
  -r          a service that is removed from DIR is brought down
  -g SECONDS  kill what has not ended so long after TERM (60; 0: never)
""",
    "svstat": """\
svstat NAME...

Say of each service whether it is up, its process, and for how long. NAME is a
service in $SVDIR or the scan directory, or its directory.
""",
    "tai64n": """\
tai64n

Copy standard input, with a TAI64N label in front of each line.
""",
    "tai64nfrac": """\
tai64nfrac

Copy standard input, with TAI64N labels as Unix time.
""",
    "tai64nlocal": """\
tai64nlocal

Copy standard input, with TAI64N labels as local time.
""",
}
"""By command: how it is called, what it does, its options in short; no line has over 80 cells."""

BY_NAME = ("chpst", "sv")
"""Called by another name, they are other commands, or the init script of a service."""


def text(name: str) -> str:
    """Return the help of a command."""
    return f"{TEXTS[name]}\nManual: man {name}\n"


def shower(name: str, called: str) -> Callable[[Sequence[bytes]], int] | None:
    """Return what shows the help of a command; None if the word means something else to it.

    ``called`` is the name of the file that was run.
    """
    if name not in TEXTS or (name in BY_NAME and called != name):
        return None

    def show(argv: Sequence[bytes]) -> int:
        signals.restore_defaults()
        try:
            write_all(1, text(name).encode())
        except OSError as error:
            raise fatal(name, b"unable to write output", error) from None
        return 0

    return show
