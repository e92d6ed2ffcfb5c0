"""The state machine of a service: every state with every event, and what always holds."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from slashservice.supervise.services.service import (
    ANNOUNCE,
    CONTROLS,
    DOWN,
    FORGET,
    ONCE,
    PLAIN_SIGNALS,
    SIGNAL,
    START,
    UP,
    WAKE,
    Action,
    Service,
)

HUP, INT, QUIT, KILL, USR1, USR2, ALRM, TERM, CONT, STOP = 1, 2, 3, 9, 10, 12, 14, 15, 18, 19

SAY = (ANNOUNCE, 0)
RUN = (START, 0)
END = (FORGET, 0)
LAST_START = 100.0
SOON = 100.5
LATER = 200.0


def sends(*numbers: int) -> list[Action]:
    return [(SIGNAL, number) for number in numbers]


def up(want: bytes = UP) -> Service:
    service = Service(want)
    service.started(7, LAST_START)
    return service


def down(want: bytes = DOWN) -> Service:
    service = up(want)
    service.exited(SOON)
    return service


def paused() -> Service:
    service = up()
    service.control(ord("p"), SOON)
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


def finishing() -> Service:
    service = up()
    service.finish(SOON)
    return service


STATES = {
    "up": up,
    "up once": lambda: up(ONCE),
    "up, wanted down": lambda: up(DOWN),
    "paused": paused,
    "down": down,
    "down after once": lambda: down(ONCE),
    "waiting to start": lambda: down(UP),
    "starved": starved,
    "leaving": leaving,
    "draining": draining,
    "finishing": finishing,
}

IS_UP = {"up", "up once", "up, wanted down", "paused", "leaving", "draining", "finishing"}

WAIT = [(WAKE, LAST_START + 1)]
NOTHING: list[Action] = []

EXPECTED: dict[tuple[str, str], list[Action]] = {
    # A process that dies is started again if it should be up, a second after its last start.
    ("up", "exited"): [SAY, *WAIT],
    ("up once", "exited"): [SAY],
    ("up, wanted down", "exited"): [SAY],
    ("paused", "exited"): [SAY, *WAIT],
    ("leaving", "exited"): [SAY, END],
    ("draining", "exited"): [SAY, END],
    ("finishing", "exited"): [SAY, END],
    # u
    **{(state, "u"): [SAY] for state in IS_UP},
    ("down", "u"): [SAY, *WAIT],
    ("down after once", "u"): [SAY, *WAIT],
    ("waiting to start", "u"): [SAY, *WAIT],
    ("starved", "u"): [SAY, (WAKE, LAST_START + 5)],
    # o
    **{(state, "o"): [SAY] for state in IS_UP},
    ("down", "o"): [SAY, *WAIT],
    ("down after once", "o"): [SAY, *WAIT],
    ("waiting to start", "o"): [SAY, *WAIT],
    ("starved", "o"): [SAY, (WAKE, LAST_START + 5)],
    # d
    **{(state, "d"): [*sends(TERM, CONT), SAY] for state in IS_UP},
    ("down", "d"): [SAY],
    ("down after once", "d"): [SAY],
    ("waiting to start", "d"): [SAY],
    ("starved", "d"): [SAY],
    # x
    **{(state, "x"): [SAY] for state in IS_UP},
    ("down", "x"): [SAY, END],
    ("down after once", "x"): [SAY, END],
    ("waiting to start", "x"): [SAY, END],
    ("starved", "x"): [SAY, END],
    # drain: as d and x together
    **{(state, "drain"): [*sends(TERM, CONT), SAY] for state in IS_UP},
    ("draining", "drain"): NOTHING,
    ("down", "drain"): [SAY, END],
    ("down after once", "drain"): [SAY, END],
    ("waiting to start", "drain"): [SAY, END],
    ("starved", "drain"): [SAY, END],
    # finish: no process, no start due, and none wanted: that is the end
    **{(state, "finish"): NOTHING for state in STATES},
    ("down", "finish"): [END],
    ("down after once", "finish"): [END],
    # due
    **{(state, "due"): NOTHING for state in STATES},
    ("waiting to start", "due"): WAIT,
    ("starved", "due"): [(WAKE, LAST_START + 5)],
    # p, c and t
    **{(state, "p"): [*sends(STOP), SAY] for state in IS_UP},
    **{(state, "c"): [*sends(CONT), SAY] for state in IS_UP},
    **{(state, "t"): [*sends(TERM), SAY] for state in IS_UP},
    **{(state, letter): NOTHING for state in STATES if state not in IS_UP for letter in "pct"},
}

PLAIN = {"h": HUP, "a": ALRM, "i": INT, "k": KILL, "q": QUIT, "1": USR1, "2": USR2}

EVENTS = ["exited", "due", "drain", "finish", *"udoxpct"]


def happen(service: Service, event: str, now: float) -> list[Action]:
    if event == "exited":
        return service.exited(now)
    if event == "due":
        return service.due(now)
    if event == "drain":
        return service.drain(now)
    if event == "finish":
        return service.finish(now)
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
    before = {name: getattr(service, name) for name in Service.__slots__}
    expected = sends(PLAIN[letter]) if state in IS_UP else []
    assert service.control(ord(letter), SOON) == expected
    assert {name: getattr(service, name) for name in Service.__slots__} == before


@pytest.mark.parametrize("state", STATES)
def test_other_characters_mean_nothing(state: str) -> None:
    service = STATES[state]()
    before = {name: getattr(service, name) for name in Service.__slots__}
    for character in set(range(256)) - set(b"udopchaitkx12q"):
        assert service.control(character, SOON) == []
    assert {name: getattr(service, name) for name in Service.__slots__} == before
    assert CONTROLS.keys() | PLAIN_SIGNALS.keys() == set(b"udopchaitkx12q")


@pytest.mark.parametrize("event", ["u", "o"])
@pytest.mark.parametrize("state", ["down", "down after once"])
def test_a_second_after_the_last_start_it_starts_at_once(state: str, event: str) -> None:
    assert STATES[state]().control(ord(event), LAST_START + 1) == [SAY, RUN]
    assert STATES["up"]().exited(LAST_START + 1) == [SAY, RUN]
    assert STATES["waiting to start"]().due(LAST_START + 1) == [RUN]


@pytest.mark.parametrize(("want", "actions"), [(UP, [SAY, RUN]), (DOWN, [SAY]), (ONCE, [SAY])])
def test_the_beginning(want: bytes, actions: list[Action]) -> None:
    assert Service(want).begin(LATER) == actions


@pytest.mark.parametrize(
    ("want", "was_paused", "actions"),
    [
        (UP, False, [SAY]),
        (UP, True, [*sends(STOP), SAY]),
        (ONCE, False, [SAY]),
        (DOWN, False, [*sends(TERM, CONT), SAY]),
        (DOWN, True, [*sends(TERM, CONT), SAY]),
    ],
)
def test_adoption(want: bytes, was_paused: bool, actions: list[Action]) -> None:
    service = Service(want)
    assert service.adopt(7, was_paused) == actions
    assert (service.pid, service.want) == (7, want)
    assert service.paused == (was_paused and want != DOWN)


def test_adoption_where_term_was_sent_for_certain() -> None:
    service = Service(DOWN)
    assert service.adopt(7, False, True) == [SAY]
    assert service.termed


def test_a_paused_service_that_drains_is_made_to_go_on() -> None:
    service = leaving()
    service.control(ord("t"), SOON)
    service.control(ord("p"), SOON)
    assert service.drain(SOON) == [*sends(TERM, CONT), SAY]


def test_draining_keeps_what_is_wanted() -> None:
    for want in (UP, DOWN, ONCE):
        service = up(want)
        service.drain(SOON)
        assert service.want == want


def test_a_log_service_is_not_finished_while_it_has_input() -> None:
    service = finishing()
    assert service.exited(LATER, unread=True) == [SAY, RUN]
    service.started(8, LATER)
    assert service.exited(LATER, unread=False) == [SAY, END]


def test_a_log_service_that_is_wanted_up_reads_before_it_ends() -> None:
    service = Service(UP)
    service.not_before = LAST_START
    assert service.finish(LATER) == [RUN]
    assert Service(DOWN).finish(LATER) == [END]


def test_a_run_script_that_cannot_be_run_is_tried_once_a_second() -> None:
    service = Service()
    assert service.begin(LAST_START) == [SAY, RUN]
    assert service.not_run(LAST_START) == [SAY, *WAIT]
    assert service.due(LAST_START + 1) == [RUN]


class Life(RuleBasedStateMachine):
    """Any order of events, with the actions carried out as a supervisor would.

    What is asserted is what must hold however they come.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.pids = 1
        self.begin(UP, 0, False, False)

    def begin(self, want: bytes, running: int, paused: bool, termed: bool) -> None:
        self.running = running
        self.started_at = self.now - 1000
        self.forgotten = False
        self.wakes: list[float] = []
        self.fails = ""
        self.service = Service(want)
        if running:
            self.carry_out(self.service.adopt(running, paused, termed))
        else:
            self.carry_out(self.service.begin(self.now))

    def carry_out(self, actions: list[Action]) -> None:
        while actions:
            action, number = actions.pop(0)
            assert not self.forgotten, "nothing comes after it is forgotten"
            if action == START:
                assert not self.running, "never two at a time"
                assert self.now >= self.started_at + 1, "never sooner than a second"
                actions += self.start()
            elif action == SIGNAL:
                assert self.running, "nobody else is sent a signal"
            elif action == WAKE:
                assert number > self.now
                self.wakes.append(number)
            elif action == FORGET:
                assert not self.running, "never while it runs"
                assert not actions
                self.forgotten = True

    def start(self) -> list[Action]:
        if self.fails == "fork":
            return self.service.not_started(self.now)
        self.started_at = self.now
        if self.fails == "exec":
            return self.service.not_run(self.now)
        self.pids += 1
        self.running = self.pids
        return self.service.started(self.pids, self.now)

    alive = precondition(lambda self: not self.forgotten)

    @rule(want=st.sampled_from([UP, DOWN, ONCE]), paused=st.booleans(), termed=st.booleans())
    def killed_and_adopted(self, want: bytes, paused: bool, termed: bool) -> None:
        self.begin(want, self.running, paused, termed)

    @alive
    @rule(character=st.sampled_from(b"udopchaitk12qzx"))
    def command(self, character: int) -> None:
        self.carry_out(self.service.control(character, self.now))

    @alive
    @rule(unread=st.booleans())
    def dies(self, unread: bool) -> None:
        if self.running:
            self.running = 0
            self.carry_out(self.service.exited(self.now, unread))

    @alive
    @rule(seconds=st.sampled_from([0.0, 0.1, 0.5, 1.0, 5.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        end = self.now + seconds
        while not self.forgotten and self.wakes and min(self.wakes) <= end:
            self.now = max(self.now, min(self.wakes))
            self.wakes.remove(min(self.wakes))
            self.carry_out(self.service.due(self.now))
        self.now = end

    @alive
    @rule()
    def due_for_no_reason(self) -> None:
        self.carry_out(self.service.due(self.now))

    @alive
    @rule(what=st.sampled_from(["", "", "fork", "exec"]))
    def failing(self, what: str) -> None:
        self.fails = what

    @alive
    @rule()
    def drain(self) -> None:
        self.carry_out(self.service.drain(self.now))

    @alive
    @rule()
    def finish(self) -> None:
        self.carry_out(self.service.finish(self.now))

    @invariant()
    def it_knows_its_process(self) -> None:
        assert self.service.pid == self.running

    @invariant()
    def what_should_be_up_is_up_or_will_be(self) -> None:
        service = self.service
        if not self.forgotten and service.want == UP and not service.leaving and not self.running:
            assert service.starting
            assert any(wake >= service.not_before for wake in self.wakes)

    @invariant()
    def what_leaves_is_gone_when_it_is_down(self) -> None:
        if self.service.leaving and not self.running:
            assert self.forgotten

    @invariant()
    def a_dead_process_has_not_been_termed(self) -> None:
        assert self.running or not self.service.termed


TestLife = Life.TestCase


@given(st.binary(max_size=50))
def test_whatever_is_sent_down_and_kill_end_it(noise: bytes) -> None:
    service = up()
    for character in noise.replace(b"x", b""):
        service.control(character, SOON)
    assert service.control(ord("d"), SOON)[:2] == sends(TERM, CONT)
    assert service.exited(LATER) == [SAY]
    assert service.want == DOWN
