"""Why settings of systemd's are left out, and which say nothing that would have to be carried."""

from __future__ import annotations

import re

SILENT = re.compile(
    r"Unit\.(Description|Documentation|DefaultDependencies|SourcePath|CollectMode|X-.*)"
    r"|Install\..*|X-.*"
    r"|Service\.(SyslogIdentifier|SyslogFacility|SyslogLevel|SyslogLevelPrefix|X-.*"
    r"|GuessMainPID|NotifyAccess|StandardOutput|StandardError"
    r"|SetLoginEnvironment|NonBlocking|KeyringMode)"
)
"""Settings without a word: names, the place at boot, what the journal calls it."""

ORDER = ("After", "Before", "Requires", "Requisite", "Wants", "BindsTo", "PartOf", "Upholds")
"""Settings of ``[Unit]`` that become comments."""

RESTRICTS = "nothing here restricts what a service may see or do"
GROUPS = "there are no control groups here"
REASONS = (
    (
        r"(Protect|Private|Restrict|SystemCall|Capabilit|Ambient|Secure|IPAddress|Device|Bind)",
        RESTRICTS,
    ),
    (r"(ReadOnly|ReadWrite|Inaccessible|Exec|NoExec)Paths$|TemporaryFileSystem", RESTRICTS),
    (r"(ReadOnly|ReadWrite|Inaccessible)Directories$", RESTRICTS),
    (
        r"(LockPersonality|MemoryDenyWriteExecute|RemoveIPC|Mount|ProcSubset|NoExec|Socket)",
        RESTRICTS,
    ),
    (r"(SELinuxContext|AppArmorProfile|SmackProcessLabel|Personality)", RESTRICTS),
    (
        r"(CPUSchedul|IOSchedul|CPUAffinity|NUMA|CoredumpFilter|TimerSlack|MemoryKSM)",
        "it stays as svscan has it",
    ),
    (r"(CPU|Memory|Tasks|IO|BlockIO|Startup|Managed|Default)[A-Z].*|Slice|Delegate", GROUPS),
    (r"(Load|Set|Import)Credential", "nobody hands out credentials here: name the file itself"),
    (r"Watchdog", "nobody waits for its signs of life"),
    (r"(Condition|Assert)", "it is not looked at before a start"),
    (
        r"(StartLimit|FailureAction|SuccessAction|RebootArgument)",
        "it is started again without limit",
    ),
    (r"(OnFailure|OnSuccess|JobTimeout|JobRunning)", "nothing else is started for it"),
    (r"ReloadSignal", "slashservice reload sends HUP"),
    (
        r"(Conflicts|StopWhen|RefuseManual|Allow|Propagates|Reload|Join|Requires|Ignore)",
        "it is left to you",
    ),
    (r"TimeoutStart|TimeoutAbort|RuntimeMax|RuntimeRandom", "it may take as long as it likes"),
    (r"PassEnvironment", "it gets what svscan has: see env/"),
    (r"(StandardInput|TTY|Utmp|PAMName)", "it has no terminal and no session"),
    (
        r"(BusName|USBFunction|FileDescriptorStore|Sockets)",
        "nobody else starts it or keeps things for it",
    ),
    (r"(RestartSteps|RestartMaxDelaySec)", "the time between two starts stays the same"),
    (r"LogLevelMax", "all that it says is logged"),
    (r"OOMPolicy", "what the kernel kills is as any other end"),
    (r"PIDFile", "its process is known without"),
)
"""Beginnings of names, and why such a setting is left out."""


def reason(key: str) -> str:
    """Return why a setting is left out."""
    for pattern, why in REASONS:
        if re.match(pattern, key):
            return why
    return "it has no counterpart here"
