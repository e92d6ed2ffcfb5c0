"""Scanners that others start: seen in every spelling, and in nothing that merely looks like one."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
from helpers.images import Image, MakeImage
from helpers.installer import Running, look_at, plan_for
from helpers.spellings import ALIKE, SCANNERS, SCRIPTS, Wrap
from hypothesis import given
from hypothesis import strategies as st

from slashservice.installer.cli.verbs_install import remembered
from slashservice.installer.detection.rivals import Find, Search
from slashservice.installer.detection.wirings import find_scanners
from slashservice.installer.doctor import examine
from slashservice.installer.errors import Refusal
from slashservice.installer.host.host import Host
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.files import EditFile
from slashservice.installer.plan.options import Options
from slashservice.installer.plan.planner import make_plan
from slashservice.installer.plan.takeover import take_over
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction
from slashservice.supervise.chain import launchers

DEFAULTS = {
    "svscan": "/service",
    "svscanboot": "/service",
    "runsvdir": "/etc/service",
    "s6-svscan": "/service",
}
NOWHERE = Host("/proc/self/fdinfo", live=False)  # a root with nothing in it


def finds(syntax: str, text: str, path: str = "/etc/rc.local", host: Host = NOWHERE) -> list[Find]:
    """What is found in a file."""
    return Search(host, INIT_SYSTEMS, DEFAULTS).find(path, syntax, text)


def unit(line: str) -> str:
    """A unit that runs a command line."""
    return f"[Unit]\nDescription=svscan\n[Service]\n{line}\n[Install]\nWantedBy=x\n"


SHELL = """
/usr/bin/svscanboot &
svscanboot /service &
svscan
env - PATH=/bin svscan /service &
(cd /service && svscan &)
( sleep 10; svscan /service ) &
{ svscan /service; } > /dev/null 2>&1 &
csh -cf '/command/svscanboot &'
/bin/csh -c -f '/command/svscanboot &'
sh -c "exec svscan /service"
/bin/sh -ec 'cd /; exec svscan /service'
su - root -c '/command/svscan /service &'
su root -s /bin/sh -c "svscan /service"
su -c svscanboot
runuser -u root -- svscan /service
sudo -u root -H A=b svscan /service
doas svscan /service
exec setsid -f nice -n -5 svscan /service
setsid nohup nice -10 svscan /service </dev/null >/dev/null 2>&1 &
nohup /usr/local/bin/svscan /service/ >/dev/null &
pgrphack svscan /service
/command/pgrphack /command/setlock -n /run/lock/x /command/svscan /service
softlimit -m 100000 -o50 svscan /service
envdir /etc/env setuidgid root svscan /service
chpst -e /etc/env -u root svscan /service
start-stop-daemon --start --quiet --background --exec /usr/bin/svscan -- /service
start-stop-daemon -S -b -x /usr/bin/svscan -- /service
start-stop-daemon --start --pidfile /x --startas /usr/bin/env -- PATH=/bin svscan /service
start-stop-daemon -Sbmx /usr/bin/svscan -- /service
start-stop-daemon --start --chdir /service --exec=/usr/bin/svscan
supervise-daemon svscan --start --exec /usr/bin/svscan -- /service
daemon --user root --pidfile=/x "/usr/bin/svscan /service &"
daemon +5 /usr/bin/svscan /service
/usr/sbin/daemon -f -p /var/run/x.pid /usr/bin/svscan /service
daemon -n svscan -r -- svscan /service
action $"Starting svscan: " /command/svscanboot
chrt -r 10 svscan /service
taskset -c 0 svscan /service
timeout 10 svscan /service
busybox nohup svscan /service
busybox sh -c 'svscan /service'
test -x /usr/bin/svscan && svscan /service
[ -d /service ] && exec svscan /service
if [ -d /service ]; then svscan /service & fi
DIR=/service; svscan $DIR &
DIR=/service; export DIR; svscan "${DIR}" &
svscan ${DIR:-/service} &
D=/usr/bin/svscan A=/service; $D $A &
export SVSCAN=/usr/bin/svscan; exec $SVSCAN /service
SVSCAN=$(which svscan); svscan /service
eval "svscan /service &"
command svscan /service
! svscan /service
time svscan /service
case "$1" in start) svscan /service & ;; esac
case $1 in (start) svscan /service & ;; (*) ;; esac
start() { svscan /service & }
function start { svscan /service & }
cd /service; svscan
cd /; svscan service
'/usr/bin/svscan' "/service"
/usr/bin/sv""scan /service
/usr/bin/svscan -n -g 5 /service
sh /command/svscanboot
. /etc/profile; svscan /service
while :; do svscan /service; sleep 1; done
until svscan /service; do sleep 1; done
pgrep svscan || svscan /service
echo "svscan /service" | sh
echo svscan /service | at now + 1 minute
for p in ntpd svscan; do $p /service; done
for p in /usr/bin/svscanboot; do "${p}" & done
P=/usr/bin/svscanboot; sh "$P"
D=/usr/bin/svscan; echo ${D##*/}; $D /service
trap 'svscan /service &' EXIT
at -f /dev/null now; at now <<< "svscan /service"
X=`echo svscan`; svscan /service | readproctitle service errors: ....
""".strip().splitlines()

ELSEWHERE = """
svscan /other
cd /other && svscan
(cd /other && exec svscan)
env -C /other svscan
DIR=/other; svscan $DIR &
svscan other/
chroot /srv svscan /service
start-stop-daemon --start --chroot /srv --exec /usr/bin/svscan -- /service
runsvdir -P /other
sh -c 'svscan "$1"' sh /other
""".strip().splitlines()

DOUBTFUL = """
mywrapper /usr/bin/svscan /service
mywrapper --fork svscan /service
$LAUNCHER svscan /service &
svscan $SERVICEDIR &
svscan "$(cat /etc/servicedir)"
$(which svscan) /service
screen -dmS svscan svscan /service
tmux new-session -d 'svscan /service'
unshare --pid --fork svscan /service
xargs svscanboot
perl -e 'system("svscan /service &")'
python3 -c "import os; os.execvp('svscan', ['svscan'])"
for p in $(cat /etc/programs); do $p svscan /service; done
""".strip().splitlines()

NOTHING = """
# svscan /service
#/usr/bin/svscanboot &
echo svscan /service
echo "now: svscan /service"
echo 'svscan /service'; true
printf '%s\\n' "/usr/bin/svscan /service"
logger -t boot "svscan /service starts"
log_daemon_msg "Starting svscan" "svscan"
ebegin "Starting svscan"
[ -x /usr/bin/svscan ] || exit 0
test -x /command/svscanboot || exit 0
if [ ! -e /usr/bin/svscan ]; then exit 0; fi
[[ -x /usr/bin/svscan && -d /service ]] || exit
killall svscan
pkill -f 'svscan /service'
pidof svscan
pgrep -f "svscan /service"
ps ax | grep svscan
command -v svscan
which svscan >/dev/null
start-stop-daemon --stop --exec /usr/bin/svscan
start-stop-daemon -K -x /usr/bin/svscan
start-stop-daemon --status --exec /usr/bin/svscan
cp /usr/bin/svscan /service
ln -s /usr/bin/svscan /command/svscan
rm -f /var/run/svscan.pid
chown root /usr/bin/svscan
touch /var/lock/subsys/svscan
mycmd --pidfile /run/svscan
mycmd --config /etc/svscan
mail -s svscan root
mail -s "svscan is up" root
rc-update add svscan default
update-rc.d svscan defaults
chkconfig svscan on
systemctl enable svscan
systemctl stop svscan
/etc/init.d/svscan stop
NAME=svscan
DESC="svscan /service"
PROGRAMS='svscan svscanboot'
case $1 in svscan) true ;; svscanboot|other) false ;; esac
for i in svscan svscanboot; do echo $i; done
svscan() { true; }
trap 'kill svscan' 0
cat > /etc/x <<END; true
mysvscan /service
svscan.sh /service
svscan-status /service
foo > svscan
foo 2> /usr/bin/svscan
. /etc/default/svscan
sv up /etc/service/svscan
svc -d /service/svscan
svscan --help
svscanboot --version >/dev/null
/usr/bin/svscan --help | head -1
env svscan -V
mywrapper /usr/bin/svscan --version
sh -n /command/svscanboot
bash -n svscanboot
sh -nc 'svscan /service'
command -pv svscan
type svscan
hash svscan
timeout --help svscan /service
start-stop-daemon --test --start --exec /usr/bin/svscan -- /service
docker run --rm image svscan /service
docker exec -d box svscan /service
podman exec box sh -c 'svscan /service'
ssh host svscan /service
ssh -n host 'svscan /service &'
lxc-attach -n box -- svscan /service
machinectl shell box /usr/bin/svscan /service
chattr +i /usr/bin/svscan
setcap cap_net_bind_service+ep /usr/bin/svscan
update-alternatives --install /usr/bin/svscan svscan /usr/bin/svscan-dt 10
update-alternatives --set svscan /usr/bin/svscan-dt
myalternatives --set svscan /usr/bin/svscan-dt
curl -fsS -o /usr/bin/svscan http://here/svscan
systemctl status svscan
systemctl is-active svscan
python3 -c "print('svscan is up')"
for p in svscan ntpd; do pidof $p; done
find /usr -name svscan -exec chmod 755 {} +
find /usr -name svscan
trap 'svscan /service' USR1
""".strip().splitlines()


@pytest.mark.parametrize("line", SHELL)
def test_a_line_of_a_script_that_starts_one(line: str) -> None:
    found = finds("shell", f"#!/bin/sh\n# svscan\n{line}\nexit 0\n")
    assert [(one.first, one.directory, one.sure) for one in found] == [(3, "/service", True)]


@pytest.mark.parametrize("line", ELSEWHERE)
def test_a_line_that_starts_one_elsewhere(line: str) -> None:
    found = finds("shell", f"{line}\n")
    assert [one.sure for one in found] == [True]
    assert found[0].directory in ("/other", "/srv/service")


@pytest.mark.parametrize("line", DOUBTFUL)
def test_a_line_that_may_start_one(line: str) -> None:
    found = finds("shell", f"{line}\n")
    assert [(one.directory, one.sure) for one in found] == [("/service", False)]


@pytest.mark.parametrize("line", NOTHING)
def test_a_line_that_starts_none(line: str) -> None:
    assert finds("shell", f"#!/bin/sh\n{line}\n") == []


@given(SCRIPTS, st.sampled_from(SCANNERS))
def test_wrappers_of_wrappers(wrap: Wrap, scanner: str) -> None:
    script = wrap(f"{scanner} /service")
    found = finds("shell", f"#!/bin/sh\n{script}\n")
    assert [(one.program, one.directory, one.sure) for one in found] == [
        (scanner, "/service", True)
    ], script


@given(ALIKE, st.sampled_from(SCANNERS))
def test_look_alikes(alike: Wrap, scanner: str) -> None:
    assert finds("shell", f"#!/bin/sh\n{alike(scanner + ' /service')}\n") == []


@given(st.text(alphabet="svscan /'\"\\$`(){};&|<>#\n\t=-c~", max_size=80))
def test_no_text_is_too_much(text: str) -> None:
    finds("shell", f"svscan{text}")
    for syntax in ("inittab", "unit", "crontab", "user-crontab", "upstart", "dinit", "finit"):
        finds(syntax, f"svscan{text}")
    for syntax in ("plist", "ttys", ""):
        finds(syntax, f"svscan{text}")


COMMANDS = (
    "/usr/bin/svscanboot",
    "/usr/bin/svscan /service",
    "/usr/bin/env svscan /service",
    "/usr/bin/env PATH=/bin:/usr/bin svscan /service",
    "/bin/sh -c 'svscan /service 2>&1 | logger'",
    '/bin/sh -c "exec svscan /service"',
    "/usr/bin/setsid /usr/bin/nice -n 5 /usr/bin/svscan /service",
)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("syntax", "form"),
    [
        ("inittab", "SV:12345:respawn:{}"),
        ("inittab", "SV:12345:respawn:+{}"),
        ("inittab", "::respawn:-{}"),
        *(("unit", unit(f"ExecStart={prefix}{{}}")) for prefix in ("", "-", "+", "!", "!!", ":")),
        *(("unit", unit(f"ExecStart={prefix}{{}}")) for prefix in ("-+", "+-", "-:!", "| ", "- ")),
        ("unit", unit("ExecStartPre={}\nExecStart=/bin/true")),
        ("unit", unit("ExecStartPost=-{}")),
        ("unit", unit("ExecStart = {}")),
        ("unit", unit("ExecStart=/bin/true ; {}")),
        ("unit", unit("ExecStart=/bin/true\nExecStart=\nExecStart={}")),
        ("unit", unit("ExecStart=/usr/bin/nice \\\n# a comment\n  {}")),
        ("crontab", "@reboot root {}"),
        ("anacrontab", "# all\nPATH=/bin\n@monthly 45 cron.monthly nice {}"),
        ("anacrontab", "1\t5\tcron.daily\t{}"),
        (
            "shell",
            "#!/bin/sh\n# atrun uid=0\ncd / || exit 1\n${{SHELL:-/bin/sh}} << 'E9'\n{}\nE9\n",
        ),
        ("crontab", "PATH=/bin\n*/5 * * * *\troot\tpgrep svscan || {}"),
        ("user-crontab", 'MAILTO=""\n@reboot {}'),
        ("user-crontab", "0 0-23/2 * * mon,tue {}%one%two"),
        ("upstart", "start on runlevel 2\nexec {}\n"),
        ("upstart", "respawn\nrespawn limit 5 5\npre-start exec {}\n"),
        ("upstart", "respawn {}\n"),
        ("upstart", "script\n  cd /\n  exec {}\nend script\n"),
        ("dinit", "type = process\ncommand = {}\n"),
        ("dinit", "command: {} # why\n"),
        ("finit", "service [2345] <!pid> name:svscan {} -- svscan\n"),
        ("finit", "task [S] {}\n"),
        ("shell", "#!/bin/sh /etc/rc.common\nprocd_set_param command {}\n"),
    ],
)
def test_every_syntax(syntax: str, form: str, command: str) -> None:
    found = finds(syntax, form.format(command))
    assert [(one.directory, one.sure) for one in found] == [("/service", True)]


@pytest.mark.parametrize(
    ("syntax", "text"),
    [
        ("inittab", "#SV:12345:respawn:/usr/bin/svscan /service"),
        ("inittab", "SV:12345:respawn"),
        ("inittab", "x:2:once:/bin/echo svscan /service"),
        ("unit", unit("#ExecStart=/usr/bin/svscan /service\nExecStart=/bin/true")),
        ("unit", unit("ExecStop=/usr/bin/svscan /service")),
        ("unit", unit("ExecStart=/bin/echo /usr/bin/svscan /service")),
        ("unit", unit("ExecStart=/usr/bin/svscan /service\nExecStart=\nExecStart=/bin/true")),
        ("unit", "[Unit]\nExecStart=/usr/bin/svscan /service\n"),
        ("crontab", "#@reboot root svscan /service"),
        ("crontab", "@reboot svscan echo /service"),
        ("crontab", "SVSCAN=svscan /service"),
        ("user-crontab", "@reboot echo svscan /service"),
        ("user-crontab", "@reboot cat%svscan /service"),
        ("anacrontab", "# 1 5 cron.daily svscan /service\nSTART=svscan /service"),
        ("upstart", '# exec svscan /service\ndescription "svscan /service"\nexec /bin/x\n'),
        ("dinit", "# command = /usr/bin/svscan /service\nstop-command = /usr/bin/svscan /x\n"),
        ("finit", "# service /usr/bin/svscan /service\nservice /bin/x -- svscan /service\n"),
        ("ttys", 'sv "/usr/bin/svscan /service" none off\n'),
    ],
)
def test_every_syntax_has_look_alikes(syntax: str, text: str) -> None:
    assert finds(syntax, text) == []


def test_a_service_of_shepherd() -> None:
    text = ';; svscan /x\n(start #~(make-forkexec-constructor \'("/usr/bin/svscan" "/service")))\n'
    (found,) = finds("scheme", text)
    assert (found.first, found.program, found.directory) == (2, "/usr/bin/svscan", "/service")


def test_the_at_sign_of_a_unit_names_the_process() -> None:
    (found,) = finds("unit", unit("ExecStart=@/usr/bin/svscan svscan /service"))
    assert (found.directory, found.first) == ("/service", 4)


def test_a_unit_s_own_variables_and_directory() -> None:
    text = unit("Environment=DIR=/srv/x 'A=b c'\nExecStart=/usr/bin/svscan ${DIR}")
    assert [one.directory for one in finds("unit", text)] == ["/srv/x"]
    text = unit("WorkingDirectory=/srv/y\nExecStart=/usr/bin/svscan")
    assert [one.directory for one in finds("unit", text)] == ["/srv/y"]


def test_a_terminal_that_is_on() -> None:
    (found,) = finds("ttys", 'sv "/usr/bin/svscan /service" none on secure\n')
    assert found.directory == "/service"


def test_a_property_list() -> None:
    text = (
        '<?xml version="1.0"?>\n<plist version="1.0"><dict>\n<key>ProgramArguments</key>\n'
        "<array><string>/usr/local/bin/svscan</string>\n<string>/service</string></array>\n"
        "{}</dict></plist>\n"
    )
    (found,) = finds("plist", text.format(""))
    assert (found.directory, found.first) == ("/service", 4)
    assert finds("plist", text.format("<key>Disabled</key><true/>")) == []
    assert [one.program for one in finds("plist", text)] == ["/usr/local/bin/svscan"]  # broken


@pytest.mark.parametrize(
    "text",
    [
        '#!/sbin/openrc-run\ncommand="/usr/bin/svscan"\ncommand_args="/service"\n',
        '#!/bin/ksh\ndaemon="/usr/bin/svscan"\ndaemon_flags="/service"\n. /etc/rc.d/rc.subr\n',
        '#!/bin/sh\n. /etc/rc.subr\ncommand=/usr/sbin/daemon\ncommand_args="-f svscan /service"\n',
        "#!/usr/bin/env /lib/init/init-d-script\nDAEMON=/usr/bin/svscan\nDAEMON_ARGS=/service\n",
        '#!/bin/sh\nDAEMON=/usr/bin/svscan\nstart-stop-daemon --start --exec "$DAEMON" -- /service',
        '#!/bin/sh\ncommand=svscan d=${d-"/service"}\nx() { daemon -f sh -c "$command $d|cat"; }',
    ],
)
def test_what_a_script_s_library_is_told(text: str) -> None:
    assert {(one.directory, one.sure) for one in finds("shell", text)} == {("/service", True)}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("#!/usr/bin/python3\nrun(['svscan', folder])\n", 2),
        ("#!/usr/bin/env python3\nrun(['svscan', '-n', '/service'])\n", 2),
        ("#!/bin/execlineb -P\nforeground { echo }\nsvscan /service\n", 3),
        ("#!/bin/execlineb -P\nif { test -d /service } svscan /service\n", 2),
        ("#!/usr/bin/perl\nexec('svscan', $folder);\n", 2),
        ("#!/usr/bin/perl\n# svscan /service\nprint 'the svscan is up', \"svscan\\n\";\n", 0),
        ("#!/usr/bin/python3\nlog('svscan starts')  # then svscan\n", 0),
        ("#!/usr/bin/python3\nrun(['svscan', '/other'])\n", 0),
    ],
)
def test_other_languages(text: str, line: int) -> None:
    found = [one for one in finds("shell", text) if one.directory == "/service"]
    assert [(one.first, one.sure) for one in found] == [(line, False)] * bool(line)


def test_another_language_may_start_one() -> None:
    text = '#!/usr/bin/perl\n# svscan /service\nsystem("/usr/bin/svscan /service &");\n'
    assert [(one.first, one.sure) for one in finds("shell", text)] == [(3, False)]


def test_a_command_over_several_lines_is_told_whole() -> None:
    (found,) = finds("shell", "\nenv - \\\n  PATH=/bin \\\n  svscan /service\n")
    assert (found.first, found.last) == (2, 4)


class TestFollowing:
    """What is started is a script, or a service of a name: these are looked into."""

    @pytest.fixture
    def image(self, tmp_path: Path) -> Image:
        image = Image(tmp_path)
        image.program("/usr/local/sbin/boot-all", "#!/bin/sh\nexec svscan ${1:-/service}\n")
        image.program("/usr/bin/svscanboot", "#!/bin/sh\nexec env - svscan /etc/service 2>&1\n")
        image.program("/etc/init.d/daemontools", "#!/bin/sh\ncase $1 in start) svscan /x;; esac\n")
        return image.program("/usr/bin/true", "#!/bin/sh\nexit 0\n")

    @pytest.mark.parametrize(
        ("line", "directory"),
        [
            ("/usr/local/sbin/boot-all", "/service"),
            ("boot-all", "/service"),
            ("boot-all /y", "/y"),
            ("nohup sh /usr/local/sbin/boot-all &", "/service"),
            ("/usr/bin/svscanboot", "/etc/service"),
            ("svscanboot", "/etc/service"),
            ("/etc/init.d/daemontools start", "/x"),
            ("service daemontools start", "/x"),
            ("invoke-rc.d daemontools start", "/x"),
        ],
    )
    def test_it_is_looked_into(self, line: str, directory: str, image: Image) -> None:
        for syntax, form in (
            ("shell", "{}\n"),
            ("crontab", "@reboot root {}"),
            ("anacrontab", "# all\nPATH=/bin\n@monthly 45 cron.monthly nice {}"),
            ("anacrontab", "1\t5\tcron.daily\t{}"),
            (
                "shell",
                "#!/bin/sh\n# atrun uid=0\ncd / || exit 1\n${{SHELL:-/bin/sh}} << 'E9'\n{}\nE9\n",
            ),
            ("inittab", "x::once:{}"),
        ):
            found = finds(syntax, form.format(line), host=Host(str(image.root)))
            assert [(one.directory, one.sure) for one in found] == [(directory, True)]

    @pytest.mark.parametrize(
        "line", ["/etc/init.d/daemontools stop", "service daemontools stop", "true", "nothing"]
    )
    def test_it_starts_none(self, line: str, image: Image) -> None:
        assert finds("shell", f"{line}\n", host=Host(str(image.root))) == []

    @pytest.mark.parametrize(
        ("line", "name", "first"),
        [
            (". /etc/boot.d/10svscan", "10svscan", 2),
            ("source /etc/boot.d/10svscan", "10svscan", 2),
            ("sh /etc/boot.d/10svscan", "", 2),
            ("for f in /etc/boot.d/*; do . $f; done", "10svscan", 2),
            ('for f in /etc/boot.d/[0-9]*; do [ -x $f ] && sh "$f" start; done', "10svscan", 2),
            ("D=/etc/boot.d\nfor f in ${D}/*svscan; do $f; done", "10svscan", 2),
            ("for f in $(ls /etc/boot.d); do . /etc/boot.d/$f; done", "10svscan", 2),
            ("for f in `ls /etc/boot.d/*`; do sh $f; done", "10svscan", 2),
            ("run-parts /etc/boot.d", "10svscan", 2),
            ("cd / && run-parts --report /etc/boot.d", "10svscan", 2),
            ("/etc/more", "10svscan", 2),
            ("find /etc/boot.d -type f -exec sh {} \\;", "10svscan", 2),
            ("at -f /etc/boot.d/10svscan now", "", 2),
        ],
    )
    def test_files_that_are_read_or_run_unnamed(
        self, line: str, name: str, first: int, image: Image
    ) -> None:
        image.program("/etc/boot.d/10svscan", "# no first line\nsvscan /service &\n")
        image.program("/etc/boot.d/20other", "#!/bin/sh\necho\n")
        image.program("/etc/boot.d/10svscan~", "svscan /service &\n")
        image.program("/etc/more", "#!/bin/sh\nrun-parts /etc/boot.d\n")
        (found,) = finds("shell", f"#!/bin/sh\n{line}\n", host=Host(str(image.root)))
        path = f"/etc/boot.d/{name}" if name else ""
        assert (found.path, found.first, found.sure) == (path, first, True)

    @pytest.mark.parametrize(
        "line",
        [
            "for f in /etc/boot.d/S*; do . $f; done",
            "for f in /etc/boot.d/*; do echo $f; done",
            "for f in /etc/boot.d/*; do $f stop; done",
            "ls /etc/boot.d/*",
            ". /etc/boot.d/20other",
            "run-parts --test /etc/none.d",
        ],
    )
    def test_files_that_are_not(self, line: str, image: Image) -> None:
        image.program("/etc/boot.d/10svscan", "case $1 in stop) ;; *) svscan /service ;; esac\n")
        image.program("/etc/boot.d/20other", "#!/bin/sh\necho svscan\n")
        assert finds("shell", f"{line}\n", host=Host(str(image.root))) == []

    @pytest.mark.parametrize(
        "command", ["/opt/boot.py", "/usr/bin/python3 -u /opt/boot.py", "env python3 /opt/boot.py"]
    )
    def test_scripts_of_other_languages_behind_a_unit(self, command: str, image: Image) -> None:
        image.program(
            "/opt/boot.py", "#!/usr/bin/python3\nsubprocess.run(['svscan', '/service'])\n"
        )
        host = Host(str(image.root))
        (found,) = finds(
            "unit", unit(f"ExecStart={command}"), "/etc/systemd/system/x.service", host
        )
        assert (found.directory, found.sure, found.first) == ("/service", False, 4)
        image.program("/opt/boot.py", "#!/usr/bin/python3\nprint('svscan is up')\n")
        assert finds("unit", unit(f"ExecStart={command}"), host=host) == []

    @pytest.mark.parametrize("data", [b"\0execvp\0", b"\0dlopen\0", b"\0libglib-2.0.so.0\0", b""])
    def test_programs_that_can_run_nothing(self, data: bytes, image: Image) -> None:
        """They are told by the functions and the libraries that they call."""
        plain = b"\x7fELF\0libc.so.6\0ld-linux-x86-64.so.2\0ioctl\0" + data
        image.program("/usr/bin/label", plain)
        found = finds("shell", "label +i /usr/bin/svscan\n", host=Host(str(image.root)))
        assert [one.sure for one in found] == [False] * bool(data)

    def test_our_lines_in_it_are_no_rival(self, image: Image) -> None:
        script = "#!/bin/sh\n[ -x /etc/rc.local ] && /etc/rc.local\n"
        image.program("/etc/init.d/rc.local", script)
        for text, found in ((b"#!/bin/sh\n", 1), (Block("").insert(b"#!/bin/sh\n"), 1)):
            image.program("/etc/rc.local", text + b"/usr/bin/svscanboot &\n")
            host = Host(str(image.root))
            assert len(finds("shell", script, "/etc/init.d/rc.local", host)) == found
        image.program("/etc/rc.local", Block("/command/svscanboot &\n").insert(b"#!/bin/sh\n"))
        assert finds("shell", script, "/etc/init.d/rc.local", Host(str(image.root))) == []

    def test_scripts_that_run_each_other(self, image: Image) -> None:
        image.program("/usr/bin/a", "#!/bin/sh\n/usr/bin/b # svscan\n")
        image.program("/usr/bin/b", "#!/bin/sh\n/usr/bin/a # svscan\n")
        assert finds("shell", "/usr/bin/a\n", host=Host(str(image.root))) == []


class TestWirings:
    """Which files count, whose they are, and what is in force."""

    @pytest.fixture
    def image(self, make_image: MakeImage) -> Image:
        image = make_image("systemd").program("/usr/bin/svscan")
        return image.file("/etc/systemd/system/sv.service", unit("ExecStart=-/usr/bin/svscan /x"))

    @staticmethod
    def active(image: Image) -> list[str]:
        """The files in which a scanner is started."""
        wirings = look_at(Host(str(image.root))).evidence.wirings
        return [one.path for one in wirings if one.active and not one.ours]

    def test_a_unit_that_nothing_wants(self, image: Image) -> None:
        assert self.active(image) == []

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("/etc/systemd/system/timers.target.wants/sv.timer", "[Timer]\n"),
            ("/run/systemd/system/sockets.target.wants/sv.socket", "[Socket]\n"),
            ("/etc/systemd/system/a.target.wants/b.service", "[Unit]\nWants=a sv.service\n"),
            ("/etc/systemd/system/x.target.wants/boot.timer", "[Timer]\nUnit=sv.service\n"),
        ],
    )  # fmt: skip
    def test_a_unit_that_another_starts(self, path: str, text: str, image: Image) -> None:
        name = path.rsplit("/", 1)[-1]
        image.file(f"/etc/systemd/system/{name}", text)
        assert self.active(image) == []
        image.link(path, f"/etc/systemd/system/{name}")
        assert self.active(image) == ["/etc/systemd/system/sv.service"]

    def test_a_vendor_s_unit_is_hidden_by_the_administrator_s(self, image: Image) -> None:
        image.file("/usr/lib/systemd/system/sv.service", unit("ExecStart=/usr/bin/svscan /y"))
        image.link("/etc/systemd/system/multi-user.target.wants/sv.service", "../sv.service")
        assert self.active(image) == ["/etc/systemd/system/sv.service"]
        image.path("/etc/systemd/system/sv.service").write_text(unit("ExecStart=/bin/true"))
        assert self.active(image) == []

    def test_drop_ins_add_and_take_away(self, image: Image) -> None:
        image.link("/etc/systemd/system/multi-user.target.wants/sv.service", "../sv.service")
        drop = "/etc/systemd/system/sv.service.d/10-mine.conf"
        image.file(drop, "[Service]\nExecStart=\nExecStart=!!/usr/bin/env svscan /y\n")
        assert self.active(image) == [drop]
        image.file("/usr/lib/systemd/system/sv.service.d/20.conf", "[Service]\nExecStart=\n")
        assert self.active(image) == []

    def test_a_drop_in_of_our_own_unit_is_ours(self, image: Image, small_source: object) -> None:
        host = Host(str(image.root))
        transaction.install(host, plan_for(host), lambda line: None)
        drop = "[Service]\nExecStart=\nExecStart=/usr/bin/env A=b /command/svscan /service\n"
        image.file("/etc/systemd/system/svscan.service.d/mine.conf", drop)
        assert self.active(image) == []
        assert not transaction.install(host, plan_for(host), lambda line: None)

    @pytest.mark.parametrize(
        ("kind", "path", "text"),
        [
            ("sysvinit-debian", "/etc/inittab.d/sv.tab", "x:2:once:env svscan /service\n"),
            ("systemd", "/etc/crontab", "@reboot root svscanboot\n"),
            ("dinit", "/etc/cron.d/sv", "@reboot root sh -c 'svscanboot &'\n"),
            ("openrc-alpine", "/etc/crontabs/root", "@reboot nohup svscan /service &\n"),
            ("freebsd", "/var/cron/tabs/root", "@reboot svscan /service &\n"),
            ("runit-void", "/etc/rc.local", "(cd /service && svscan &)\n"),
            ("runit-void", "/etc/runit/1", "svscan /service &\n"),
            ("runit-void", "/etc/runit/core-services/90-x.sh", "svscan /service &\n"),
            ("systemd", "/etc/anacrontab", "1 5 sv svscan /service\n"),
            ("systemd", "/var/spool/at/a0001", "svscan /service &\n"),
        ],
    )  # fmt: skip
    def test_it_is_refused_with_file_and_line_and_replaced(
        self, kind: str, path: str, text: str, make_image: MakeImage, small_source: object
    ) -> None:
        image = make_image(kind).file(path, f"# mine\n{text}")
        host = Host(str(image.root))
        with pytest.raises(Refusal) as refusal:
            plan_for(host)
        assert f"{path}:2: {text.strip()}" in refusal.value.advice
        before = image.snapshot()
        transaction.install(host, plan_for(host, replace=True), lambda line: None)
        assert image.path(path).read_text() == f"# mine\n#slashservice# {text}"
        assert transaction.uninstall(host, lambda line: None) == []
        assert image.snapshot() == before

    def test_a_job_of_at(self, make_image: MakeImage, small_source: object) -> None:
        """Its commands are a here-document of a shell."""
        path = "/var/spool/cron/atjobs/a0000101"
        text = "#!/bin/sh\numask 22\n${SHELL:-/bin/sh} << 'E'\n\n%ssvscan /service\nE\n"
        image = make_image("systemd").program(path, text % "")
        host = Host(str(image.root))
        with pytest.raises(Refusal) as refusal:
            plan_for(host)
        assert f"{path}:5: svscan /service" in refusal.value.advice
        transaction.install(host, plan_for(host, replace=True), lambda line: None)
        assert image.path(path).read_text() == text % "#slashservice# "

    @pytest.mark.parametrize(
        ("kind", "table", "line"),
        [
            ("systemd", "/etc/crontab", "17 * * * * root cd / && run-parts --report /etc/boot.d"),
            (
                "systemd",
                "/etc/crontab",
                "@daily root test -x /x || ( cd / && run-parts /etc/boot.d )",
            ),
            ("systemd", "/etc/anacrontab", "1 5 cron.daily nice run-parts /etc/boot.d"),
            ("openrc-alpine", "/etc/crontabs/root", "*/15 * * * * run-parts /etc/boot.d"),
            ("freebsd", "/etc/rc.local", "for f in /etc/boot.d/*; do . $f; done"),
        ],
    )
    def test_a_folder_of_scripts(
        self, kind: str, table: str, line: str, make_image: MakeImage, small_source: object
    ) -> None:
        """The file in it is named, and put out of force, and not the whole folder."""
        path = "/etc/boot.d/svscan"
        image = make_image(kind).file(table, f"{line}\n").program(path, "#!/bin/sh\nsvscanboot &\n")
        host = Host(str(image.root))
        with pytest.raises(Refusal) as refusal:
            plan_for(host)
        assert f"{path}:2: svscanboot &" in refusal.value.advice
        before = image.snapshot()
        transaction.install(host, plan_for(host, replace=True), lambda line: None)
        assert image.path(path).read_text() == "#!/bin/sh\n#slashservice# svscanboot &\n"
        assert image.path(table).read_text().startswith(line)
        assert transaction.uninstall(host, lambda line: None) == []
        assert image.snapshot() == before
        image.path(path).chmod(0o644)
        if "run-parts" in line:
            plan_for(host)

    def test_a_script_that_openrc_s_local_runs(
        self, make_image: MakeImage, small_source: object
    ) -> None:
        image = make_image("openrc-alpine")
        image.program("/etc/local.d/dt.start", "#!/bin/sh\nsvscanboot &\n")
        host = Host(str(image.root))
        plan_for(host)
        image.link("/etc/runlevels/default/local", "/etc/init.d/local")
        with pytest.raises(Refusal, match="another svscan"):
            plan_for(host)
        image.path("/etc/local.d/dt.start").chmod(0o644)
        plan_for(host)

    def test_stages_of_a_runit_that_runs_nothing(
        self, make_image: MakeImage, small_source: object
    ) -> None:
        image = make_image("systemd").program("/etc/runit/2", "#!/bin/sh\nsvscan /service\n")
        plan_for(Host(str(image.root)))

    @pytest.mark.parametrize(
        ("argument", "instance", "directory"),
        [
            ("/%I", "service", "/service"),
            ("/%i", "service", "/service"),
            ("%f", "service", "/service"),
            ("/%I", "srv-service", "/srv/service"),
            ("/%i", "srv-service", "/srv-service"),
            (r"/%I", r"my\x2dservice", "/my-service"),
            ("/%p", "x", "/sv"),
            ("%t/%i", "service", "/run/service"),
        ],
    )
    def test_instances_of_a_unit(
        self, argument: str, instance: str, directory: str, make_image: MakeImage
    ) -> None:
        image = make_image("systemd")
        path = "/etc/systemd/system/sv@.service"
        image.file(path, unit(f"ExecStart=/usr/bin/svscan {argument}"))
        assert self.active(image) == []
        image.link(f"/etc/systemd/system/multi-user.target.wants/sv@{instance}.service", path)
        (wiring,) = look_at(Host(str(image.root))).evidence.wirings
        assert (wiring.active, wiring.directory, wiring.sure) == (True, directory, True)

    def test_an_instance_that_another_unit_wants(self, make_image: MakeImage) -> None:
        image = make_image("systemd")
        image.file("/etc/systemd/system/sv@.service", unit("ExecStart=/usr/bin/svscan /%i"))
        image.file("/etc/systemd/system/x.target", "[Unit]\nWants=a.service sv@service.service\n")
        assert self.active(image) == []
        image.link("/etc/systemd/system/multi-user.target.wants/x.target", "../x.target")
        (wiring,) = look_at(Host(str(image.root))).evidence.wirings
        assert (wiring.active, wiring.directory) == (True, "/service")

    def test_a_command_over_several_lines_is_left_to_the_administrator(
        self, make_image: MakeImage, small_source: object
    ) -> None:
        image = make_image("systemd")
        image.program("/etc/rc.local", "#!/bin/sh\nnohup \\\n  svscan /service &\n")
        with pytest.raises(Refusal, match=r"/etc/rc\.local: line 2 can't be put out") as why:
            plan_for(Host(str(image.root)), replace=True)
        assert "  svscan /service &" in why.value.advice

    def test_a_service_of_runit_s(self, make_image: MakeImage, small_source: object) -> None:
        image = make_image("runit-debian").program("/etc/sv/dt/run", "#!/bin/sh\nexec svscan\n")
        enabled = "/etc/runit/runsvdir/default/dt"
        plan_for(Host(str(image.root)))
        image.link(enabled, "/etc/sv/dt")
        before = image.snapshot()
        host = Host(str(image.root))
        with pytest.raises(Refusal) as refusal:
            plan_for(host)
        assert f"{enabled}/run:2: exec svscan" in refusal.value.advice
        transaction.install(host, plan_for(host, replace=True), lambda line: None)
        assert not image.path(enabled).is_symlink()
        transaction.uninstall(host, lambda line: None)
        assert image.snapshot() == before
        seen = look_at(host)
        live = dataclasses.replace(seen, host=Running(image.root))
        (wiring,) = [one for one in seen.evidence.wirings if one.active]
        with pytest.raises(Refusal, match="line 2 can't be put out of force"):
            take_over(live, INIT_SYSTEMS, (wiring,), "/service")

    @pytest.mark.parametrize("name", ["sv~", ".sv.swp", "sv.bak", "sv.dpkg-old", "sv.rpmsave"])
    def test_what_an_editor_has_left_is_read_by_nobody(
        self, name: str, make_image: MakeImage, small_source: object
    ) -> None:
        image = make_image("systemd").file(f"/etc/cron.d/{name}", "@reboot root svscanboot\n")
        plan_for(Host(str(image.root)))

    def test_who_mentions_us_is_not_us(self, make_image: MakeImage, small_source: object) -> None:
        text = "# not after: slashservice install\n@reboot root svscanboot\n"
        image = make_image("systemd").file("/etc/cron.d/sv", text)
        with pytest.raises(Refusal, match="another svscan"):
            plan_for(Host(str(image.root)))

    def test_an_inittab_d_that_nobody_reads(
        self, make_image: MakeImage, small_source: object
    ) -> None:
        image = make_image("systemd").file("/etc/inittab.d/sv.tab", "x:2:respawn:svscanboot\n")
        plan_for(Host(str(image.root)))

    def test_an_id_of_inittab_d_is_taken(self, make_image: MakeImage, small_source: object) -> None:
        image = make_image("sysvinit-debian").file("/etc/inittab.d/a.tab", "SV:2:once:/bin/x\n")
        plan = plan_for(Host(str(image.root)))
        edits = [one for one in plan.actions if isinstance(one, EditFile)]
        (block,) = [one.editor for one in edits if one.path == "/etc/inittab"]
        assert isinstance(block, Block)
        assert block.lines.startswith("DT:")

    def test_what_starts_a_unit_is_switched_off_with_it(
        self, image: Image, small_source: object
    ) -> None:
        image.file("/etc/systemd/system/sv.service", unit("ExecStart=/usr/bin/svscan /service"))
        image.file("/etc/systemd/system/sv.timer", "[Timer]\nOnBootSec=1\n")
        link = "/etc/systemd/system/timers.target.wants/sv.timer"
        image.link(link, "../sv.timer")
        before = image.snapshot()
        host = Host(str(image.root))
        transaction.install(host, plan_for(host, replace=True), lambda line: None)
        assert not image.path(link).is_symlink()
        assert self.active(image) == []
        transaction.uninstall(host, lambda line: None)
        assert image.snapshot() == before

    def test_what_a_package_has_enabled_is_masked(self, image: Image, small_source: object) -> None:
        folder = "/usr/lib/systemd/system"
        image.file(f"{folder}/dt.service", unit("ExecStart=/usr/bin/svscan /service"))
        image.link(f"{folder}/multi-user.target.wants/dt.service", "../dt.service")
        before = image.snapshot()
        host = Host(str(image.root))
        transaction.install(host, plan_for(host, replace=True), lambda line: None)
        assert os.readlink(image.path("/etc/systemd/system/dt.service")) == "/dev/null"
        assert self.active(image) == []
        transaction.uninstall(host, lambda line: None)
        assert image.snapshot() == before

    def test_another_name_of_the_directory(
        self, make_image: MakeImage, small_source: object
    ) -> None:
        image = make_image("systemd").folders("/etc/service").link("/service", "etc/service")
        image.file("/etc/cron.d/sv", "@reboot root svscan /etc/service\n")
        with pytest.raises(Refusal, match="another svscan supervises /service already"):
            plan_for(Host(str(image.root)))


class TestOurOwn:
    """Lines that start our own svscan, in whatever place, are no other svscan's."""

    BLOCK = "# begin slashservice\n/command/pgrphack /command/svscanboot &\n# end slashservice\n"

    @pytest.mark.parametrize(
        "form",
        [
            *("su pi -c '\n%s'\n", "sh <<E\n%sE\n", 'echo "\n%s"\n', "cat <<E\n%sE\n"),
            *("if true; then\n%sfi\n", "f() {\n%s}\nf\n", "nohup \\\n%s", "eval '\n%s'\n"),
        ],
    )
    def test_a_block_in_whatever(
        self, form: str, make_image: MakeImage, small_source: object
    ) -> None:
        """It is moved to where it belongs."""
        image = make_image("systemd").program("/etc/rc.local", "#!/bin/sh\n" + form % self.BLOCK)
        host = Host(str(image.root))
        assert all(one.ours for one in look_at(host).evidence.wirings)
        plan_for(host, init="rclocal")
        other = form % (self.BLOCK + "/usr/bin/svscanboot &\n")
        image.program("/etc/rc.local", "#!/bin/sh\n" + other)
        theirs = [one.program for one in look_at(host).evidence.wirings if not one.ours]
        assert theirs == ["/usr/bin/svscanboot"] * (form[:4] not in ("echo", "cat "))

    @pytest.mark.parametrize("there", [True, False])
    @pytest.mark.parametrize(
        ("kind", "path", "line", "remedy"),
        [
            (
                "sysvinit-debian",
                "/etc/inittab",
                "SV:2345:respawn:/command/svscanboot",
                "    sed -i '1s/^/#/' /etc/inittab",
            ),
            (
                "rclocal-systemd",
                "/etc/rc.local",
                "/command/svscanboot &",
                "    sed -i '1s/^/#/' /etc/rc.local",
            ),
            (
                "systemd",
                "/etc/systemd/system/sv.service",
                "[Service]\nExecStart=/command/svscan /service",
                "    systemctl disable sv.service",
            ),
        ],
    )
    def test_a_line_that_somebody_wrote(
        self,
        there: bool,
        kind: str,
        path: str,
        line: str,
        remedy: str,
        make_image: MakeImage,
        small_source: object,
    ) -> None:
        image = make_image(kind)
        text = image.path(path).read_text() if image.path(path).exists() else ""
        image.program(path, f"{line}\n{text}")
        image.link("/etc/systemd/system/multi-user.target.wants/sv.service", path)
        host = Host(str(image.root))
        if there:
            for name in ("svscan", "svscanboot"):
                launcher = launchers.text(name, "/usr/bin/python3", "/package/admin/x")
                image.program(f"/command/{name}", launcher)
        with pytest.raises(Refusal, match=r"is started already, by a line that .* did not") as why:
            plan_for(host, init="rclocal" if "rc.local" in path else None)
        place, advice, command, _ = why.value.advice
        (wanted,) = [one for one in line.splitlines() if "svscan" in one]
        assert place == f"{path}:{len(line.splitlines())}: {wanted}"
        assert command == remedy
        assert advice.endswith("Put this one out of force:")

    def test_somebody_else_s_in_our_place(
        self, make_image: MakeImage, small_source: object
    ) -> None:
        image = make_image("systemd").program(
            "/command/svscanboot", "#!/bin/sh\nexec svscan /service"
        )
        image.program("/etc/rc.local", "#!/bin/sh\n/command/svscanboot &\n")
        with pytest.raises(Refusal, match="another svscan"):
            plan_for(Host(str(image.root)))


