# Completion of slashservice for bash. Installed by slashservice itself; elsewhere:
#     eval "$(slashservice completion bash)"

_slashservice() {
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
    -o) COMPREPLY=($(compgen -f -- "$word")); return ;;
    --root | --service-dir | --in | --log) COMPREPLY=($(compgen -d -- "$word")); return ;;
    --python | --no-rival) COMPREPLY=($(compgen -f -- "$word")); return ;;
    --color) COMPREPLY=($(compgen -W 'auto always never' -- "$word")); return ;;
    -s)
        if [[ $verb == kill ]]; then
            COMPREPLY=($(compgen -W 'ALRM CONT HUP INT KILL QUIT STOP TERM USR1 USR2' -- "$word"))
            return
        fi
        ;;
    --layout) COMPREPLY=($(compgen -W 'slashpackage fhs' -- "$word")); return ;;
    --log-group) COMPREPLY=($(compgen -g -- "$word")); return ;;
    --user | --log-user) COMPREPLY=($(compgen -u -- "$word")); return ;;
    --init)
        COMPREPLY=($(compgen -W 'systemd sysvinit busybox openrc runit s6 dinit finit procd
            shepherd upstart slackware initd rclocal openbsd freebsd netbsd launchd smf container' -- "$word"))
        return
        ;;
    esac

    case $verb in
<<<<<<< HEAD
    '') set -- list top start stop restart reload once pause cont kill wait why logs edit env enable disable \
        install uninstall plan detect status doctor add remove drain running commands demo \
=======
    '') set -- list start stop restart reload once pause cont kill wait why logs edit env enable disable \
        install uninstall plan detect status doctor add remove import export drain running commands demo \
>>>>>>> admin
        completion help \
        --help --version ;;
    list) set -- $tree --json --names --watch --color ;;
    start | stop | restart | reload | once | pause | cont) set -- $tree -w ;;
    kill) set -- $tree -w -s ;;
    wait) set -- $tree --up --ready --down -t ;;
    logs) set -- $tree --all --follow --ignore-case --raw --invert --json --lines --since --until --grep \
        --color ;;
    env) set -- $tree --unset ;;
    top | why | edit | enable | disable) set -- $tree ;;
    install) set -- $plan --dry-run ;;
    plan) set -- $plan ;;
    uninstall) set -- $where --user --dry-run ;;
    detect) set -- $where --user --json --explain ;;
    status | doctor) set -- $where --user --json ;;
    add) set -- $where --user --log --log-user --log-group --no-log --down --env --limit --no-check \
        --service-dir --in -- ;;
    import)
        if [[ $word != -* ]]; then
            COMPREPLY=($(compgen -f -- "$word"))
            return
        fi
        set -- $where --dry-run --from --user --log-user --no-log --down --no-start --no-check \
            --prefix --formation --engine --service-dir --in
        ;;
    export) set -- $where -o --service-dir --in ;;
    remove) set -- $where --user --keep --kill-after --service-dir --in ;;
    drain) set -- -s -t --user --help $(compgen -d -- "$word") ;;
    running) set -- -a --user --help $(compgen -d -- "$word") ;;
<<<<<<< HEAD
    help) set -- list top start stop restart reload once pause cont kill wait why logs edit env enable \
        disable install uninstall plan detect status doctor add remove drain running ;;
=======
    help) set -- list start stop restart reload once pause cont kill wait why logs edit env enable \
        disable install uninstall plan detect status doctor add remove import export drain running ;;
>>>>>>> admin
    commands) COMPREPLY=($(compgen -d -W --python -- "$word")); return ;;
    completion) set -- bash zsh fish ;;
    *) set -- --help ;;
    esac
    case $verb in
<<<<<<< HEAD
    list | top | start | stop | restart | reload | once | pause | cont | kill | wait | why | logs | edit | \
        env | enable | disable | remove)
=======
    list | start | stop | restart | reload | once | pause | cont | kill | wait | why | logs | edit | env | \
        enable | disable | remove | export)
>>>>>>> admin
        [[ $word == -* ]] || set -- $(slashservice list --names 2>/dev/null)
        ;;
    esac
    COMPREPLY=($(compgen -W "$*" -- "$word"))
}
complete -F _slashservice slashservice
