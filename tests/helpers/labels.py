"""Which type SELinux shall give to what is at a place: by our rules, or by Debian's policy."""

from __future__ import annotations

TREE = "/package/admin/slashservice-0.1.0"
FHS = "/usr/local/lib/slashservice/0.1.0"

OURS = {
    "/command": "bin_t",
    "/command/svscan": "bin_t",
    "/package": "usr_t",
    "/package/admin": "usr_t",
    "/package/admin/slashservice": "bin_t",
    TREE: "lib_t",
    f"{TREE}{{new}}": "lib_t",
    f"{TREE}/supervise/program.py": "lib_t",
    f"{TREE}/vendor/plumbum/__init__.py": "lib_t",
    f"{TREE}/LICENSE": "lib_t",
    f"{TREE}/command": "bin_t",
    f"{TREE}/command/svscan": "bin_t",
    f"{TREE}{{new}}/command/svscan": "bin_t",
    f"{FHS}/command": "bin_t",
    f"{FHS}/command/svscan": "bin_t",
}
"""Places of ours, and their types."""

POLICY_S = {
    f"{FHS}/supervise": "lib_t",
    "/usr/local/bin/svscan": "bin_t",
    "/usr/bin/svscan": "svc_start_exec_t",
    "/service": "svc_svc_t",
    "/package/host": "default_t",
    "/package/host/other": "default_t",
    "/package/admin/daemontools/command/svscan": "default_t",
    "/commands": "default_t",
}
"""Places that are left to the policy, and their types in Debian's."""