class TestDoubt:
    """What can't be told is asked about, and the answer is remembered."""

    LINE = "mywrapper --fork /usr/bin/svscan /service &\n"

    @pytest.fixture
    def image(self, make_image: MakeImage, small_source: object) -> Image:
        return make_image("systemd").program("/etc/rc.local", f"#!/bin/sh\n{self.LINE}")

    def test_it_is_refused(self, image: Image) -> None:
        with pytest.raises(Refusal, match="can't be told") as refusal:
            plan_for(Host(str(image.root)))
        assert f"/etc/rc.local:2: {self.LINE.strip()}" in refusal.value.advice
        assert "If not: --no-rival /etc/rc.local" in refusal.value.advice

    def test_whoever_knows_says_so_once(self, image: Image) -> None:
        host = Host(str(image.root))
        transaction.install(host, plan_for(host, no_rivals=("/etc/rc.local",)), lambda line: None)
        assert image.path("/etc/rc.local").read_text().endswith(self.LINE)
        again = remembered(host, receipts.load(host), Options())
        assert again.no_rivals == ("/etc/rc.local",)
        assert make_plan(look_at(host), INIT_SYSTEMS, again).choices["no_rivals"]
        assert not any("supervisor" in one.what for one in examine(look_at(host), INIT_SYSTEMS))

    def test_it_can_be_replaced(self, image: Image) -> None:
        host = Host(str(image.root))
        transaction.install(host, plan_for(host, replace=True), lambda line: None)
        assert "#slashservice# mywrapper" in image.path("/etc/rc.local").read_text()

    def test_a_sure_one_is_not_argued_away(self, image: Image) -> None:
        image.program("/etc/rc.local", "#!/bin/sh\nsvscan /service &\n")
        with pytest.raises(Refusal, match="another svscan"):
            plan_for(Host(str(image.root)), no_rivals=("/etc/rc.local",))

    def test_another_directory_is_no_question(self, image: Image) -> None:
        plan_for(Host(str(image.root)), service_dir="/srv/service")


