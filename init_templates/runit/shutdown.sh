# Written by `slashservice install`; `slashservice uninstall` takes it away.
# Services stop in order before runit stops its own, and kills what is left.
sv -w @stop_limit@ down svscan
