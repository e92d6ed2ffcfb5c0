# Written by `slashservice install`; `slashservice uninstall` takes it away.
start on runlevel 2
start on runlevel 3
start on runlevel 4
start on runlevel 5
stop on runlevel 0
stop on runlevel 1
stop on runlevel 6

respawn
kill timeout @stop_limit@
exec @svscanboot@
