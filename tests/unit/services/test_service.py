"""The state machine of a service: every state with every event, and what always holds."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from slashservice.supervise.services.actions import (
    ANNOUNCE,
    DOWN,
    FORGET,
    MEANT,
    ONCE,
    PLAIN_SIGNALS,
    RECORD_WANT,
    SENT,
    SIGNAL,
    START,
    UP,
    WAKE,
)
from slashservice.supervise.services.asking import Asking
from slashservice.supervise.services.service import CONTROLS, Service

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slashservice.supervise.services.actions import Action

    Expected = dict[tuple[str, str], list[Action]]

HUP, INT, QUIT, KILL, USR1, USR2, ALRM, TERM, CONT, STOP = 1, 2, 3, 9, 10, 12, 14, 15, 18, 19

LAST_START = 100.0
SOON = 100.5
LATER = 200.0


def sends(*numbers: int) -> list[Action]:
    return [(SIGNAL, number) for number in numbers]


def up(want: bytes = UP) -> Service:
    service = Service(want)
    service.started(LAST_START)
    return service


def down(want: bytes = DOWN) -> Service:
    service = up(want)
    service.exited(SOON)
    return service


def paused() -> Service:
    service = up()
    service.control(ord("p"), SOON)
    return service


def resumed() -> Service:
    """To be started in place of one that another supervisor had paused."""
    service = Service()
    service.not_before = LAST_START + 1
    service.begin(SOON, replaces=True, paused=True)
    return service


def starved() -> Service:
    """Wanted up, but no process could be had."""
    service = Service()
    service.begin(LAST_START)
    service.not_started(LAST_START)
    return service


def leaving() -> Service:
    service = up()
    service.control(ord("x"), SOON)
    return service


def draining() -> Service:
    service = up()
    service.drain(SOON)
    return service


def concluding() -> Service:
    service = up()
    service.conclude(SOON)
    return service


STATES = {
    "up": up,
    "up once": lambda: up(ONCE),
    "up, wanted down": lambda: up(DOWN),
    "paused": paused,
    "down": down,
    "down after once": lambda: down(ONCE),
    "waiting to start": lambda: down(UP),
    "waiting, to be paused": resumed,
    "starved": starved,
    "leaving": leaving,
    "draining": draining,
    "concluding": concluding,
}

IS_UP = {"up", "up once", "up, wanted down", "paused", "leaving", "draining", "concluding"}
IS_DOWN = STATES.keys() - IS_UP

ON_RECORD = {
    "u": {
        *("up", "paused", "leaving", "draining", "concluding"),
        *("waiting to start", "waiting, to be paused", "starved"),
    },
    "o": {"up once", "down after once"},
    "d": {"up, wanted down", "down"},
    "p": {"paused"},
}
"""For each command, the states that are on record as it wants them: there is nothing to record."""

WAIT: list[Action] = [(WAKE, LAST_START + 1)]
WAIT_FOR_A_PROCESS: list[Action] = [(WAKE, LAST_START + 5)]
NOTHING: list[Action] = []

STARTABLE = ["down", "down after once", "waiting to start", "waiting, to be paused"]


def each(command: str, states: Iterable[str], *actions: Action) -> Expected:
    """Return what is expected of a command: what changes is recorded before the actions."""
    expected: Expected = {}
    for state in states:
        record: list[Action] = [] if state in ON_RECORD[command] else [RECORD_WANT]
        expected[state, command] = [*record, *actions]
    return expected


EXPECTED: Expected = {
    # A process that dies is started again if it should be up, a second after its last start.
    ("up", "exited"): [ANNOUNCE, *WAIT],
    ("up once", "exited"): [ANNOUNCE],
    ("up, wanted down", "exited"): [ANNOUNCE],
    ("paused", "exited"): [ANNOUNCE, *WAIT],
    ("leaving", "exited"): [ANNOUNCE, FORGET],
    ("draining", "exited"): [ANNOUNCE, FORGET],
    ("concluding", "exited"): [ANNOUNCE, FORGET],
    # u and o
    **each("u", IS_UP, ANNOUNCE),
    **each("u", STARTABLE, ANNOUNCE, *WAIT),
    **each("u", ["starved"], ANNOUNCE, *WAIT_FOR_A_PROCESS),
    **each("o", IS_UP, ANNOUNCE),
    **each("o", STARTABLE, ANNOUNCE, *WAIT),
    **each("o", ["starved"], ANNOUNCE, *WAIT_FOR_A_PROCESS),
    # d
    **each("d", IS_UP, *sends(TERM, CONT), ANNOUNCE),
    **each("d", IS_DOWN, ANNOUNCE),
    # x
    **{(state, "x"): [ANNOUNCE] for state in IS_UP},
    **{(state, "x"): [ANNOUNCE, FORGET] for state in IS_DOWN},
    # drain: as d and x together, but what is wanted stays
    **{(state, "drain"): [*sends(TERM, CONT), ANNOUNCE] for state in IS_UP},
    ("draining", "drain"): NOTHING,
    **{(state, "drain"): [ANNOUNCE, FORGET] for state in IS_DOWN},
    # conclude: no process, no start due, and none wanted: that is the end
    **{(state, "conclude"): NOTHING for state in STATES},
    ("down", "conclude"): [FORGET],
    ("down after once", "conclude"): [FORGET],
    # due
    **{(state, "due"): NOTHING for state in STATES},
    ("waiting to start", "due"): WAIT,
    ("waiting, to be paused", "due"): WAIT,
    ("starved", "due"): WAIT_FOR_A_PROCESS,
    # p, c and t
    **each("p", IS_UP, *sends(STOP), ANNOUNCE),
    **{(state, "c"): [*sends(CONT), ANNOUNCE] for state in IS_UP},
    **{(state, "t"): [*sends(TERM), ANNOUNCE] for state in IS_UP},
    **{(state, letter): NOTHING for state in IS_DOWN for letter in "pct"},
    ("waiting, to be paused", "c"): [ANNOUNCE],
}

PLAIN = {"h": HUP, "a": ALRM, "i": INT, "k": KILL, "q": QUIT, "1": USR1, "2": USR2}

EVENTS = ["exited", "due", "drain", "conclude", *"udoxpct"]


def everything(service: Service) -> dict[str, object]:
    """Return all that a service knows."""
    slots = (*Service.__slots__, *Asking.__slots__)
    return {name: getattr(service, name) for name in slots}


def happen(service: Service, event: str, now: float) -> list[Action]:
    if event == "exited":
        return service.exited(now)
    if event == "due":
        return service.due(now)
    if event == "drain":
        return service.drain(now)
    if event == "conclude":
        return service.conclude(now)
    return service.control(ord(event), now)


@pytest.mark.parametrize(
    ("state", "event"),
    [(s, e) for s, e in product(STATES, EVENTS) if e != "exited" or s in IS_UP],
)
def test_every_state_with_every_event(state: str, event: str) -> None:
    assert happen(STATES[state](), event, SOON) == EXPECTED[state, event]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("letter", PLAIN)
def test_plain_signals_change_nothing(state: str, letter: str) -> None:
    service = STATES[state]()
    before = everything(service)
    expected = sends(PLAIN[letter]) if state in IS_UP else []
    assert service.control(ord(letter), SOON) == expected
    assert everything(service) == before


@pytest.mark.parametrize("state", STATES)
def test_other_characters_mean_nothing(state: str) -> None:
    service = STATES[state]()
    before = everything(service)
    for character in set(range(256)) - set(b"udopchaitkx12q"):
        assert service.control(character, SOON) == []
    assert everything(service) == before
    assert CONTROLS.keys() | PLAIN_SIGNALS.keys() == set(b"udopchaitkx12q")


@pytest.mark.parametrize("event", ["u", "o"])
@pytest.mark.parametrize("state", ["down", "down after once"])
def test_a_second_after_the_last_start_it_starts_at_once(state: str, event: str) -> None:
    expected = each(event, [state], START)[state, event]
    assert STATES[state]().control(ord(event), LAST_START + 1) == expected
    assert STATES["up"]().exited(LAST_START + 1) == [START]
    assert STATES["waiting to start"]().due(LAST_START + 1) == [START]


@pytest.mark.parametrize(
    ("want", "actions"), [(UP, [START]), (DOWN, [ANNOUNCE]), (ONCE, [ANNOUNCE])]
)
def test_the_beginning(want: bytes, actions: list[Action]) -> None:
    assert Service(want).begin(LATER) == actions


@pytest.mark.parametrize(("want", "actions"), [(UP, [START]), (DOWN, [ANNOUNCE]), (ONCE, [START])])
def test_the_beginning_with_something_to_replace(want: bytes, actions: list[Action]) -> None:
    service = Service(want)
    assert service.begin(LATER, replaces=True) == actions
    assert service.wants_start() == (want != DOWN)
    service.started(LATER)
    assert service.exited(LATER + 1) == ([START] if want == UP else [ANNOUNCE])


@pytest.mark.parametrize("want", [UP, ONCE])
def test_what_replaces_a_paused_one_is_paused(want: bytes) -> None:
    service = Service(want)
    service.begin(LATER, replaces=True, paused=True)
    assert service.started(LATER) == [*sends(STOP), ANNOUNCE]
    assert service.paused
    service.exited(LATER)
    assert service.started(LATER) == [ANNOUNCE]


@pytest.mark.parametrize("letters", [b"c", b"du", b"do"])
def test_what_replaces_a_paused_one_goes_on_if_told_so_before(letters: bytes) -> None:
    service = resumed()
    for letter in letters:
        service.control(letter, SOON)
    assert service.started(LATER) == [ANNOUNCE]


@pytest.mark.parametrize(
    ("want", "was_paused", "actions"),
    [
        (UP, False, [ANNOUNCE]),
        (UP, True, [*sends(STOP), ANNOUNCE]),
        (ONCE, False, [ANNOUNCE]),
        (DOWN, False, [*sends(TERM, CONT), ANNOUNCE]),
        (DOWN, True, [*sends(TERM, CONT), ANNOUNCE]),
    ],
)
def test_adoption(want: bytes, was_paused: bool, actions: list[Action]) -> None:
    service = Service(want)
    assert service.adopt(was_paused) == actions
    assert (service.up, service.want) == (True, want)
    assert service.paused == (was_paused and want != DOWN)


def test_adoption_where_term_was_sent_for_certain() -> None:
    service = Service(DOWN)
    assert service.adopt(False, True) == [ANNOUNCE]
    assert service.termed


def test_a_paused_service_that_drains_is_made_to_go_on() -> None:
    service = leaving()
    service.control(ord("t"), SOON)
    service.control(ord("p"), SOON)
    assert service.drain(SOON) == [*sends(TERM, CONT), ANNOUNCE]


def test_draining_keeps_what_is_wanted() -> None:
    for want in (UP, DOWN, ONCE):
        service = up(want)
        service.drain(SOON)
        assert service.want == want


def test_a_log_service_is_not_concluded_while_it_has_input() -> None:
    service = concluding()
    assert service.exited(LATER, unread=True) == [START]
    service.started(LATER)
    assert service.exited(LATER, unread=False) == [ANNOUNCE, FORGET]


def test_a_log_service_that_is_wanted_up_reads_before_it_ends() -> None:
    service = Service(UP)
    service.not_before = LAST_START
    assert service.conclude(LATER) == [START]
    assert Service(DOWN).conclude(LATER) == [FORGET]


def test_a_run_script_that_cannot_be_run_is_tried_once_a_second() -> None:
    service = Service()
    assert service.begin(LAST_START) == [START]
    assert service.not_run(LAST_START) == [ANNOUNCE, *WAIT]
    assert service.due(LAST_START + 1) == [START]


class OnRecord(NamedTuple):
    """What the status file says."""

    want: bytes
    up: bool
    paused: bool
    termed: int


class Life(RuleBasedStateMachine):
    """Any order of events, with the actions carried out as a supervisor would.

    What is asserted is what must hold however they come.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.has_finish = False
        self.controls = b""
        self.timeout_kill = 0.0
        self.timeout_finish = 5.0
        self.failed = False
        self.owed = False
        """Whether a process has died whose finish script was not started."""
        self.begin(UP, "", False, 0)

    def begin(
        self, want: bytes, running: str, paused: bool, termed: int, replaces: bool = False
    ) -> None:
        self.running = running
        self.scripted = 0
        self.sent_term = termed == SENT
        self.kill_due = 0.0
        self.started_at = self.now - 1000
        self.forgotten = False
        self.wakes: list[float] = []
        self.fails = ""
        self.crowded = False
        self.in_line = False
        self.service = Service(want)
        self.look()
        self.on_record = OnRecord(want, running == "run", paused, termed)
        if running == "run" and replaces:
            self.running = ""
            self.carry_out(self.service.begin(self.now, True, paused))
        elif running == "run":
            if termed == SENT and self.timeout_kill:
                self.kill_due = self.now + self.timeout_kill
            self.carry_out(self.service.adopt(paused, termed, self.now))
        elif running == "finish":
            self.finish_runs()
            self.carry_out(self.service.adopt_finish(self.now, self.timeout_finish))
        else:
            self.carry_out(
                self.service.begin(self.now, finish=self.owed, failed=self.failed and want == DOWN)
            )

    def look(self) -> None:
        service = self.service
        service.controls = self.controls
        service.timeout_kill = self.timeout_kill

    def carry_out(self, actions: list[Action]) -> None:
        announced = 0
        while actions:
            action = actions.pop(0)
            assert not self.forgotten, "nothing comes after it is forgotten"
            if action[0] == "start":
                assert not actions, "its answer tells what else there is to do"
                assert self.service.wants_start()
                if self.in_line or self.crowded:
                    self.in_line = True
                    self.write(0)
                else:
                    actions += self.start()
            elif action[0] == "signal":
                assert self.running == "run", "nobody else is sent a signal"
                assert not self.scripted, "what a control script may take the place of waits"
                self.check_record()
                if action[1] == TERM:
                    if self.timeout_kill:
                        is_known = self.on_record.termed == MEANT or self.on_record.want == DOWN
                        assert is_known or self.service.leaving
                        self.kill_due = self.kill_due or self.now + self.timeout_kill
                    self.sent_term = True
            elif action[0] == "kill":
                assert self.running, "nobody else is sent a signal"
                assert self.kill_due, "for no reason"
                assert self.now >= self.kill_due, "too soon"
                self.kill_due = 0.0
            elif action[0] == "kill control":
                assert self.scripted
            elif action[0] == "wake":
                assert action[1] > self.now
                self.wakes.append(action[1])
            elif action[0] == "record want":
                self.write(0)
            elif action[0] == "record meant":
                self.write(MEANT)
            elif action[0] == "announce":
                announced += 1
                assert not self.service.termed or self.sent_term, "what is yet to be sent"
                self.write(self.service.termed)
            elif action[0] == "control":
                assert not self.scripted, "one at a time"
                assert action[1] in self.controls
                self.scripted = action[1]
            else:
                assert action[0] == "forget", "others are inside the machine only"
                assert not self.running, "never while it runs"
                assert not self.owed, "no finish script is left out"
                assert not self.scripted
                assert not actions
                self.forgotten = True
        assert announced <= 1 or self.controls, "the status file is written once"

    def check_record(self) -> None:
        """What is wanted is on record before anything is done about it."""
        assert self.on_record.want == self.service.want
        assert self.on_record.paused or not self.service.paused

    def write(self, termed: int) -> None:
        service = self.service
        self.on_record = OnRecord(service.want, service.up, service.paused, termed)

    def start(self) -> list[Action]:
        assert not self.running, "never two at a time"
        assert not self.scripted
        if self.fails == "fork":
            return self.service.not_started(self.now)
        if self.service.finish_due:
            return self.start_finish()
        assert not self.owed, "no finish script is left out"
        assert self.now >= self.started_at + 1, "never sooner than a second"
        self.check_record()
        self.started_at = self.now
        if self.fails == "exec":
            self.owed = self.has_finish
            return self.service.not_run(self.now, finish=self.has_finish)
        self.running = "run"
        self.sent_term = False
        return self.service.started(self.now)

    def start_finish(self) -> list[Action]:
        assert self.owed, "none is run twice"
        self.owed = False
        if self.fails == "exec":
            return self.service.not_run(self.now)
        self.finish_runs()
        return self.service.started(self.now, self.timeout_finish)

    def finish_runs(self) -> None:
        self.running = "finish"
        self.kill_due = self.now + self.timeout_finish if self.timeout_finish else 0.0

    alive = precondition(lambda self: not self.forgotten)

    @rule(paused=st.booleans(), termed=st.sampled_from([0, SENT, MEANT]))
    def killed_and_adopted(self, paused: bool, termed: int) -> None:
        want = self.on_record.want
        if self.running != "finish":
            self.begin(want, self.running, paused and self.running == "run", termed)
        else:
            self.begin(want, "finish", False, 0)

    @rule(want=st.sampled_from([UP, DOWN, ONCE]), paused=st.booleans())
    def killed_and_replaced(self, want: bytes, paused: bool) -> None:
        if self.running == "run":
            self.begin(want, self.running, paused, 0, replaces=True)

    @alive
    @rule(character=st.sampled_from(b"udopchaitk12qzx"))
    def command(self, character: int) -> None:
        self.look()
        if character in b"uo":
            self.failed = False
        self.carry_out(self.service.control(character, self.now))

    @alive
    @rule(unread=st.booleans(), failed=st.booleans())
    def dies(self, unread: bool, failed: bool) -> None:
        if not self.running:
            return
        was, self.running = self.running, ""
        self.failed |= failed
        self.kill_due = 0.0
        self.look()
        if was == "run":
            self.owed = self.has_finish
            self.carry_out(self.service.exited(self.now, unread, self.has_finish, failed))
        else:
            self.carry_out(self.service.finished(self.now, unread, failed))

    @alive
    @rule(replaces=st.booleans())
    def control_ends(self, replaces: bool) -> None:
        if not self.scripted:
            return
        self.look()
        letter, self.scripted = self.scripted, 0
        service = self.service
        ends = service.up and (service.want == DOWN or service.leaving)
        if replaces and letter == ord("t") and ends and self.timeout_kill:  # KILL follows even so
            self.kill_due = self.kill_due or self.now + self.timeout_kill
        actions: list[Action] | None = service.control_ended(self.now, replaces)
        while actions is not None:
            self.carry_out(actions)
            actions = None if self.forgotten else service.take(self.now)

    @rule(
        controls=st.sampled_from([b"", b"t", b"d", b"udtxpc", b"udopchaitkx12q"]),
        kill=st.sampled_from([0.0, 0.3, 7.0]),
        finish=st.sampled_from([0.0, 0.3, 5.0]),
    )
    def somebody_edits(self, controls: bytes, kill: float, finish: float) -> None:
        self.controls = controls
        self.timeout_kill = kill
        self.timeout_finish = finish

    @rule()
    def somebody_edits_finish(self) -> None:
        self.has_finish = not self.has_finish

    @alive
    @rule(seconds=st.sampled_from([0.0, 0.1, 0.5, 1.0, 5.0, 60.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        end = self.now + seconds
        while not self.forgotten and self.wakes and min(self.wakes) <= end:
            self.now = max(self.now, min(self.wakes))
            self.wakes.remove(min(self.wakes))
            self.look()
            self.carry_out(self.service.due(self.now))
        self.now = end

    @alive
    @rule()
    def due_for_no_reason(self) -> None:
        self.look()
        self.carry_out(self.service.due(self.now))

    @alive
    @rule(what=st.sampled_from(["", "", "fork", "exec"]))
    def failing(self, what: str) -> None:
        self.fails = what

    @alive
    @rule(crowded=st.booleans())
    def others_wait_too(self, crowded: bool) -> None:
        self.crowded = crowded

    @precondition(lambda self: self.in_line)
    @rule()
    def has_its_turn(self) -> None:
        self.in_line = False
        if not self.forgotten and self.service.wants_start():
            self.carry_out(self.start())

    @alive
    @rule()
    def drain(self) -> None:
        self.look()
        self.carry_out(self.service.drain(self.now))

    @alive
    @rule()
    def conclude(self) -> None:
        """Only log services conclude, and they have no control scripts."""
        if not self.controls and not self.scripted:
            self.carry_out(self.service.conclude(self.now))

    @invariant()
    def it_knows_its_process(self) -> None:
        assert self.service.up == (self.running == "run")
        assert self.service.finishing == (self.running == "finish")
        assert bool(self.service.asking) == bool(self.scripted)

    @invariant()
    def all_that_clients_read_is_on_record(self) -> None:
        service = self.service
        now = OnRecord(service.want, service.up, service.paused, int(service.termed))
        assert service.asking or self.on_record == now

    @invariant()
    def what_should_be_up_is_up_or_will_be(self) -> None:
        service = self.service
        busy = self.forgotten or self.running or self.scripted or self.owed
        if not busy and service.want == UP and not service.leaving and not service.concluding:
            assert service.starting
            assert self.in_line or any(wake >= service.not_before for wake in self.wakes)

    @invariant()
    def what_is_owed_will_be_run(self) -> None:
        if self.owed and not self.scripted:
            assert self.service.finish_due
            assert self.in_line or any(wake >= self.service.retry_at for wake in self.wakes)

    @invariant()
    def what_is_to_be_killed_will_be(self) -> None:
        assert not self.kill_due or self.forgotten or self.kill_due in self.wakes
        if self.scripted:
            assert self.service.give_up_at in self.wakes

    @invariant()
    def what_leaves_is_gone_when_it_is_down(self) -> None:
        if self.service.leaving and not self.running and not self.owed and not self.scripted:
            assert self.forgotten

    @invariant()
    def a_dead_process_has_not_been_termed(self) -> None:
        assert self.running or not self.service.termed

    @invariant()
    def what_has_failed_stays_down(self) -> None:
        if self.service.failed and not self.forgotten:
            assert self.service.want != UP
            assert self.running != "run" or self.service.starting


TestLife = Life.TestCase


@given(st.binary(max_size=50))
def test_whatever_is_sent_down_and_kill_end_it(noise: bytes) -> None:
    service = up()
    for character in noise.replace(b"x", b""):
        service.control(character, SOON)
    record = [] if service.want == DOWN else [RECORD_WANT]
    assert service.control(ord("d"), SOON) == [*record, *sends(TERM, CONT), ANNOUNCE]
    assert service.exited(LATER) == [ANNOUNCE]
    assert service.want == DOWN
