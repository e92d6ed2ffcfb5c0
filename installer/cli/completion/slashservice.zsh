#compdef slashservice
# Completion of slashservice for zsh. Installed by slashservice itself; elsewhere put the
# output of `slashservice completion zsh` into a file _slashservice on your fpath.

_slashservice_verbs() {
    local -a verbs where plan tree
    verbs=(
        'list:show the services'
        'top:show services on a screen while they live'
        'start:start services, and see whether they stay up'
        'stop:stop services, and wait until they are down'
        'restart:stop services and start them again'
        'reload:send HUP to services'
        'once:start services that are not to be started again'
        'pause:have services stand still'
        'cont:have services go on that are paused'
        'kill:send KILL to services, or another signal'
        'wait:wait until services are up, of use, or down'
        'why:say why services are as they are, and what to type'
        'logs:show what services have logged'
        'metrics:tell Prometheus how the services are'
        'edit:edit the run script of a service'
        'env:show the variables of a service, or set some'
        'enable:have services started when the machine starts'
        'disable:have services not started when the machine starts'
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
        "import:make services of others' files"
        'export:write services into an archive that import takes'
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
    tree=(
        '--service-dir[the scan directory]:directory:_directories' '--user[your own services]'
        '--help[say how to use it]' '*:service:_slashservice_names'
    )
    if (( CURRENT == 2 )); then
        _describe verb verbs
        return
    fi
    local verb=$words[2]
    shift words
    (( CURRENT-- ))
    case $verb in
    list) _arguments $tree '--json[for programs]' '--names[only names]' '--watch[as it changes]' '--color[in colour]:when:(auto always never)' ;;
    start | stop | restart | reload | once | pause | cont) _arguments $tree '--json[for programs]' '-w[wait so long at most]:seconds' ;;
    kill) _arguments $tree '--json[for programs]' '-w[wait so long at most]:seconds' '-s[the signal]:signal:(ALRM CONT HUP INT KILL QUIT STOP TERM USR1 USR2)' ;;
    wait) _arguments $tree '(--ready --down)--up[they run]' '(--up --down)--ready[they are of use]' '(--up --ready)--down[they are down]' '-t[so long at most]:seconds' ;;
    logs)
        _arguments $tree '--follow[go on with new lines]' '--all[all lines]' '--lines[so many]:number' \
            '--since[from that time on]:time' '--until[up to that time]:time' '--json[for programs]' '--grep[lines with that]:pattern' '--ignore-case' \
            '--raw[with stamps as they are]' '--invert[lines without it]' \
            '--color[in colour]:when:(auto always never)'
        ;;
    env) _arguments $tree '--unset[take a variable away]:variable' ;;
    metrics) _arguments $tree '--write[replace that file]:file:_files' ;;
    top | why | edit | enable | disable) _arguments $tree ;;
    install) _arguments $plan '(-n --dry-run)'{-n,--dry-run}'[only say what would be done]' ;;
    plan) _arguments $plan ;;
    uninstall) _arguments $where '--user[in your home, without root]' '(-n --dry-run)'{-n,--dry-run}'[only say what would be undone]' ;;
    detect) _arguments $where '--user[in your home, without root]' '--json[say it as JSON]' '--explain[show the evidence]' ;;
    status | doctor) _arguments $where '--user[in your home, without root]' '--json[say it as JSON]' ;;
    add)
        _arguments $where '--user[run it as]:account:_users' '--log-user[run its log as]:account:_users' \
            '--log-group[accounts of it may read its log]:group:_groups' \
            '--log[the log directory]:directory:_directories' '--no-log[without a log]' \
            '--log-size[bytes of a file]:bytes' '--log-number[how many files]:number' \
            '--log-processor[what full files go through]:command' '--run[a run script]:file:_files' \
            '--down[do not start it]' '*--env[a variable]:NAME=VALUE' \
            '--env-from[variables from a file]:file:_files' \
            '--update[change it if it is there]' '--restart[restart it if it runs by older files]' \
            '(-n --dry-run)'{-n,--dry-run}'[only show changes]' '--json[as JSON]' \
            '*--limit[a limit]:NAME=NUMBER' '--no-check[even without its program]' \
            '--service-dir[the scan directory]:directory:_directories' \
            '--in[make it in]:directory:_directories' '1:name' '*::command:_normal'
        ;;
    import)
        _arguments $where '(-n --dry-run)'{-n,--dry-run}'[only say what would be made]' \
            '--from[what the files are]:format:(systemd supervisord procfile compose runit tar)' \
            '--user[run those as that name none]:account:_users' \
            '--log-user[run their logs as]:account:_users' '--no-log[without logs]' \
            '(--down --no-start)'{--down,--no-start}'[do not start them]' \
            '--no-check[even without their programs]' '--prefix[begin their names so]:text' \
            '--formation[how many of a line]:NAME=NUMBER' \
            '--engine[what runs containers]:program:(podman docker)' \
            '--service-dir[the scan directory]:directory:_directories' \
            '--in[make them in]:directory:_directories' '*:file:_files'
        ;;
    export)
        _arguments $where '-o[the archive]:archive:_files' \
            '--service-dir[the scan directory]:directory:_directories' \
            '--in[where they are]:directory:_directories' '*:service:_slashservice_names'
        ;;
    remove)
        _arguments $where '--user[in your home, without root]' '--keep[keep the service directory]' \
            '(-n --dry-run)'{-n,--dry-run}'[only say what would be removed]' '--json[as JSON]' \
            '--kill-after[KILL after so long]:seconds' \
            '--service-dir[the scan directory]:directory:_directories' \
            '1:service:_slashservice_names'
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

_slashservice_names() {
    local -a names
    names=(${(f)"$(slashservice list --names 2>/dev/null)"})
    compadd -a names
}

_slashservice_verbs "$@"
