# Completion of slashservice for fish. Installed by slashservice itself; elsewhere:
#     slashservice completion fish | source

set -l services list top start stop restart reload once pause cont kill wait why logs metrics edit env enable disable
set -l verbs $services install uninstall plan detect status doctor add remove import export drain running commands demo completion help
set -l none "not __fish_seen_subcommand_from $verbs"
set -l hosts "__fish_seen_subcommand_from install uninstall plan detect status doctor add remove import export"
set -l plans "__fish_seen_subcommand_from install plan"

complete -c slashservice -f
complete -c slashservice -n $none -a list -d 'Show the services'
complete -c slashservice -n $none -a top -d 'Show services while they live'
complete -c slashservice -n $none -a start -d 'Start services'
complete -c slashservice -n $none -a stop -d 'Stop services'
complete -c slashservice -n $none -a restart -d 'Stop services and start them again'
complete -c slashservice -n $none -a reload -d 'Send HUP to services'
complete -c slashservice -n $none -a once -d 'Start services, not to be started again'
complete -c slashservice -n $none -a pause -d 'Have services stand still'
complete -c slashservice -n $none -a cont -d 'Have services go on'
complete -c slashservice -n $none -a kill -d 'Send KILL to services, or another signal'
complete -c slashservice -n $none -a wait -d 'Wait until services are up, of use, or down'
complete -c slashservice -n $none -a why -d 'Say why services are as they are'
complete -c slashservice -n $none -a logs -d 'Show what services have logged'
complete -c slashservice -n $none -a metrics -d 'Tell Prometheus how services are'
complete -c slashservice -n $none -a edit -d 'Edit the run script of a service'
complete -c slashservice -n $none -a env -d 'Show or set variables of a service'
complete -c slashservice -n $none -a enable -d 'Have services started at boot'
complete -c slashservice -n $none -a disable -d 'Have services not started at boot'
complete -c slashservice -n $none -a install -d 'Wire svscan into the init system'
complete -c slashservice -n $none -a uninstall -d 'Bring the host back to what it was'
complete -c slashservice -n $none -a plan -d 'Say what install would do'
complete -c slashservice -n $none -a detect -d 'Say which init system runs the host'
complete -c slashservice -n $none -a status -d 'Say what is installed, and whether it runs'
complete -c slashservice -n $none -a doctor -d 'Look for what is wrong'
complete -c slashservice -n $none -a add -d 'Make a service, with a log'
complete -c slashservice -n $none -a drain -d 'Stop all services, then their logs'
complete -c slashservice -n $none -a running -d 'Print the pid of svscan'
complete -c slashservice -n $none -a help -d 'Say what a verb does'
complete -c slashservice -n $none -a remove -d 'Stop a service and remove it'
complete -c slashservice -n $none -a import -d "Make services of others' files"
complete -c slashservice -n $none -a export -d 'Write services into an archive'
complete -c slashservice -n $none -a commands -d 'Put the commands into a folder'
complete -c slashservice -n $none -a demo -d 'Show supervision at work'
complete -c slashservice -n $none -a completion -d 'Print the completions for a shell'
complete -c slashservice -n $none -l version -d 'Say the version'
complete -c slashservice -l help -d 'Say how to use it'

complete -c slashservice -n $hosts -l root -r -a '(__fish_complete_directories)' -d 'An image'
complete -c slashservice -n $hosts -l host -x -d 'Another host: ssh://USER@NAME'
complete -c slashservice -n $hosts -l ssh-option -x -d 'An option for ssh'
complete -c slashservice -n '__fish_seen_subcommand_from install uninstall plan detect status doctor remove' \
    -l user -d 'In your home, without root'
complete -c slashservice -n $hosts -l force -d 'Overwrite in place if it must be'

complete -c slashservice -n $plans -l init -x -d 'The init system' \
    -a 'systemd sysvinit busybox openrc runit s6 dinit finit procd shepherd upstart slackware initd rclocal openbsd freebsd netbsd launchd smf container'
