# Completion of slashservice for bash. Installed by slashservice itself; elsewhere:
#     eval "$(slashservice completion bash)"

# Whatever is offered here is what files are called: it is neither split nor expanded.

_slashservice_named() { # -d or -f
    mapfile -t COMPREPLY < <(compgen "$1" -- "$word")
    compopt -o filenames 2>/dev/null
    return 0
}

# The services in the scan directory that the words before name, quoted for the shell.
_slashservice_running() {
    local -a names=() tree=()
    local one
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
        --service-dir) tree=(--service-dir "${COMP_WORDS[at + 1]}") ;;
        --user) tree=(--user) ;;
        esac
    done
    mapfile -t names < <(slashservice list --names "${tree[@]}" 2>/dev/null)
    for one in "${names[@]}"; do
        [[ $one == "$word"* ]] && COMPREPLY+=("$(printf %q "$one")")
    done
    return 0
}

_slashservice() {
    COMPREPLY=()
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb= at
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
        --root | --host | --ssh-option | --init | --layout | --service-dir | --python | --no-rival) ((at++)) ;;
        --) COMPREPLY=($(compgen -c -- "$word")); return ;;
        -*) ;;
        *) verb=${COMP_WORDS[at]}; break ;;
        esac
    done

    local tree='--service-dir --user --help'
    local where='--root --host --ssh-option --force --help'
    local plan="$where --user --init --layout --service-dir --python --no-start --start --no-enable --enable --no-rival --replace"
    case $before in
    --from) COMPREPLY=($(compgen -W 'systemd supervisord procfile compose runit tar' -- "$word")); return ;;
    --engine) COMPREPLY=($(compgen -c -- "$word")); return ;;
    -o | --python | --no-rival) _slashservice_named -f; return ;;
    --root | --service-dir | --in | --log) _slashservice_named -d; return ;;
    --color) COMPREPLY=($(compgen -W 'auto always never' -- "$word")); return ;;
    -s)
        if [[ $verb == kill ]]; then
            COMPREPLY=($(compgen -W 'ALRM CONT HUP INT KILL QUIT STOP TERM USR1 USR2' -- "$word"))
            return
        fi
        ;;
    --layout) COMPREPLY=($(compgen -W 'slashpackage fhs' -- "$word")); return ;;
    --env-from | --run | --write) COMPREPLY=($(compgen -f -- "$word")); return ;;
    --log-group) COMPREPLY=($(compgen -g -- "$word")); return ;;
    --user | --log-user) COMPREPLY=($(compgen -u -- "$word")); return ;;
    --init)
        COMPREPLY=($(compgen -W 'systemd sysvinit busybox openrc runit s6 dinit finit procd
            shepherd upstart slackware initd rclocal openbsd freebsd netbsd launchd smf container' -- "$word"))
        return
        ;;
    esac

    case $verb in
    '') set -- list top start stop restart reload once pause cont kill wait why logs metrics edit env enable \
        disable install uninstall plan detect status doctor add remove import export drain running commands demo \
        completion help \
        --help --version ;;
    list) set -- $tree --json --names --watch --color ;;
    start | stop | restart | reload | once | pause | cont) set -- $tree -w --json ;;
    kill) set -- $tree -w -s --json ;;
    wait) set -- $tree --up --ready --down -t ;;
    logs) set -- $tree --all --follow --ignore-case --raw --invert --json --lines --since --until --grep \
        --color ;;
    env) set -- $tree --unset ;;
    metrics) set -- $tree --write ;;
    top | why | edit | enable | disable) set -- $tree ;;
    install) set -- $plan --dry-run ;;
    plan) set -- $plan ;;
    uninstall) set -- $where --user --dry-run ;;
    detect) set -- $where --user --json --explain ;;
    status | doctor) set -- $where --user --json ;;
    add) set -- $where --user --log --log-user --log-group --log-size --log-number --log-processor \
        --no-log --down --run --env --env-from --limit --no-check --update --restart --dry-run --json --service-dir --in -- ;;
    import)
        if [[ $word != -* ]]; then
            _slashservice_named -f
            return
        fi
        set -- $where --dry-run --from --user --log-user --no-log --down --no-start --no-check \
            --prefix --formation --engine --service-dir --in
        ;;
    export) set -- $where -o --service-dir --in ;;
    remove) set -- $where --user --keep --dry-run --json --kill-after --service-dir --in ;;
    drain | running)
        if [[ $word != -* ]]; then
            _slashservice_named -d
            return
        fi
        [[ $verb == drain ]] && set -- -s -t --user --help || set -- -a --user --help
        ;;
    help) set -- list top start stop restart reload once pause cont kill wait why logs metrics edit env enable \
        disable install uninstall plan detect status doctor add remove import export drain running ;;
    commands)
        if [[ $word != -* ]]; then
            _slashservice_named -d
            return
        fi
        set -- --python
        ;;
    completion) set -- bash zsh fish ;;
    *) set -- --help ;;
    esac
    case $verb in
    list | top | start | stop | restart | reload | once | pause | cont | kill | wait | why | logs | edit | env | \
        enable | disable | remove | export)
        if [[ $word != -* ]]; then
            _slashservice_running
            return
        fi
        ;;
    esac
    COMPREPLY=($(compgen -W "$*" -- "$word"))
}
complete -F _slashservice slashservice
