"""Go back from an uninstall that was interrupted: ``install`` puts back what it has undone.

So the installation is what it was before, with all that the administrator had chosen, and its
receipt still knows what was there before slashservice came.
"""

from __future__ import annotations

import dataclasses
import re

from slashservice.installer import supervision
from slashservice.installer.errors import Refusal, Trouble, reason
from slashservice.installer.host.host import Host, state_folder
from slashservice.installer.interrupts import Interrupted
from slashservice.installer.plan.actions import PathAction
from slashservice.installer.plan.files import KEPT, kept
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record.receipt import Receipt


def begun(receipt: Receipt | None) -> Receipt | None:
    """Return the receipt of an uninstall that was interrupted, ``None`` if there was none.

    It may be the ``receipt``, or what that replaces: an ``install`` may have been killed since.
    """
    if receipt is None or receipt.phase == "undoing":
        return receipt
    prior = Receipt.from_json(receipt.prior) if receipt.prior is not None else None
    going_on = receipt.phase == "applying" and prior is not None and prior.phase == "undoing"
    return prior if going_on else None


def beginning(host: Host, receipt: Receipt) -> Receipt:
    """Return the receipt of an uninstall that begins, or goes on.

    It knows which copies are kept already, and that svscan ran, whatever was chosen once.
    """
    facts = {**receipt.facts}
    if receipt.phase != "undoing":
        facts["kept"] = kept(host)
    if host.live and supervision.running(receipt.service_dir):
        facts["choices"] = {**receipt.choices, "start": True}
    return dataclasses.replace(receipt, phase="undoing", facts=facts)


def gives_back(host: Host, receipt: Receipt) -> bool:
    """Tell whether an uninstall has given something back to another supervisor, in part or all."""
    old = begun(receipt)
    taken = [one.action for one in old.entries if one.action.sticky] if old else []
    return any(isinstance(one, PathAction) and not one.done(host) for one in taken)


def stopped(host: Host, receipt: Receipt, error: Exception) -> Exception:
    """Return an error that ends an uninstall, with what to type then: commands may be gone."""
    code = f"{receipts.tree(receipt)}/command/slashservice"
    links = [getattr(one.action, "path", "") for one in receipt.entries]
    linked = [one for one in links if one.endswith("/slashservice") and host.is_executable(one)]
    command = "slashservice" if linked else code if host.is_executable(code) else ""
    what = f"interrupted by {error}" if isinstance(error, Interrupted) else reason(error)
    then = f"{command} uninstall, once more, goes on; {command} install puts all back"
    if not command:
        then = "Its commands are gone already: to go on, run uninstall from a copy of slashservice"
    advice = (*getattr(error, "advice", ()), then)
    if isinstance(error, Refusal):
        return Refusal(what, *advice)
    return Trouble(what, "", *advice)


def copies(host: Host, receipt: Receipt | None) -> list[str]:
    """Name what an interrupted uninstall has kept aside, a line for each."""
    old = begun(receipt)
    if old is None:
        return []
    before = old.facts.get("kept", ())
    made = [one for one in kept(host) if one not in before]
    lines = []
    for path in dict.fromkeys(getattr(one.action, "path", "") for one in old.entries):
        place = re.escape(f"{state_folder(host)}/{KEPT}{path}")
        found = [one for one in made if path and re.fullmatch(rf"{place}(\.\d+)?", one)]
        found = [one for one in found if host.read(one) != host.read(path)]  # not gone yet
        lines += [f"{path} was changed by someone else: what it said is in {one}" for one in found]
    return lines