complete -c slashservice -n $plans -l layout -x -a 'slashpackage fhs' -d 'Where the code goes'
complete -c slashservice -n $plans -l python -r -F -d 'The interpreter'
complete -c slashservice -n $plans -l no-start -d 'Start nothing now'
complete -c slashservice -n $plans -l no-enable -d 'Do not start svscan at boot'
complete -c slashservice -n $plans -l start -d 'Start svscan, after --no-start'
complete -c slashservice -n $plans -l enable -d 'Start svscan at boot, after --no-enable'
complete -c slashservice -n $plans -l no-rival -r -F -d 'FILE has no other svscan started'
complete -c slashservice -n $plans -l replace -d 'Take the place of another svscan'
complete -c slashservice -n "$plans; or __fish_seen_subcommand_from add remove import export" -l service-dir -r \
    -a '(__fish_complete_directories)' -d 'The scan directory'

complete -c slashservice -n '__fish_seen_subcommand_from install uninstall' -s n -l dry-run \
    -d 'Only say what would be done'
complete -c slashservice -n '__fish_seen_subcommand_from detect status doctor' -l json -d 'As JSON'
complete -c slashservice -n '__fish_seen_subcommand_from detect' -l explain -d 'With the evidence'

set -l adding '__fish_seen_subcommand_from add'
complete -c slashservice -n $adding -l user -x -a '(__fish_complete_users)' -d 'Run it as'
complete -c slashservice -n $adding -l log-user -x -a '(__fish_complete_users)' -d 'Run its log as'
complete -c slashservice -n $adding -l log-group -x -a '(__fish_complete_groups)' -d 'Who may read its log'
complete -c slashservice -n $adding -l log -r -a '(__fish_complete_directories)' -d 'Log directory'
complete -c slashservice -n $adding -l log-size -x -d 'Bytes of a file of its log'
complete -c slashservice -n $adding -l log-number -x -d 'How many files are kept'
complete -c slashservice -n $adding -l log-processor -x -d 'What full files go through'
complete -c slashservice -n $adding -l no-log -d 'Without a log'
complete -c slashservice -n $adding -l run -r -F -d 'A run script, instead of a command'
complete -c slashservice -n $adding -l down -d 'Do not start it'
complete -c slashservice -n $adding -l env -x -d 'A variable: NAME=VALUE'
complete -c slashservice -n $adding -l env-from -r -F -d 'Variables from a file'
complete -c slashservice -n $adding -l update -d 'Change it if it is there'
complete -c slashservice -n $adding -l restart -d 'Restart it if it runs by older files'
complete -c slashservice -n $adding -s n -l dry-run -d 'Only show changes'
complete -c slashservice -n $adding -l json -d 'As JSON'
complete -c slashservice -n $adding -l limit -x -d 'A limit: NAME=NUMBER'
complete -c slashservice -n $adding -l no-check -d 'Even if its program is not there'
complete -c slashservice -n $adding -l in -r -a '(__fish_complete_directories)' -d 'Make it in'

set -l importing '__fish_seen_subcommand_from import'
complete -c slashservice -n $importing -F
complete -c slashservice -n $importing -s n -l dry-run -d 'Only say what would be made'
complete -c slashservice -n $importing -l from -x -a 'systemd supervisord procfile compose runit tar' \
    -d 'What the files are'
complete -c slashservice -n $importing -l user -x -a '(__fish_complete_users)' -d 'Run them as'
complete -c slashservice -n $importing -l log-user -x -a '(__fish_complete_users)' -d 'Run logs as'
complete -c slashservice -n $importing -l no-log -d 'Without logs'
complete -c slashservice -n $importing -l down -d 'Do not start them'
complete -c slashservice -n $importing -l no-start -d 'Do not start them'
complete -c slashservice -n $importing -l no-check -d 'Even if a program is not there'
complete -c slashservice -n $importing -l prefix -x -d 'Begin their names so'
complete -c slashservice -n $importing -l formation -x -d 'How many: NAME=NUMBER,...'
complete -c slashservice -n $importing -l engine -x -a 'podman docker' -d 'What runs containers'
complete -c slashservice -n '__fish_seen_subcommand_from import export' -l in -r \
    -a '(__fish_complete_directories)' -d 'Where the directories are'
