#compdef chpst envdir envuidgid fghack loghost multilog pgrphack readproctitle runsv runsvchdir runsvdir setlock setuidgid softlimit supervise sv svc svcontainer svlog svlogd svok svscan svscanboot svstat tai64n tai64nfrac tai64nlocal
# Completion of the commands of daemontools and runit for zsh. Installed by slashservice itself;
# `slashservice completion zsh` has it, too.

# The directory of all services: $SVDIR, or what was written down beside the code, or /service.
_slashservice_scanned() {
    local code=${commands[svstat]:A}
    REPLY=$SVDIR
    [[ -n $REPLY ]] && return
    [[ $code == */command/* ]] && read -r REPLY <${code%/command/*}/scan-directory 2>/dev/null
    [[ $REPLY == /* ]] || REPLY=/service
}

_slashservice_services() {
    local REPLY one
    local -a names
    _slashservice_scanned
    names=($REPLY/*(N-/:t))
    if [[ $PREFIX == */* ]]; then
        for one in $REPLY/*/log(N-/); do
            names+=(${one:h:t}/log)
        done
    fi
    _alternative 'services:service:compadd -a names' 'directories:directory:_directories'
}

_slashservice_sets() {
    local -a names
    names=(${RUNSVDIR:-/etc/runit/runsvdir}/*(N-/:t))
    _alternative 'sets:directory:compadd -a names' 'directories:directory:_directories'
}

_slashservice_commands() {
    local -a program help
    program=('(-)2:program: _command_names -e' '*::word: _normal')
    help=('(- *)--help[say how it is called]')
    case $service in
    svc)
        _arguments -s $help '-u[up: start it, and keep it up]' '-d[down: TERM, and do not start it again]' \
            '-o[once: start it]' '-p[pause: STOP]' '-c[continue: CONT]' '-h[HUP]' '-a[ALRM]' '-i[INT]' \
            '-t[TERM]' '-k[KILL]' '-x[exit when it is down]' '-1[USR1]' '-2[USR2]' '-q[QUIT]' \
            '*:service:_slashservice_services'
        ;;
    svstat | svok) _arguments $help '*:service:_slashservice_services' ;;
    svlog)
        _arguments -s $help '(-n --lines)'{-n,--lines}'[so many lines]:number' \
            '(-s --since)'{-s,--since}'[from that time on]:time' '(-a --all)'{-a,--all}'[all lines]' \
            '(-U --until)'{-U,--until}'[up to that time]:time' \
            '(-j --json)'{-j,--json}'[a JSON object for each line]' \
            '*'{-u,--unit}'[that service]:service:_slashservice_services' \
            '(-f --follow)'{-f,--follow}'[go on with new lines]' \
            '(-g --grep)'{-g,--grep}'[lines with that]:pattern' \
            '(-i --ignore-case)'{-i,--ignore-case}'[upper or lower case]' \
            '(-v --invert)'{-v,--invert}'[lines without it]' \
            '(-r --raw)'{-r,--raw}'[with stamps as they are]' \
            '(-p --pass-on)'{-p,--pass-on}'[pass lines on, from where the file says]:file:_files' \
            '(-c --color)'{-c,--color}'[in colour]:when:(auto always never)' \
            '*:service:_slashservice_services'
        ;;
    sv)
        _arguments $help '-v[wait for any command]' '-w[wait so many seconds]:seconds' '-V[say the version]' \
            '1:command:(status start stop restart reload check try-restart shutdown up down once exit
                pause cont hup alarm interrupt quit 1 2 term kill force-stop force-restart
                force-reload force-shutdown)' '*:service:_slashservice_services'
        ;;
    setuidgid | envuidgid) _arguments $help '1:account:_users' $program ;;
    envdir) _arguments $help '1:directory:_directories' $program ;;
    fghack | pgrphack) _arguments $help '(-)1:program: _command_names -e' '*::word: _normal' ;;
    setlock)
        _arguments -s $help '-n[give up if somebody else holds it]' '-N[wait for it]' \
            '-x[without it end in silence]' '-X[without it complain]' '1:file:_files' $program
        ;;
    softlimit)
        _arguments $help '-a[address space]:bytes' '-c[core file]:bytes' '-d[data segment]:bytes' \
            '-f[size of a file]:bytes' '-l[locked memory]:bytes' '-m[all memory]:bytes' \
            '-o[descriptors]:number' '-p[processes]:number' '-r[resident memory]:bytes' \
            '-s[stack]:bytes' '-t[processor time]:seconds' '(-)1:program: _command_names -e' \
            '*::word: _normal'
        ;;
    chpst)
        _arguments $help '-u[as that account]:account:_users' '-U[its numbers as variables]:account:_users' \
            '-G[with its other groups]' '-b[argv\[0\]]:name' '-e[variables]:directory:_directories' \
            '-/[another root]:directory:_directories' '-C[another directory]:directory:_directories' \
            '-n[add to the nice value]:number' '-l[lock a file, wait for it]:file:_files' \
            '-L[lock a file, or give up]:file:_files' '-m[memory]:bytes' '-d[data segment]:bytes' \
            '-o[descriptors]:number' '-p[processes]:number' '-f[size of a file]:bytes' '-c[core file]:bytes' \
            '-r[resident memory]:bytes' '-t[processor time]:seconds' '-M[umask]:mask' '-O[OOM score]:score' \
            '-N[no new privileges]' '-P[in a session of its own]' '-0[close standard input]' \
            '-1[close standard output]' '-2[close standard error]' '-v[verbose]' '-V[say the version]' \
            '(-)1:program: _command_names -e' '*::word: _normal'
        ;;
    svcontainer | svscan | svscanboot)
        _arguments -s $help '-d[bring down what was left, start nothing]' '-e[end with an essential service]' \
            '-n[give up if another svscan is there]' '-r[what is removed is brought down]' \
            '-g[seconds until KILL]:seconds' '1:directory:_directories'
        ;;
    runsvdir) _arguments $help '-P[without effect]' '1:directory:_directories' ;;
    supervise | runsv) _arguments $help '1:directory:_directories' ;;
    runsvchdir) _arguments $help '1:directory:_slashservice_sets' ;;
    multilog) _arguments $help '*:action: _alternative "actions:action:(t s n \!gzip \!zstd e wgz a T F S fwait fdelete fdrop ./main)" "directories:directory:_directories"' ;;
    svlogd)
        _arguments $help '*-t[stamp lines]' '-r[put that for what can not be printed]:character' \
            '-R[and for these]:characters' '-l[what patterns see of a line]:length' '-b[more than that]:length' \
            '-v[say what is done]' '*:directory:_directories'
        ;;
    *) _arguments $help ;;
    esac
}

_slashservice_commands "$@"
