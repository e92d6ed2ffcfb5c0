"""Stand-ins for what BSD's rc scripts are run over: rc, rc.subr(8) and daemon(8).

They do what the originals were read to do, and refuse what those refuse. Of each only the part
is there that a script of ours can meet.
"""

from __future__ import annotations

OPENBSD_RC_SUBR = r"""
# OpenBSD: variables and functions have their defaults here, and the script sets its own behind.
die() { echo "$*" >&2; exit 1; }
[ -n "$KSH_VERSION" ] || die "not the Korn shell"
name=${0##*/}
case $name in ''|[!A-Za-z_]*|*[!A-Za-z0-9_]*) die "invalid rc.d script name: $name" ;; esac
[ -n "$daemon" ] || die "$0: daemon is not set"
while getopts df option; do [ "$option" != '?' ] || exit 1; done
shift $((OPTIND - 1))

# Only the script's own variables are taken from the file, and no shell reads it.
flags=
while IFS='=' read -r key value; do
    [ "$key" != "${name}_flags" ] || flags=$value
done </etc/rc.conf.local
daemon_flags=${flags:-$daemon_flags}
: ${daemon_timeout:=30} ${daemon_user:=root} ${rc_bg:=NO}
pexp="$daemon${daemon_flags:+ $daemon_flags}"

rc_exec() { su -l -s /bin/sh "$daemon_user" -c "$*$([ "$rc_bg" != YES ] || echo ' &')"; }
rc_start() { rc_exec "$daemon $daemon_flags"; }
rc_check() { pgrep -xf "$pexp"; }
rc_reload() { pkill -HUP -xf "$pexp"; }
rc_stop() { pkill -TERM -xf "$pexp"; }
rc_configtest() { :; }
rc_pre() { :; }
rc_post() { :; }

silent() { "$@" >/dev/null 2>&1; }
within() {  # seconds, command...: until the command succeeds, looked at each second
    left=$1; shift
    until "$@"; do
        left=$((left - 1)); [ $left -gt 0 ] || return 1
        sleep 1
    done
}
gone() { ! silent rc_check; }
end() {  # in rc the name alone says that it went well
    if [ "$1" = ok ] && [ -n "$INRC" ]; then echo " $name"; else echo "$name($1)"; fi
    [ "$1" = ok ] && exit 0 || exit 1
}

rc_cmd() {
    case ${1:-} in
    start|stop|restart|reload|check|configtest) ;;
    *) die "usage: $0 [-df] start|stop|restart|reload|check|configtest" ;;
    esac
    eval not=\${rc_$1-}
    [ "$not" != NO ] || die "$0: $1 is not supported"
    case $1 in
    check)
        silent rc_check && end ok
        end failed ;;
    configtest)
        silent rc_configtest && end ok
        end failed ;;
    start)
        [ "$daemon_flags" != NO ] || die "$0: need -f to force start since ${name}_flags=NO"
        [ -n "$INRC" ] || ! silent rc_check || exit 0
        silent rc_pre && silent rc_start && within "$daemon_timeout" silent rc_check && end ok
        silent rc_post
        end failed ;;
    stop)
        silent rc_check || exit 0
        silent rc_stop && within "$daemon_timeout" gone && silent rc_post && end ok
        end failed ;;
    reload)
        silent rc_check && silent rc_reload && end ok
        end failed ;;
    restart) "$0" stop && "$0" start ;;
    esac
}
"""

OPENBSD_RC = r"""#!/bin/ksh
# OpenBSD's rc, with nothing but packages: started in order, at shutdown stopped the other way.
export INRC=yes
list=$(sed -n 's/^pkg_scripts=//p' /etc/rc.conf.local)
if [ "${1:-}" = shutdown ]; then
    back=
    for name in $list; do back="$name $back"; done
    for name in $back; do [ ! -x "/etc/rc.d/$name" ] || "/etc/rc.d/$name" stop; done
    [ ! -f /etc/rc.shutdown ] || sh /etc/rc.shutdown
    exit 0
fi
for name in $list; do [ ! -x "/etc/rc.d/$name" ] || "/etc/rc.d/$name" start; done
[ ! -f /etc/rc.local ] || sh /etc/rc.local
"""