complete -c slashservice -n '__fish_seen_subcommand_from export' -s o -r -F -d 'The archive'

set -l named "__fish_seen_subcommand_from $services"
complete -c slashservice -n "$named; or __fish_seen_subcommand_from remove export" \
    -a '(slashservice list --names 2>/dev/null)'
complete -c slashservice -n $named -l service-dir -r -a '(__fish_complete_directories)' \
    -d 'The scan directory'
complete -c slashservice -n $named -l user -d 'Your own services'
complete -c slashservice -n '__fish_seen_subcommand_from start stop restart reload once pause cont kill' \
    -s w -l wait -x -d 'Wait so long at most'
complete -c slashservice -n '__fish_seen_subcommand_from kill' -s s -l signal -x -d 'The signal' \
    -a 'ALRM CONT HUP INT KILL QUIT STOP TERM USR1 USR2'
complete -c slashservice -n '__fish_seen_subcommand_from wait' -l up -d 'They run'
complete -c slashservice -n '__fish_seen_subcommand_from wait' -l ready -d 'They are of use'
complete -c slashservice -n '__fish_seen_subcommand_from wait' -l down -d 'They are down'
complete -c slashservice -n '__fish_seen_subcommand_from wait' -s t -l timeout -x -d 'So long at most'
complete -c slashservice -n '__fish_seen_subcommand_from list start stop restart reload once pause cont kill' -l json -d 'As JSON'
complete -c slashservice -n '__fish_seen_subcommand_from list' -l names -d 'Only names'
complete -c slashservice -n '__fish_seen_subcommand_from list' -s w -l watch -d 'As it changes'
complete -c slashservice -n '__fish_seen_subcommand_from list logs' -l color -x -a 'auto always never' \
    -d 'In colour'
complete -c slashservice -n '__fish_seen_subcommand_from env' -l unset -x -d 'Take a variable away'
complete -c slashservice -n '__fish_seen_subcommand_from logs' -s f -l follow -d 'Go on with new lines'
complete -c slashservice -n '__fish_seen_subcommand_from logs' -s a -l all -d 'All lines'
complete -c slashservice -n '__fish_seen_subcommand_from logs' -s n -l lines -x -d 'So many lines'
complete -c slashservice -n '__fish_seen_subcommand_from logs' -s s -l since -x -d 'From that time on'
complete -c slashservice -n '__fish_seen_subcommand_from logs' -s U -l until -x -d 'Up to that time'
complete -c slashservice -n '__fish_seen_subcommand_from logs' -s j -l json -d 'A JSON object for each line'
complete -c slashservice -n '__fish_seen_subcommand_from logs' -s i -l ignore-case -d 'Upper or lower case'
complete -c slashservice -n '__fish_seen_subcommand_from logs' -s r -l raw -d 'With stamps as they are'
complete -c slashservice -n '__fish_seen_subcommand_from logs' -s v -l invert -d 'Lines without it'
complete -c slashservice -n '__fish_seen_subcommand_from logs' -s g -l grep -x -d 'Lines with that'

complete -c slashservice -n '__fish_seen_subcommand_from metrics' -l write -r -F -d 'Replace that file'

set -l removing '__fish_seen_subcommand_from remove'
complete -c slashservice -n $removing -l keep -d 'Keep the service directory'
complete -c slashservice -n $removing -s n -l dry-run -d 'Only say what would go'
complete -c slashservice -n $removing -l json -d 'As JSON'
complete -c slashservice -n $removing -l kill-after -x -d 'KILL after SECONDS'
complete -c slashservice -n '__fish_seen_subcommand_from drain' -s s -d 'svscan stays, idle'
complete -c slashservice -n '__fish_seen_subcommand_from drain' -s t -x -d 'How long that may take'
complete -c slashservice -n '__fish_seen_subcommand_from running' -s a -d 'With daemons that are left'
complete -c slashservice -n '__fish_seen_subcommand_from drain running' -l user -d 'What is yours'
complete -c slashservice -n '__fish_seen_subcommand_from help' -a "$verbs"
complete -c slashservice -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'
complete -c slashservice -n '__fish_seen_subcommand_from commands' -a '(__fish_complete_directories)'
