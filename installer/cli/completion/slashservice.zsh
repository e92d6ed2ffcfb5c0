#compdef slashservice
# Completion of slashservice for zsh. Installed by slashservice itself; elsewhere put the
# output of `slashservice completion zsh` into a file _slashservice on your fpath.

_slashservice() {
    local -a verbs where plan
    verbs=(
        'install:put the code in place and wire svscan into the init system'
        'uninstall:stop the services, and bring the host back to what it was'
        'plan:say what install would do'
        'detect:say which init system runs the host, and why'
        'status:say what is installed, and whether it runs'
        'doctor:look for what is wrong, or soon will be'
        'add:make a service, with a log, and start it'
        'drain:stop all services, then their logs, and svscan'
        'running:print the pid of svscan'
        'help:say what a verb does'
        'remove:unlink a service, stop it, let its log read to the end'
        'commands:put the daemontools commands into a folder'
        'demo:show supervision at work'
        'completion:print the completions for a shell'
    )
    where=(
        '--root[the image at DIR, instead of this host]:directory:_directories'
        '--host[another host, over SSH]:address:(ssh\://)'
        '*--ssh-option[an option for ssh]:option'
        '--force[overwrite in place what can not be replaced in one step]'
        '--help[say how to use it]'
    )
    plan=(
        $where '--user[in your home, without root]'
        '--init[the init system]:name:(systemd sysvinit busybox openrc runit s6 dinit finit
            procd shepherd upstart slackware initd rclocal openbsd freebsd netbsd launchd smf
            container)'
        '--layout[where the code goes]:layout:(slashpackage fhs)'
        '--service-dir[the scan directory]:directory:_directories'
        '--python[the interpreter]:interpreter:_files'
        '(--start)--no-start[start nothing now]'
        '(--no-start)--start[start svscan, after --no-start]'
        '(--enable)--no-enable[leave it to you that svscan starts at boot]'
        '(--no-enable)--enable[have svscan start at boot, after --no-enable]'
        '*--no-rival[FILE has no other svscan started]:file:_files'
        '--replace[take the place of another svscan]'
    )
    if (( CURRENT == 2 )); then
        _describe verb verbs
        return
    fi
    local verb=$words[2]
    shift words
    (( CURRENT-- ))
    case $verb in
    install) _arguments $plan '(-n --dry-run)'{-n,--dry-run}'[only say what would be done]' ;;
    plan) _arguments $plan ;;
    uninstall) _arguments $where '--user[in your home, without root]' '(-n --dry-run)'{-n,--dry-run}'[only say what would be undone]' ;;
    detect) _arguments $where '--user[in your home, without root]' '--json[say it as JSON]' '--explain[show the evidence]' ;;
    status | doctor) _arguments $where '--user[in your home, without root]' '--json[say it as JSON]' ;;
    add)
        _arguments $where '--user[run it as]:account:_users' '--log-user[run its log as]:account:_users' \
            '--log[the log directory]:directory:_directories' '--no-log[without a log]' \
            '--down[do not start it]' '*--env[a variable]:NAME=VALUE' \
            '*--limit[a limit]:NAME=NUMBER' '--no-check[even without its program]' \
            '--service-dir[the scan directory]:directory:_directories' \
            '--in[make it in]:directory:_directories' '1:name' '*::command:_normal'
        ;;
    remove)
        _arguments $where '--user[in your home, without root]' '--keep[keep the service directory]' \
            '--kill-after[KILL after so long]:seconds' \
            '--service-dir[the scan directory]:directory:_directories' \
            '1:service:(${(f)"$(ls /service 2>/dev/null)"})'
        ;;
    drain)
        _arguments '-s[svscan stays, idle]' '-t[how long that may take]:seconds' \
            '--user[what is yours]' '1:directory:_directories'
        ;;
    running) _arguments '-a[with daemons that a dead svscan has left]' '--user[what is yours]' '1:directory:_directories' ;;
    help) _describe verb verbs ;;
    commands) _arguments '--python[the interpreter]:interpreter:_files' '1:directory:_directories' ;;
    completion) _arguments '1:shell:(bash zsh fish)' ;;
    esac
}

_slashservice "$@"
