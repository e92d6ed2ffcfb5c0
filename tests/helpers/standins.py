"""Stand-ins for what BSD's rc scripts are run over, of what rc.subr(8) and daemon(8) tell."""

from __future__ import annotations

OPENBSD_RC_SUBR = r"""
# OpenBSD: variables and functions have their defaults here, and the script sets its own behind.
die() { echo "$0: $*" >&2; exit 1; }
[ -n "$KSH_VERSION" ] || die "not the Korn shell"
[ -n "$daemon" ] || die "daemon is not set"

name=${0##*/}
pkg_scripts=
[ ! -r /etc/rc.conf.local ] || eval "$(sed -n 's/^\([a-z_]*\)=\(.*\)/\1="\2"/p' /etc/rc.conf.local)"
eval flags=\${${name}_flags-}
daemon_flags=${flags:-$daemon_flags}
: ${daemon_timeout:=30} ${daemon_user:=root} ${rc_bg:=NO}
pexp="$daemon${daemon_flags:+ $daemon_flags}"

rc_exec() { (cd / && /bin/sh -c "$*$([ "$rc_bg" != YES ] || echo ' &')") </dev/null; }
rc_start() { rc_exec "$daemon $daemon_flags"; }
rc_check() { pgrep -xf "$pexp" >/dev/null; }
rc_reload() { pkill -HUP -xf "$pexp"; }
rc_stop() { pkill -TERM -xf "$pexp"; }
rc_configtest() { :; }
rc_pre() { :; }
rc_post() { :; }

within() {  # seconds, command...: until the command succeeds
    tries=$(($1 * 10)); shift
    until "$@"; do
        tries=$((tries - 1)); [ $tries -gt 0 ] || return 1
        sleep 0.1
    done
}
gone() { ! rc_check; }

rc_cmd() {
    eval not=\${rc_${1:-}-}
    [ "$not" != NO ] || die "$1 is not supported"
    case ${1:-} in
    check) rc_check ;;
    configtest) rc_configtest ;;
    start)
        case " $pkg_scripts " in *" $name "*) ;; *) die "not enabled" ;; esac
        rc_check && return 0
        if rc_pre && rc_start && within "$daemon_timeout" rc_check; then
            echo "$name(ok)"
        else
            echo "$name(failed)"; rc_post; exit 1
        fi ;;
    stop)
        rc_check || return 0
        if rc_stop && within "$daemon_timeout" gone; then
            rc_post; echo "$name(ok)"
        else
            echo "$name(failed)"; exit 1
        fi ;;
    reload) rc_check && rc_reload ;;
    restart) "$0" stop && "$0" start ;;
    *) echo "usage: $0 [-df] action" >&2; exit 1 ;;
    esac
}
"""

RUN_RC_COMMAND = r"""
warn() { echo "$0: WARNING: $*" >&2; }
err() { shift; echo "$0: ERROR: $*" >&2; exit 1; }
checkyesno() {
    eval value=\${$1-}
    case $value in
    [Yy][Ee][Ss]|[Tt][Rr][Uu][Ee]|[Oo][Nn]|1) return 0 ;;
    [Nn][Oo]|[Ff][Aa][Ll][Ss][Ee]|[Oo][Ff][Ff]|0) return 1 ;;
    *) warn "\$$1 is not set properly"; return 1 ;;
    esac
}
load_rc_config() {
    for file in /etc/rc.conf "/etc/rc.conf.d/$1"; do
        [ ! -r "$file" ] || . "$file"
    done
}
check_pidfile() {  # prints the pid in a file if it is that of a process of that program
    pid=$(cat "$1" 2>/dev/null) || return 0
    tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qx "$2" && echo "$pid"
}
wait_for_pids() {
    for pid; do
        while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status"; do
            sleep 0.1
        done
    done
}
run_rc_command() {
    rc_arg=$1 rc_fast= rc_force=
    [ -n "$name" ] || err 3 "name is not set"
    case $rc_arg in
    fast*) rc_arg=${rc_arg#fast} rc_fast=yes ;;
    force*) rc_arg=${rc_arg#force} rc_force=yes; eval "$rcvar=YES" ;;
    one*) rc_arg=${rc_arg#one}; eval "$rcvar=YES" ;;
    esac
    case $rc_arg in start|stop|restart|status) ;; *) err 3 "unknown directive '$1'" ;; esac
    rc_pid=
    [ -z "${pidfile-}" ] || rc_pid=$(check_pidfile "$pidfile" "$command")
    if [ "$rc_arg" != status ] && ! checkyesno "$rcvar"; then
        return 0
    fi
    if [ "$rc_arg" = restart ]; then
        ("$0" stop); "$0" start
        return
    fi
    if [ "$rc_arg" = start ] && [ -z "$rc_fast" ] && [ -n "$rc_pid" ]; then
        echo "$name already running?" >&2
        return 1
    fi
    eval own=\${${rc_arg}_cmd-}
    if [ -n "$own" ]; then
        eval "$own"
        return
    fi
    eval "flags=\${${name}_flags-}"
    case $rc_arg in
    start) [ -x "$command" ] || { warn "cannot run $command"; return 1; }
        echo "Starting $name."
        $command $flags $command_args ;;
    stop) [ -n "$rc_pid" ] || { echo "$name not running?"; return 1; }
        echo "Stopping $name."
        kill -TERM "$rc_pid"
        wait_for_pids "$rc_pid" ;;
    status) [ -n "$rc_pid" ] || { echo "$name is not running."; return 1; }
        echo "$name is running as pid $rc_pid." ;;
    esac
}
"""

FREEBSD_RC_SUBR = RUN_RC_COMMAND
NETBSD_RC_SUBR = RUN_RC_COMMAND + "_rc_subr_loaded=:\n"

FREEBSD_DAEMON = r"""#!/usr/bin/python3
import getopt, os, signal, subprocess, sys, time
options, command = getopt.getopt(sys.argv[1:], "cfrSP:p:R:u:o:t:")
options = dict(options)
assert "-f" in options and "-r" in options, options
if os.fork():
    sys.exit()
os.setsid()
with open(options["-P"], "w") as file:
    file.write(str(os.getpid()))
ending = False
def end(number, frame):
    global ending
    ending = True
    child.terminate()
null = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
child = subprocess.Popen(command, **null)
for number in range(3):
    os.dup2(os.open("/dev/null", os.O_RDWR), number)
signal.signal(signal.SIGTERM, end)
while True:
    child.wait()
    if ending:
        break
    time.sleep(1)
    child = subprocess.Popen(command, **null)
os.unlink(options["-P"])
"""
"""daemon(8) with -f, -r and -P: it keeps a program running, and ends with it when told to."""
