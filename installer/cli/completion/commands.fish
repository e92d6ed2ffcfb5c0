# Completion of the commands of daemontools and runit for fish. Installed by slashservice, once for
# each command; elsewhere:
#     slashservice completion fish | source

if not functions -q __slashservice_services
    # The directory of all services: $SVDIR, or what was written down beside the code, or /service.
    function __slashservice_scanned
        if set -q SVDIR[1]; and test -n "$SVDIR"
            printf '%s\n' $SVDIR
            return
        end
        set -l directory
        set -l code (realpath (command -s svstat) 2>/dev/null | string replace -rf '/command/[^/]*$' '')
        test -n "$code" -a -r "$code/scan-directory"; and read directory <$code/scan-directory
        string match -q '/*' -- "$directory"; or set directory /service
        printf '%s\n' $directory
    end

    function __slashservice_services
        set -l word (commandline -ct)
        __fish_complete_directories $word
        string match -qr '^[/.~]' -- $word; and return
        for path in (__slashservice_scanned)/*/
            set -l name (string replace -r '.*/([^/]*)/$' '$1' -- $path)
            printf '%s\tservice\n' $name
            string match -q '*/*' -- $word; and test -d $path/log; and printf '%s/log\tits log\n' $name
        end
    end

    # Whether so many words are before the one that is typed, the command itself included.
    function __slashservice_behind
        test (count (commandline -opc)) -eq $argv[1]
    end

    # Whether what is typed is an option of the command itself. The others are those with a value.
    function __slashservice_options
        set -l words (commandline -opc)
        set -e words[1]
        while set -q words[1]
            string match -qr '^-.' -- $words[1]; or return 1
            contains -- $words[1] $argv; and set -e words[1]
            set -e words[1]
        end
        return 0
    end

    # A program and its words, behind options of which those named have a value.
    function __slashservice_program
        set -l words (commandline -opc)
        set -e words[1]
        while set -q words[1]; and string match -qr '^-.' -- $words[1]
            contains -- $words[1] $argv; and set -e words[1]
            set -e words[1]
        end
        set -l word (commandline -ct)
        complete -C (string join ' ' -- (string escape -- $words) (string escape -n -- $word))
    end

    function __slashservice_behind_one
        set -l words (commandline -opc)
        test (count $words) -ge 2
    end

    function __slashservice_program_behind_one
        set -l words (commandline -opc)
        set -l word (commandline -ct)
        complete -C (string join ' ' -- (string escape -- $words[3..]) (string escape -n -- $word))
    end

    function __slashservice_sets
        set -l place $RUNSVDIR
        test -n "$place"; or set place /etc/runit/runsvdir
        for path in $place/*/
            string replace -r '.*/([^/]*)/$' '$1' -- $path
        end
    end

    for name in chpst envdir envuidgid fghack loghost multilog pgrphack readproctitle runsv runsvchdir \
            runsvdir setlock setuidgid softlimit supervise sv svc svcontainer svlog svlogd svok svscan svscanboot \
            svstat tai64n tai64nfrac tai64nlocal
        complete -c $name -f
        complete -c $name -n '__slashservice_behind 1' -l help -d 'Say how it is called'
    end

    complete -c svc -s u -d 'Up: start it, and keep it up'
    complete -c svc -s d -d 'Down: TERM, and do not start it again'
    complete -c svc -s o -d 'Once: start it'
    complete -c svc -s p -d 'Pause: STOP'
    complete -c svc -s c -d 'Continue: CONT'
    complete -c svc -s h -d 'HUP'
    complete -c svc -s a -d 'ALRM'
    complete -c svc -s i -d 'INT'
    complete -c svc -s t -d 'TERM'
    complete -c svc -s k -d 'KILL'
    complete -c svc -s x -d 'Exit when it is down'
    complete -c svc -s 1 -d 'USR1'
    complete -c svc -s 2 -d 'USR2'
    complete -c svc -s q -d 'QUIT'
    for name in svc svstat svok svlog
        complete -c $name -a '(__slashservice_services)'
    end

    complete -c svlog -s n -l lines -x -d 'So many lines'
    complete -c svlog -s s -l since -x -d 'From that time on'
    complete -c svlog -s U -l until -x -d 'Up to that time'
    complete -c svlog -s j -l json -d 'A JSON object for each line'
    complete -c svlog -s u -l unit -x -a '(__slashservice_services)' -d 'That service'
    complete -c svlog -s p -l pass-on -r -d 'Pass lines on, from where the file says'
    complete -c svlog -s a -l all -d 'All lines'
    complete -c svlog -s f -l follow -d 'Go on with new lines'
    complete -c svlog -s g -l grep -x -d 'Lines with that'
    complete -c svlog -s i -l ignore-case -d 'Upper or lower case'
    complete -c svlog -s v -l invert -d 'Lines without it'
    complete -c svlog -s r -l raw -d 'With stamps as they are'
    complete -c svlog -s c -l color -x -a 'auto always never' -d 'In colour'

    complete -c sv -s v -d 'Wait for any command'
    complete -c sv -s w -x -d 'Wait so many seconds'
    complete -c sv -s V -d 'Say the version'
    set -l orders status start stop restart reload check try-restart shutdown up down once exit \
        pause cont hup alarm interrupt quit 1 2 term kill force-stop force-restart force-reload \
        force-shutdown
    complete -c sv -n '__slashservice_options -w' -a "$orders"
    complete -c sv -n 'not __slashservice_options -w' -a '(__slashservice_services)'

    for name in setuidgid envuidgid
        complete -c $name -n '__slashservice_behind 1' -a '(__fish_complete_users)'
    end
    complete -c envdir -n '__slashservice_behind 1' -a '(__fish_complete_directories)'
    for name in setuidgid envuidgid envdir
        complete -c $name -n __slashservice_behind_one -a '(__slashservice_program_behind_one)'
    end
    for name in fghack pgrphack
        complete -c $name -a '(__slashservice_program)'
    end

    complete -c setlock -n __slashservice_options -s n -d 'Give up if somebody else holds it'
    complete -c setlock -n __slashservice_options -s N -d 'Wait for it'
    complete -c setlock -n __slashservice_options -s x -d 'Without it end in silence'
    complete -c setlock -n __slashservice_options -s X -d 'Without it complain'
    complete -c setlock -n __slashservice_options -F
    complete -c setlock -n 'not __slashservice_options' -a '(__fish_complete_subcommand)'

    set -l limits -a -c -d -f -l -m -o -p -r -s -t
    set -l here "__slashservice_options $limits"
    complete -c softlimit -n $here -s a -x -d 'Address space'
    complete -c softlimit -n $here -s c -x -d 'Core file'
    complete -c softlimit -n $here -s d -x -d 'Data segment'
    complete -c softlimit -n $here -s f -x -d 'Size of a file'
    complete -c softlimit -n $here -s l -x -d 'Locked memory'
    complete -c softlimit -n $here -s m -x -d 'All memory'
    complete -c softlimit -n $here -s o -x -d 'Descriptors'
    complete -c softlimit -n $here -s p -x -d 'Processes'
    complete -c softlimit -n $here -s r -x -d 'Resident memory'
    complete -c softlimit -n $here -s s -x -d 'Stack'
    complete -c softlimit -n $here -s t -x -d 'Seconds of processor time'
    complete -c softlimit -a "(__slashservice_program $limits)"

    set -l valued -u -U -b -e -/ -C -n -l -L -m -d -o -p -f -c -r -t -M -O
    set -l here "__slashservice_options $valued"
    complete -c chpst -n $here -s u -x -a '(__fish_complete_users)' -d 'As that account'
    complete -c chpst -n $here -s U -x -a '(__fish_complete_users)' -d 'Its numbers as variables'
    complete -c chpst -n $here -s G -d 'With its other groups'
    complete -c chpst -n $here -s b -x -d 'argv[0]'
    complete -c chpst -n $here -s e -x -a '(__fish_complete_directories)' -d 'Variables'
    complete -c chpst -n $here -s / -x -a '(__fish_complete_directories)' -d 'Another root'
    complete -c chpst -n $here -s C -x -a '(__fish_complete_directories)' -d 'Another directory'
    complete -c chpst -n $here -s n -x -d 'Add to the nice value'
    complete -c chpst -n $here -s l -r -F -d 'Lock a file, wait for it'
    complete -c chpst -n $here -s L -r -F -d 'Lock a file, or give up'
    complete -c chpst -n $here -s m -x -d 'Memory'
    complete -c chpst -n $here -s d -x -d 'Data segment'
    complete -c chpst -n $here -s o -x -d 'Descriptors'
    complete -c chpst -n $here -s p -x -d 'Processes'
    complete -c chpst -n $here -s f -x -d 'Size of a file'
    complete -c chpst -n $here -s c -x -d 'Core file'
    complete -c chpst -n $here -s r -x -d 'Resident memory'
    complete -c chpst -n $here -s t -x -d 'Seconds of processor time'
    complete -c chpst -n $here -s M -x -d Umask
    complete -c chpst -n $here -s O -x -d 'OOM score'
    complete -c chpst -n $here -s N -d 'No new privileges'
    complete -c chpst -n $here -s P -d 'In a session of its own'
    complete -c chpst -n $here -s 0 -d 'Close standard input'
    complete -c chpst -n $here -s 1 -d 'Close standard output'
    complete -c chpst -n $here -s 2 -d 'Close standard error'
    complete -c chpst -n $here -s v -d Verbose
    complete -c chpst -n $here -s V -d 'Say the version'
    complete -c chpst -a "(__slashservice_program $valued)"

    for name in svcontainer svscan svscanboot
        complete -c $name -s d -d 'Bring down what was left, start nothing'
        complete -c $name -s e -d 'End with an essential service'
        complete -c $name -s n -d 'Give up if another svscan is there'
        complete -c $name -s r -d 'What is removed is brought down'
        complete -c $name -s g -x -d 'Seconds until KILL'
    end
    complete -c runsvdir -s P -d 'Without effect'
    complete -c svlogd -s t -d 'Stamp lines'
    complete -c svlogd -s r -x -d 'Put that for what can not be printed'
    complete -c svlogd -s R -x -d 'And for these'
    complete -c svlogd -s l -x -d 'What patterns see of a line'
    complete -c svlogd -s b -x -d 'More than that'
    complete -c svlogd -s v -d 'Say what is done'
    for name in svcontainer svscan svscanboot runsvdir svlogd supervise runsv
        complete -c $name -a '(__fish_complete_directories)'
    end
    complete -c runsvchdir -a '(__slashservice_sets) (__fish_complete_directories)'
    complete -c multilog -a 't s n !gzip !zstd e wgz a T F S fwait fdelete fdrop ./main'
    complete -c multilog -a '(__fish_complete_directories)'
end
