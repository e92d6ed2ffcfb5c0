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

    local where='--root --host --ssh-option --force --help'
    local plan="$where --user --init --layout --service-dir --python --no-start --start --no-enable --enable --no-rival --replace"
    case $before in
    --root | --service-dir | --in | --log) COMPREPLY=($(compgen -d -- "$word")); return ;;
    --python | --no-rival) COMPREPLY=($(compgen -f -- "$word")); return ;;
    --layout) COMPREPLY=($(compgen -W 'slashpackage fhs' -- "$word")); return ;;
    --user | --log-user) COMPREPLY=($(compgen -u -- "$word")); return ;;
    --init)
        COMPREPLY=($(compgen -W 'systemd sysvinit busybox openrc runit s6 dinit finit procd
            shepherd upstart slackware initd rclocal openbsd freebsd netbsd launchd smf container' -- "$word"))
        return
        ;;
    esac

    case $verb in
    '') set -- install uninstall plan detect status doctor add remove drain running commands demo \
        completion help \
        --help --version ;;
    install) set -- $plan --dry-run ;;
    plan) set -- $plan ;;
    uninstall) set -- $where --user --dry-run ;;
    detect) set -- $where --user --json --explain ;;
    status | doctor) set -- $where --user --json ;;
    add) set -- $where --user --log --log-user --no-log --down --env --limit --no-check \
        --service-dir --in -- ;;
    remove) set -- $where --user --keep --kill-after --service-dir --in ;;
    drain) set -- -s -t --user --help $(compgen -d -- "$word") ;;
    running) set -- -a --user --help $(compgen -d -- "$word") ;;
    help) set -- install uninstall plan detect status doctor add remove drain running ;;
    commands) COMPREPLY=($(compgen -d -W --python -- "$word")); return ;;
    completion) set -- bash zsh fish ;;
    *) set -- --help ;;
    esac
    if [[ $verb == remove && $word != -* ]]; then
        set -- $(cd /service 2>/dev/null && ls)
    fi
    COMPREPLY=($(compgen -W "$*" -- "$word"))
}
complete -F _slashservice slashservice