SHARED = r"""
warn() { echo "$0: WARNING: $*" >&2; }
err() { status=$1; shift; echo "$0: ERROR: $*" >&2; exit $status; }
checkyesno() {
    eval value=\${$1-}
    case $value in
    [Yy][Ee][Ss]|[Tt][Rr][Uu][Ee]|[Oo][Nn]|1) return 0 ;;
    [Nn][Oo]|[Ff][Aa][Ll][Ss][Ee]|[Oo][Ff][Ff]|0) return 1 ;;
    *) warn "\$$1 is not set properly"; return 1 ;;
    esac
}
check_pidfile() {  # prints the pid in a file if it is that of a process of that program
    [ $# = 2 ] || err 3 "USAGE: check_pidfile pidfile procname"
    [ -f "$1" ] || return 0
    read -r pid <"$1" || [ -n "$pid" ] || return 0
    ! tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qx "$2" || echo "$pid"
}
wait_for_pids() {
    for pid; do
        while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status"; do
            sleep 0.1
        done
    done
}
prefixes() {  # takes apart what the script was called with
    [ -n "$name" ] || err 3 "run_rc_command: \$name is not set."
    rc_arg=$1 rc_fast= rc_force= prefix=
    case $rc_arg in
    fast*) rc_arg=${rc_arg#fast} rc_fast=yes ;;
    force*) rc_arg=${rc_arg#force} prefix=force rc_force=yes; eval "$rcvar=YES" ;;
    one*) rc_arg=${rc_arg#one} prefix=one; eval "$rcvar=YES" ;;
    esac
}
unknown() {
    echo "$0: unknown directive '$1'. Usage: $0 [fast|force|one]($keywords)" >&2
    exit 1
}
is_known() {
    case " $keywords " in *" $rc_arg "*) ;; *) unknown "$rc_arg" ;; esac
}
"""

FREEBSD_RC_SUBR = (
    SHARED
    + r"""
load_rc_config() {
    for file in /etc/rc.conf "/etc/rc.conf.d/$1"; do
        [ ! -r "$file" ] || . "$file"
    done
}
run_rc_command() {
    prefixes "$1"
    keywords="start stop restart rcvar enable disable delete enabled describe extracommands"
    keywords="$keywords ${extra_commands-}"
    rc_pid=
    if [ -n "${procname-}${command-}" ]; then
        keywords="$keywords status poll"
        [ -z "${pidfile-}" ] || rc_pid=$(check_pidfile "$pidfile" "${procname:-$command}")
    elif [ -n "${status_cmd-}" ]; then
        keywords="$keywords status"
    fi
    is_known
    case $rc_arg in
    rcvar|enable|delete|describe|status) asked= ;;
    stop) [ -n "$rc_pid" ] && asked= || asked=yes ;;
    *) asked=yes ;;
    esac
    if [ -n "$asked" ] && ! checkyesno "$rcvar"; then
        echo "Cannot '$rc_arg' $name. Set $rcvar to YES in /etc/rc.conf or use 'one$rc_arg'."
        return 0
    fi
    if [ "$rc_arg" = start ] && [ -z "$rc_fast" ] && [ -n "$rc_pid" ]; then
        echo "$name already running? (pid=$rc_pid)." >&2
        return 1
    fi
    eval "own=\${${rc_arg}_cmd-} before=\${${rc_arg}_precmd-} after=\${${rc_arg}_postcmd-}"
    if [ -n "$own" ]; then
        eval "$before" || return 1
        eval "$own" || { warn "failed to $rc_arg $name"; return 1; }
        eval "$after"
        return
    fi
    eval "flags=\${${name}_flags-}"
    case $rc_arg in
    start) [ -x "$command" ] || { warn "run_rc_command: cannot run $command"; return 1; }
        eval "$before" || return 1
        echo "Starting $name."
        eval "$command $flags $command_args" || { warn "failed to start $name"; return 1; }
        eval "$after" ;;
    stop) if [ -z "$rc_pid" ]; then
            [ -z "$rc_fast" ] || return 0
            echo "$name not running? (check $pidfile)." >&2
            return 1
        fi
        echo "Stopping $name."
        kill -TERM "$rc_pid" || return 1
        wait_for_pids "$rc_pid" ;;
    restart) again=$prefix
        run_rc_command "${again}stop"
        run_rc_command "${again}start" ;;
    poll) wait_for_pids $rc_pid ;;
    status) [ -n "$rc_pid" ] || { echo "$name is not running."; return 1; }
        echo "$name is running as pid $rc_pid." ;;
    *) echo "$name: $rc_arg" ;;
    esac
}
"""
)

