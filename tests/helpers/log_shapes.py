"""The shapes of log scripts that people use most, in words of ours.

They are from daemontools and the services of its time, runit, Void, Debian, BusyBox, Chef and s6.
``@LOG@`` is a log directory that is there, and belongs to the account ``@USER@`` of the group
``@GROUP@``; so does ``./main``. ``@NEW@`` is one that is not there. ``@BIN@`` holds our commands,
which the PATH has, too.
"""

from __future__ import annotations

SHAPES = {
    "daemontools": "#!/bin/sh\nexec multilog t ./main\n",
    "account": "#!/bin/sh\nexec setuidgid @USER@ multilog t ./main\n",
    "djbdns": "#!/bin/sh\nexec 2>&1\nexec setuidgid @USER@ multilog t ./main\n",
    "qmail": "#!/bin/sh\nexec @BIN@/setuidgid @USER@ @BIN@/multilog t @LOG@\n",
    "sizes": "#!/bin/sh\nPATH=@BIN@:/usr/local/bin:/usr/bin:/bin\nexport PATH\n"
    "exec setuidgid @USER@ multilog t s1000000 n20 @LOG@ 2>&1\n",
    "select": "#!/bin/sh\n# the lines that matter\nexec setuidgid @USER@ \\\n"
    "  multilog t ./main \\\n  '-*' '+* second*' \\\n  @LOG@\n",
    "status": "#!/bin/sh\nexec multilog t ./main '-*' '+* second' =status\n",
    "gzip": "#!/bin/sh\nexec 2>&1\nexec setuidgid @USER@ multilog t '!gzip -9' s4096 ./main\n",
    "alerts": "#!/bin/sh\nexec 2>&1\nexec multilog '-*' '+hello*' e ./main\n",
    "quoted alerts": "#!/bin/sh\nexec multilog '-*' \"+sec*\" e ./main\n",
    "made": "#!/bin/sh\nmkdir -p @NEW@\nexec multilog t @NEW@\n",
    "owned": "#!/bin/sh\nexec 2>&1\nmkdir -p ./logs\nchown @USER@ ./logs\n"
    "exec setuidgid @USER@ multilog t ./logs\n",
    "bash": '#!/bin/bash\nset -euo pipefail\nLOGDIR=@NEW@\nmkdir -p "$LOGDIR"\n'
    'chown @USER@:@GROUP@ "${LOGDIR}"\nexec setuidgid @USER@ multilog t n10 "$LOGDIR"\n',
    "mask": "#!/bin/dash\numask 027\nmkdir -p @NEW@\nexec multilog t @NEW@\n",
    "moves": "#!/bin/sh\nmkdir -p @NEW@\ncd @NEW@ || exit 1\nexec multilog t ./main\n",
    "if": "#!/bin/sh\nif [ ! -d @NEW@ ]; then\n    mkdir -p @NEW@\n    chown @USER@ @NEW@\n"
    "    chmod 2750 @NEW@\nfi\nexec setuidgid @USER@ multilog t @NEW@\n",
    "add": "#!/bin/sh\n[ -d @NEW@ ] || mkdir -p @NEW@\nexec 2>&1\nexec multilog t @NEW@\n",
    "test": "#!/bin/sh\ntest -d @NEW@ || mkdir -p -m 750 @NEW@ && chown @USER@ @NEW@\n"
    "exec setuidgid @USER@ multilog t s99999 @NEW@\n",
    "braces": "#!/bin/sh\n[ -d @NEW@ ] || { mkdir -p @NEW@; chown @USER@:@GROUP@ @NEW@; }\n"
    "exec setuidgid @USER@ multilog t @NEW@\n",
    "execline": "#!/usr/bin/execlineb -P\nfdmove -c 2 1\nsetuidgid @USER@\nmultilog t ./main\n",
    "execline made": "#!/usr/bin/execlineb -P\nforeground { mkdir -p @NEW@ }\n"
    "if { chown @USER@ @NEW@ }\nsetuidgid @USER@ multilog t @NEW@\n",
    "runit": "#!/bin/sh\nexec svlogd -tt ./main\n",
    "runit account": "#!/bin/sh\nexec chpst -u @USER@ svlogd -tt ./main\n",
    "debian": '#!/bin/sh\nset -e\n\nLOG=@LOG@\n\nexec chpst -u@USER@ svlogd -tt "$LOG"\n',
    "debian made": '#!/bin/sh -e\n\nLOG="@NEW@"\n\ntest -d "$LOG" || mkdir -p -m0755 "$LOG"\n'
    'chown @USER@:@GROUP@ "$LOG"\nexec chpst -u @USER@:@GROUP@ svlogd -tt "$LOG"\n',
    "void": "#!/bin/sh\n[ -d @NEW@ ] || mkdir -p @NEW@\nexec 2>&1\nexec svlogd -tt @NEW@\n",
    "void install": "#!/bin/sh\nexec 2>&1\ninstall -d -m 0750 -o @USER@ -g @GROUP@ @NEW@\n"
    "exec chpst -u @USER@:@GROUP@ svlogd -t @NEW@\n",
    "strict": "#!/usr/bin/env sh\nset -eu\nNAME=`basename $(dirname $(readlink -f $0))`\n"
    "DIR=@NEW@/${NAME}\nUSER=@USER@\nGROUP=@GROUP@\n# owner and mode\nmkdir -p ${DIR}\n"
    "chown ${USER}:${GROUP} ${DIR}\nchmod 700 ${DIR}\n"
    "exec @BIN@/chpst -u ${USER} @BIN@/svlogd -tt ${DIR}\n",
    "busybox": '#!/bin/sh\nexec 2>&1\nuser=@USER@\nservice="$(basename "$(pwd)")"\n'
    'logdir="@NEW@/$service"\nmkdir -p "$logdir" 2>/dev/null\n'
    'chown -R "$user": "$logdir"\nchmod -R a=rX,u+w "$logdir"\n'
    'exec setuidgid "$user" svlogd -tt "$logdir"\n',
    "chef": "#!/bin/sh\nexec svlogd -tt @LOG@\n",
    "default": '#!/bin/sh\nexec svlogd -tt "${SV_LOG_DIR:-@LOG@}"\n',
    "suffix": '#!/bin/sh\nsvc="${PWD##*/}"\nmkdir -p "@NEW@/$svc"\nexec svlogd -ttt "@NEW@/$svc"\n',
    "fails": "#!/bin/sh\nexec 2>&1\nmkdir @LOG@\nchown nosuchuser @LOG@\nexec svlogd -tt @LOG@\n",
    "complains": "#!/bin/sh\nmkdir @LOG@\nexec multilog t ./main @LOG@\n",
    "verbose": "#!/bin/sh\nexec 2>&1\necho starting the log >&2\nexec svlogd -v -tt ./main\n",
    "widths": "#!/bin/sh\n# short lines do\nLINELEN=80\nBUFLEN=200\n"
    "exec chpst -u @USER@ svlogd -l ${LINELEN} -b ${BUFLEN} @LOG@\n",
    "sourced": "#!/bin/sh\n. ./conf\nexec svlogd -tt ./main\n",
    "config": "#!/bin/sh\ncat >@LOG@/config <<END\ns5000000\nn10\nEND\nexec svlogd -tt @LOG@\n",
    "file": "#!/bin/sh\nexec cat >./main/current\n",
    "shell": "#!/bin/sh\nmultilog t ./main\n",
}

AS_WRITTEN = {"sourced", "config", "file", "shell"}
"""Those that a shell runs, as every script was once."""