@pytest.mark.parametrize(
    ("comm", "words", "program", "directory"),
    [
        ("svscan", ["/usr/bin/svscan", "/service"], "svscan", "/service"),
        ("svscan", ["svscan", "-n", "-g", "5", "/srv/svscan"], "svscan", "/srv/svscan"),
        ("svscan", ["svscan", "service"], "svscan", os.getcwd()),
        ("runsvdir", ["runsvdir", "-P", "/etc/service", "log: ...."], "runsvdir", "/etc/service"),
        ("busybox", ["busybox", "runsvdir", "/etc/service"], "runsvdir", "/etc/service"),
        ("busybox", ["/bin/busybox", "runsvdir", "/x"], "runsvdir", "/x"),
        ("busybox", ["/bin/busybox", "sh", "svscan"], "", ""),
        ("s6-svscan", ["s6-svscan", "-t", "0", "/run/service"], "s6-svscan", "/run/service"),
        ("sh", ["sh", "-c", "svscan /service"], "", ""),
    ],
)
def test_one_that_runs(
    comm: str, words: list[str], program: str, directory: str, tmp_path: Path
) -> None:
    folder = f"/proc/{os.getpid()}"
    image = Image(tmp_path).file(f"{folder}/comm", f"{comm}\n").folders("/proc/self")
    image.file(f"{folder}/cmdline", "".join(f"{word}\0" for word in words))
    found = find_scanners(Running(image.root), INIT_SYSTEMS)
    assert [(one.program, one.directory) for one in found] == [(program, directory)] * bool(program)