NETBSD_RC_SUBR = (
    SHARED
    + r"""
load_rc_config() {
    . /etc/rc.conf
    [ ! -f "/etc/rc.conf.d/$1" ] || . "/etc/rc.conf.d/$1"
}
run_rc_command() {
    prefixes "$1"
    keywords="start stop restart rcvar ${extra_commands-}"
    rc_pid=
    if [ -z "$rc_fast" ] && [ -n "${procname-}${command-}" ]; then
        keywords="$keywords status poll"
        [ -z "${pidfile-}" ] || rc_pid=$(check_pidfile "$pidfile" "${procname:-$command}")
    fi
    if [ "$rc_arg" != rcvar ] && ! checkyesno "$rcvar"; then
        [ -z "$_run_rc_script" ] || return 0
        is_known
        echo "\$$rcvar is not enabled. Use the following: $0 one$rc_arg" >&2
        exit 1
    fi
    is_known
    eval "own=\${${rc_arg}_cmd-} before=\${${rc_arg}_precmd-} after=\${${rc_arg}_postcmd-}"
    if [ -n "$own" ]; then
        eval "$before" || [ -n "$rc_force" ] || return 1
        eval "$own" || [ -n "$rc_force" ] || return 1
        eval "$after"
        return 0
    fi
    case $rc_arg in
    start) [ -z "$rc_pid" ] || { echo "$name already running? (pid=$rc_pid)." >&2; exit 1; }
        [ -x "$command" ] || return 0
        echo "Starting $name."
        eval "$command $command_args" ;;
    stop) [ -n "$rc_pid" ] || { echo "$name not running?" >&2; exit 1; }
        echo "Stopping $name."
        kill -TERM "$rc_pid" || return 1
        wait_for_pids "$rc_pid" ;;
    restart) ("$0" "${prefix}stop"); "$0" "${prefix}start" ;;
    poll) wait_for_pids $rc_pid ;;
    status) [ -n "$rc_pid" ] || { echo "$name is not running."; return 1; }
        echo "$name is running as pid $rc_pid." ;;
    rcvar) echo "# $name" ;;
    *) unknown "$rc_arg" ;;
    esac
    return 0
}
_rc_subr_loaded=:
"""
)

RC_OUTPUT = "/srv/rc-output"
"""What the stand-in for NetBSD's rc has open while its scripts run, in the place of a pipe."""

NETBSD_RC = rf"""#!/bin/sh
# NetBSD's rc: scripts are read in a subshell, and inherit three descriptors of its own.
. /etc/rc.subr
exec 7>{RC_OUTPUT} 8>&7 9>&7
_run_rc_script=true
unset name command command_args extra_commands pidfile procname rcvar
eval "unset $1_cmd $1_precmd $1_postcmd"
(set "$1"; . /etc/rc.d/svscan)
"""

RC_COMMON = r"""
# OpenWrt's rc.common and procd.sh, for a script that has procd keep one program running.
die() { echo "rc.common: $*" >&2; exit 1; }
initscript=$1 action=${2:-help}
start_service() { return 0; }
stop_service() { return 0; }
. "$initscript"
[ "$USE_PROCD" = 1 ] && [ -n "$START" ] && [ -n "$STOP" ] || die "no script for procd"
script=$(readlink "$initscript") || script=$initscript
name=${script##*/}
procd_open_instance() { command= respawn= term_timeout=5; }
procd_set_param() {
    param=$1; shift
    case $param in
    command) command=$*; [ -x "$1" ] || die "$1: no such program" ;;
    respawn) respawn=$*; [ $# = 3 ] || die "respawn: $*" ;;
    term_timeout) term_timeout=$1; [ $# = 1 ] || die "term_timeout: $*" ;;
    *) die "unknown parameter $param" ;;
    esac
}
procd_close_instance() { setsid procd-instance "$name" "$term_timeout" "$respawn" $command; }
procd_kill() {  # procd is told, and nobody waits
    [ ! -e "/run/procd-$1" ] || kill -USR1 "$(cat "/run/procd-$1")" 2>/dev/null
    return 0
}
start() { start_service; }
stop() { stop_service; procd_kill "$name"; }
case $action in
start|boot) start ;;
stop|shutdown) stop ;;
restart|reload) stop; start ;;
*) die "Available commands: start stop restart reload boot shutdown" ;;
esac
"""

