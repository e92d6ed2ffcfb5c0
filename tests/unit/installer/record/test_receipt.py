"""Receipts, and those that older versions wrote."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from helpers.images import Image, MakeImage
from helpers.installer import plan_for

from slashservice.installer.cli.verbs_install import remembered
from slashservice.installer.errors import Trouble
from slashservice.installer.host.host import Host
from slashservice.installer.interrupts import Interrupted
from slashservice.installer.plan import kinds
from slashservice.installer.plan.actions import KINDS
from slashservice.installer.plan.options import Options
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record import transaction

RECEIPT = "/var/lib/slashservice/receipt.json"


def quiet(line: str) -> None:
    """Take no notice of progress."""


def aged(image: Image, row: str) -> Host:
    """Have the receipt's verdict say which rule applied as older versions did."""
    path = image.path(RECEIPT)
    plain = json.loads(path.read_text())
    verdict = plain["facts"]["verdict"]
    del verdict["asked"], verdict["rule"]
    verdict["row"] = row
    path.write_text(json.dumps(plain))
    return Host(str(image.root))


@pytest.mark.parametrize(("row", "init"), [("0", "initd"), ("1", ""), ("11", "")])
def test_what_was_asked_for_is_read_from_an_older_receipt(
    row: str, init: str, make_image: MakeImage, small_source: object
) -> None:
    image = make_image("sysvinit-debian")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, init="initd"), quiet)
    host = aged(image, row)
    receipt = receipts.load(host)
    assert receipt is not None and receipt.asked == bool(init)
    assert remembered(host, receipts.load(host), Options()).init == init


def test_what_is_asked_for_is_remembered(make_image: MakeImage, small_source: object) -> None:
    image = make_image("sysvinit-debian")
    host = Host(str(image.root))
    transaction.install(host, plan_for(host, init="initd"), quiet)
    assert remembered(host, receipts.load(host), Options()).init == "initd"
    transaction.install(host, plan_for(host), quiet)
    assert remembered(host, receipts.load(host), Options()).init == ""


def test_every_kind_of_action_can_be_read() -> None:
    assert {"tree", "link", "runlevel-link", "hand-over", "quieten", "end-scanner"} <= set(KINDS)
    for name, cls in KINDS.items():
        assert cls.kind == name
    plain = {"kind": "forget-state", "path": "/etc/sv/svscan", "unheard_of": 1}
    assert kinds.action_from_json(plain) == KINDS["forget-state"](path="/etc/sv/svscan")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("receipt", "why"),
    [
        ('{"format": 99}', "it has format 99: use the version that wrote it"),
        (None, "it can't be read: be root"),
    ],
)
def test_a_receipt_that_can_t_be_used(receipt: str | None, why: str, tmp_path: Path) -> None:
    image = Image(tmp_path)
    image.folders(RECEIPT) if receipt is None else image.file(RECEIPT, receipt)
    with pytest.raises(Trouble, match=why):
        receipts.load(Host(str(tmp_path)))


def test_a_signal_ends_an_installer_in_order(tmp_path: Path) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    with (
        pytest.raises(Interrupted, match="SIGTERM"),
        transaction.exclusive(Host(str(tmp_path))),
    ):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    assert signal.getsignal(signal.SIGTERM) == handler
