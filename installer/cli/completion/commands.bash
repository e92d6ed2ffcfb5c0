# Completion of the commands of daemontools and runit for bash. Installed by slashservice;
# elsewhere:
#     eval "$(slashservice completion bash)"

# Sets `directory` to that of all services: $SVDIR, or what was written down beside the code, or
# /service.
_slashservice_scanned() {
    local code
    directory=$SVDIR
    [[ $directory ]] && return
    code=$(readlink -f -- "$(type -P svstat)" 2>/dev/null)
    [[ $code == */command/* ]] && { read -r directory <"${code%/command/*}/scan-directory"; } 2>/dev/null
    [[ $directory == /* ]] || directory=/service
}

# Offers those of the words that begin with `word`, which is what was typed. bash replaces only
# what is behind the last of COMP_WORDBREAKS in it, which is `part`; and quotes what must be.
_slashservice_offer() {
    local one
    for one; do
        [[ $one == "$word"* ]] && COMPREPLY+=("${one:${#word}-${#part}}")
    done
    compopt -o filenames 2>/dev/null
    return 0
}

_slashservice_paths() { # -d or -f
    local -a found
    mapfile -t found < <(compgen "$1" -- "$word")
    _slashservice_offer "${found[@]}"
}

_slashservice_accounts() {
    local -a found
    mapfile -t found < <(compgen -u -- "$word")
    _slashservice_offer "${found[@]}"
}

_slashservice_services() {
    local directory path
    local -a found=()
    _slashservice_paths -d
    [[ $word == [/.~]* ]] && return
    _slashservice_scanned
    for path in "$directory"/*/; do
        [[ -d $path ]] || continue
        path=${path%/}
        found+=("${path##*/}")
        [[ $word == "${path##*/}/"* && -d $path/log ]] && found+=("${path##*/}/log")
    done
    _slashservice_offer "${found[@]}"
}

# Sets `at` to the first word that is no option. Those in $1 have a value; if that is what is
# typed, its letter is in `valued`.
_slashservice_skip() {
    local one
    valued=
    for ((at = 1; at < COMP_CWORD; at++)); do
        one=${COMP_WORDS[at]}
        [[ $one == -- ]] && { ((at++)); break; }
        [[ $one == -?* ]] || break
        if [[ $1 == *"${one: -1}"* ]]; then
            ((at + 1 == COMP_CWORD)) && valued=${one: -1}
            ((at++))
        fi
    done
}

# A command and its words begin at word number $1.
_slashservice_program() {
    local -a found
    if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$1"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    elif ((COMP_CWORD == $1)) && [[ $word != */* ]]; then
        mapfile -t found < <(compgen -c -- "$word")
        _slashservice_offer "${found[@]}"
    else
        _slashservice_paths -f
    fi
}

_slashservice_commands() {
    local name=${1##*/} part=${2//[\\\'\"]/} line=${COMP_LINE:0:COMP_POINT} word at valued
    local -a found
    local typed='(([^][:space:]'\''"\\[]|[][]|\\.|'\''[^'\'']*'\''?|"[^"]*"?)*)$'
    [[ $line =~ $typed ]]
    word=${BASH_REMATCH[1]//[\\\'\"]/}
    COMPREPLY=()
    ((COMP_CWORD == 1)) && [[ $word == --* ]] && _slashservice_offer --help
    case $name in
    svc)
        if [[ $word == -* ]]; then
            _slashservice_offer -u -d -o -p -c -h -a -i -t -k -x -1 -2 -q
        else
            _slashservice_services
        fi
        ;;
    svstat | svok) [[ $word == -* ]] || _slashservice_services ;;
    svlog)
        case $3 in
        -c | --color) _slashservice_offer auto always never; return ;;
        -n | --lines | -s | --since | -U | --until | -g | --grep) return ;;
        -p | --pass-on) _slashservice_paths -f; return ;;
        esac
        if [[ $word == -* ]]; then
            _slashservice_offer -a --all -f --follow -n --lines -s --since -U --until -g --grep \
                -i --ignore-case -v --invert -r --raw -j --json -c --color -u --unit -p --pass-on
        else
            _slashservice_services
        fi
        ;;
    sv)
        _slashservice_skip w
        if [[ $valued ]]; then
            return
        elif [[ $word == -* ]]; then
            _slashservice_offer -v -w -V
        elif ((COMP_CWORD == at)); then
            _slashservice_offer status start stop restart reload check try-restart shutdown up down \
                once exit pause cont hup alarm interrupt quit 1 2 term kill force-stop \
                force-restart force-reload force-shutdown
        else
            _slashservice_services
        fi
        ;;
    setuidgid | envuidgid) ((COMP_CWORD == 1)) && _slashservice_accounts || _slashservice_program 2 ;;
    envdir) ((COMP_CWORD == 1)) && _slashservice_paths -d || _slashservice_program 2 ;;
    fghack | pgrphack) _slashservice_program 1 ;;
    setlock)
        _slashservice_skip ''
        if ((COMP_CWORD > at)); then
            _slashservice_program $((at + 1))
        elif [[ $word == -* ]]; then
            _slashservice_offer -n -N -x -X
        else
            _slashservice_paths -f
        fi
        ;;
    softlimit)
        _slashservice_skip acdflmoprst
        if [[ $valued ]]; then
            _slashservice_offer =
        elif ((COMP_CWORD == at)) && [[ $word == -* ]]; then
            _slashservice_offer -a -c -d -f -l -m -o -p -r -s -t
        else
            _slashservice_program $at
        fi
        ;;
    chpst)
        _slashservice_skip uUbe/CnlLmdopfcrtMO
        case $valued in
        u | U) _slashservice_accounts ;;
        e | / | C) _slashservice_paths -d ;;
        l | L) _slashservice_paths -f ;;
        '')
            if ((COMP_CWORD == at)) && [[ $word == -* ]]; then
                _slashservice_offer -u -U -G -b -e -/ -C -n -l -L -m -d -o -p -f -c -r -t -M -O -N -P \
                    -0 -1 -2 -v -V
            else
                _slashservice_program $at
            fi
            ;;
        esac
        ;;
    svcontainer | svscan | svscanboot)
        _slashservice_skip g
        if [[ $valued ]]; then
            return
        elif [[ $word == -* ]]; then
            _slashservice_offer -d -e -n -r -g
        else
            _slashservice_paths -d
        fi
        ;;
    runsvdir) [[ $word == -* ]] && _slashservice_offer -P || _slashservice_paths -d ;;
    supervise | runsv) [[ $word == -* ]] || _slashservice_paths -d ;;
    runsvchdir)
        if [[ $word == /* ]]; then
            _slashservice_paths -d
        else
            mapfile -t found < <(cd -- "${RUNSVDIR:-/etc/runit/runsvdir}" 2>/dev/null && compgen -d -- "$word")
            _slashservice_offer "${found[@]}"
        fi
        ;;
    multilog)
        case $word in
        [./~]*) _slashservice_paths -d ;;
        =*) ;;
        *) _slashservice_offer t s n '!gzip' '!zstd' e wgz a T F S fwait fdelete fdrop ./main ;;
        esac
        ;;
    svlogd)
        _slashservice_skip rRlb
        if [[ $valued ]]; then
            return
        elif [[ $word == -* ]]; then
            _slashservice_offer -t -tt -ttt -r -R -l -b -v
        else
            _slashservice_paths -d
        fi
        ;;
    esac
}
complete -F _slashservice_commands chpst envdir envuidgid fghack loghost multilog pgrphack \
    readproctitle runsv runsvchdir runsvdir setlock setuidgid softlimit supervise sv svc svcontainer svlog \
    svlogd svok svscan svscanboot svstat tai64n tai64nfrac tai64nlocal