PROCD_INSTANCE = r"""#!/usr/bin/python3
# Does what procd does for one instance; told by USR1 to end it, it does not say when it has.
import os, signal, subprocess, sys, time
name, term_timeout, respawn, *command = sys.argv[1:]
threshold, pause, retry = map(int, respawn.split())
if os.fork():
    os._exit(0)
with open("/run/procd-" + name, "w") as file:
    file.write(str(os.getpid()))
null = os.open("/dev/null", os.O_RDWR)
for number in range(3):
    os.dup2(null, number)
halt = False
def end(number, frame):
    global halt
    halt = True
    child.terminate()
    signal.alarm(int(term_timeout))
signal.signal(signal.SIGALRM, lambda number, frame: child.kill())
count = 0
while not halt:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    began = time.monotonic()
    child = subprocess.Popen(command, preexec_fn=lambda: signal.pthread_sigmask(
        signal.SIG_UNBLOCK, {signal.SIGUSR1}))
    signal.signal(signal.SIGUSR1, end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    child.wait()
    count = count + 1 if time.monotonic() - began < threshold else 0
    if halt or (retry and count > retry):
        break
    time.sleep(pause)
with open("/run/procd-" + name) as file:
    own = file.read() == str(os.getpid())
if own:
    os.unlink(file.name)
"""

TEMPERS = ("hasty", "patient")
"""What daemon(8) does once it has handed TERM on: it exits at once (FreeBSD 12, 13), or waits for
its child (DragonFly, later FreeBSD)."""


def freebsd_daemon(temper: str) -> str:
    """Return daemon(8): it keeps a program running, and hands TERM on to it."""
    assert temper in TEMPERS
    return FREEBSD_DAEMON.replace("@hasty@", str(temper == "hasty"))


FREEBSD_DAEMON = r"""#!/usr/bin/python3
import fcntl, getopt, os, signal, sys, time
try:
    found, command = getopt.getopt(sys.argv[1:], "cfHSp:P:ru:o:s:l:t:m:R:T:h")
    options = dict(found)
    assert command
except (getopt.GetoptError, AssertionError):
    sys.exit("usage: daemon [-cfHrS] [-p child_pidfile] [-P supervisor_pidfile] command ...")
assert not set(options) - {"-f", "-r", "-P"}, options
file = os.open(options["-P"], os.O_RDWR | os.O_CREAT, 0o600)
try:
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit("daemon: process already running")
if os.fork():
    os._exit(0)
os.setsid()
os.ftruncate(file, 0)
os.write(file, b"%d" % os.getpid())
null = os.open("/dev/null", os.O_RDWR)
for number in range(3):
    os.dup2(null, number)
ending = False
child = 0
def end(number, frame):
    global ending
    ending = True
    if child:
        os.kill(child, signal.SIGTERM)
    if @hasty@:
        leave()
def leave():
    os.unlink(options["-P"])
    os._exit(1)
signal.signal(signal.SIGTERM, end)
while True:
    reading, writing = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    child = os.fork()
    if not child:  # its output goes through daemon(8), and ends with that
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os.close(file)
        os.execvp(command[0], command)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    os.close(writing)
    os.waitpid(child, 0)
    child = 0
    os.close(reading)
    if not ending:
        time.sleep(1)
    if ending or "-r" not in options:
        leave()
"""

CRONTAB = """#!/usr/bin/python3 -I
# A stand-in for crontab(1), as this machine has none: as strict as Debian's, but that everybody
# may write to the folder of its files, which for the original is its group alone.
import os, pwd, re, sys
account = pwd.getpwuid(os.getuid()).pw_name
spool = "/var/spool/cron/crontabs/" + account
words = sys.argv[1:]
if words == ["-l"]:
    try:
        sys.stdout.buffer.write(open(spool, "rb").read())
    except FileNotFoundError:
        sys.exit("no crontab for " + account)
elif words == ["-r"]:
    try:
        os.unlink(spool)
    except FileNotFoundError:
        sys.exit("no crontab for " + account)
elif len(words) == 1 and (words[0] == "-" or words[0][:1] != "-"):
    text = sys.stdin.buffer.read() if words == ["-"] else open(words[0], "rb").read()
    if text and text[-1:] != b"\\n":
        sys.exit("new crontab file is missing newline before EOF, can't install.")
    for number, line in enumerate(text.decode("latin-1").splitlines()):
        line = line.strip()
        named = r"@(reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)\\s+\\S"
        timed = r"([-0-9*/,A-Za-z]+\\s+){5}\\S"
        if line and line[0] != "#" and not re.match(named + "|" + timed + r"|\\w+\\s*=", line):
            sys.exit('"-":%d: bad minute\\nerrors in crontab file, can\\'t install.' % number)
    new = spool + ".new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
    os.rename(new, spool)
else:
    sys.exit("crontab: usage error: unrecognized option")
"""
