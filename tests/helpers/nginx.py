"""nginx as the tests run it: on the loopback interface, all its files in one directory."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

CONFIGURATION = """\
daemon off;
pid {top}/nginx.pid;
error_log stderr notice;
events {{ }}
http {{
    access_log /dev/stdout;
    client_body_temp_path {top}/body;
    proxy_temp_path {top}/proxy;
    fastcgi_temp_path {top}/fastcgi;
    uwsgi_temp_path {top}/uwsgi;
    scgi_temp_path {top}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ default_type text/plain; return 200 "{answer}"; }}
    }}
}}
"""


def free_ports(count: int) -> list[int]:
    """Return different ports that nobody listens on."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def run(top: Path) -> str:
    """Return a run script for nginx with its files in ``top``."""
    return f"#!/bin/sh\nexec 2>&1\nexec nginx -p {top} -c {top}/nginx.conf -e stderr\n"


def configure(top: Path, port: int, answer: str) -> None:
    """Have nginx give an answer, once it has read its configuration."""
    text = CONFIGURATION.format(top=top, port=port, answer=answer)
    (top / "nginx.conf").write_text(text)
