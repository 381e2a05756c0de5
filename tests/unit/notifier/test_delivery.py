import json
from datetime import timedelta

import pytest

from breakwater.errors import BreakwaterError, RefusedError, ThrottledError
from breakwater.model import Notice
from breakwater.wire import dump_notice
from notifier import handler, sweep
from notifier.decision import WINDOW
from notifier.delivery import CLAIM, RACES, deliver, flush
from notifier.inbox import flush_body
from tests.unit.notifier.samples import (
    START,
    CrashedError,
    ForgetfulStore,
    RacingStore,
    World,
    a_notice,
    an_event,
    notices_of,
)


def event_of(notices: list[Notice]) -> dict[str, object]:
    return an_event(*(dump_notice(notice) for notice in notices))


def failures(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_notice_reaches_every_channel_once_however_often_it_is_delivered() -> None:
    world = World()
    for _ in range(3):
        assert failures(handler.respond(event_of([a_notice(), a_notice()]), world.deps)) == []
    assert world.mail.told == world.slack.told == [a_notice().id]


def test_a_storm_is_nine_messages_and_one_digest_that_names_all_the_rest() -> None:
    world = World()
    notices = notices_of(60)
    assert failures(handler.respond(event_of(notices), world.deps)) == []
    assert len(world.mail.sent) == 9
    assert world.wake_ups.asked == [("mail", START + timedelta(seconds=30)), ("slack", START + timedelta(seconds=30))]
    world.clock.move(30)
    assert failures(handler.respond(an_event(flush_body("mail")), world.deps)) == []
    assert len(world.mail.sent) == 10
    assert sorted(world.mail.told) == sorted(notice.id for notice in notices)
    assert len(world.slack.sent) == 9


def test_a_wake_up_that_is_lost_is_made_up_for_by_the_sweep() -> None:
    world = World()
    notices = notices_of(20)
    handler.respond(event_of(notices), world.deps)
    world.clock.move(300)
    assert sweep.respond(world.deps) == {"looked_after": ["mail", "slack"]}
    for channel in (world.mail, world.slack):
        assert sorted(channel.told) == sorted(notice.id for notice in notices)


def test_a_digest_that_is_too_long_goes_on_in_the_next_window_until_all_is_named() -> None:
    world = World()
    world.mail.most_lines = 20
    notices = notices_of(60)
    handler.respond(event_of(notices), world.deps)
    for _ in range(3):
        world.clock.at = world.wake_ups.asked[-1][1]
        flush(world.mail, world.means)
    assert [(len(lines), waiting) for lines, waiting in world.mail.digests] == [(20, 31), (20, 11), (11, 0)]
    assert world.mail.most_in_a_minute() <= 10
    assert sorted(world.mail.told) == sorted(notice.id for notice in notices)


def test_a_channel_that_fails_does_not_repeat_the_message_of_the_other() -> None:
    world = World()
    world.slack.broken = ThrottledError("Slack answered 503")
    assert failures(handler.respond(event_of([a_notice()]), world.deps)) == ["m0"]
    world.slack.broken = None
    world.clock.move(CLAIM.total_seconds())
    assert failures(handler.respond(event_of([a_notice()]), world.deps)) == []
    assert world.mail.told == world.slack.told == [a_notice().id]


@pytest.mark.parametrize("error", [ThrottledError("a pause"), RefusedError("revoked")], ids=["throttled", "refused"])
def test_a_channel_in_trouble_is_not_tried_again_in_the_same_batch(error: Exception) -> None:
    world = World()
    world.slack.broken = error
    assert len(failures(handler.respond(event_of(notices_of(5)), world.deps))) == 5
    assert world.slack.tried == 1
    assert len(world.mail.sent) == 5


@pytest.mark.parametrize("error", [BreakwaterError("refused with 400"), KeyError("a bug")], ids=["refused", "bug"])
def test_one_notice_that_cannot_be_sent_does_not_hold_up_the_others(error: Exception) -> None:
    world = World()
    notices = notices_of(3)
    world.slack.errors[notices[1].id] = error
    assert failures(handler.respond(event_of(notices), world.deps)) == ["m1"]
    assert world.slack.told == [notices[0].id, notices[2].id]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("not json", id="not JSON"),
        pytest.param("", id="empty"),
        pytest.param("[]", id="a list"),
        pytest.param("{}", id="an empty object"),
        pytest.param('{"schema": "breakwater/1", "action": "notifier.flush"}', id="a wake-up without channel"),
        pytest.param('{"schema": "breakwater/1", "action": "explode", "channel": "mail"}', id="another action"),
        pytest.param('{"schema": "breakwater/1", "action": "notifier.flush", "channel": "mail", "x": 1}', id="extra"),
        pytest.param('{"schema": "breakwater/1", "action":', id="half a wake-up"),
        pytest.param('{"schema": ' + "[" * 100_000, id="deep nesting that looks like a wake-up"),
        pytest.param("[" * 100_000, id="deep nesting"),
    ],
)
def test_a_body_that_is_no_notice_is_reported_and_its_neighbours_are_delivered(body: str) -> None:
    world = World()
    good = dump_notice(a_notice())
    assert failures(handler.respond(an_event(good, body, good), world.deps)) == ["m1"]
    assert world.mail.told == [a_notice().id]


def test_a_wake_up_for_a_channel_that_is_gone_is_let_go() -> None:
    world = World()
    assert failures(handler.respond(an_event(flush_body("pager")), world.deps)) == []


def test_a_digest_that_cannot_be_sent_comes_again_and_nothing_is_forgotten() -> None:
    world = World()
    handler.respond(event_of(notices_of(12)), world.deps)
    world.clock.move(30)
    world.mail.broken = ThrottledError("SNS is slow")
    assert failures(handler.respond(an_event(flush_body("mail")), world.deps)) == ["m0"]
    world.mail.broken = None
    world.clock.move(WINDOW.total_seconds())
    assert failures(handler.respond(an_event(flush_body("mail")), world.deps)) == []
    assert len(set(world.mail.told)) == len(world.mail.told) == 12


def test_the_sweep_gives_every_channel_its_turn_and_then_says_what_failed() -> None:
    world = World()
    handler.respond(event_of(notices_of(12)), world.deps)
    world.clock.move(60)
    world.mail.broken = RefusedError("not allowed to publish")
    with pytest.raises(BreakwaterError, match="mail: not allowed to publish"):
        sweep.respond(world.deps)
    assert len(world.slack.told) == 12


def test_who_loses_the_race_for_the_meter_reads_again_and_decides_again() -> None:
    world = World(lambda table: RacingStore(table, RACES - 1))
    assert deliver(world.mail, notices_of(2), world.means) == set()
    assert len(world.mail.sent) == 2


def test_who_always_loses_the_race_leaves_everything_to_the_digest() -> None:
    world = World(lambda table: RacingStore(table, RACES))
    assert deliver(world.mail, notices_of(2), world.means) == set()
    assert world.mail.sent == []
    world.clock.move(300)
    sweep.respond(world.deps)
    assert len(world.mail.told) == 2


def test_messages_that_take_too_long_are_left_to_a_later_try() -> None:
    world = World()
    world.mail.touch = lambda: world.clock.move(4)
    again = deliver(world.mail, notices_of(9), world.means)
    assert len(world.mail.sent) == 2
    assert len(again) == 7


def test_messages_begun_late_count_from_when_they_were_begun() -> None:
    world = World()
    world.mail.touch = lambda: world.clock.move(1.5)
    deliver(world.mail, notices_of(5), world.means)
    world.mail.touch = lambda: None
    for second in range(60, 90):
        world.clock.at = START + timedelta(seconds=second)
        deliver(world.mail, [a_notice(number) for number in range(100 + 10 * second, 109 + 10 * second)], world.means)
    assert world.mail.most_in_a_minute() <= 10


def test_a_digest_that_cannot_be_begun_in_time_is_left_to_a_later_try() -> None:
    world = World()
    deliver(world.mail, notices_of(12), world.means)
    world.clock.move(30)
    world.table.touch = lambda: world.clock.move(10)
    with pytest.raises(ThrottledError):
        flush(world.mail, world.means)
    assert world.mail.digests == []


def test_once_the_first_write_after_a_digest_is_done_nothing_of_it_is_repeated() -> None:
    world = World()
    notices = notices_of(12)
    deliver(world.mail, notices, world.means)
    world.clock.move(30)
    writes: list[int] = []

    def die_after_the_first_write() -> None:
        writes.append(len(world.mail.digests))
        if writes.count(1) == 3:  # after sending, before the first write, after it
            raise CrashedError

    world.on_every_call(die_after_the_first_write)
    with pytest.raises(CrashedError):
        flush(world.mail, world.means)
    world.on_every_call(lambda: None)
    world.clock.move(120)
    assert deliver(world.mail, notices, world.means) == set()
    flush(world.mail, world.means)
    assert len(world.mail.told) == len(set(world.mail.told)) == 12


def test_a_message_that_was_sent_but_not_marked_is_not_reported_as_failed() -> None:
    world = World(ForgetfulStore)
    assert deliver(world.mail, [a_notice()], world.means) == set()
    assert "not marked as sent" in str(world.log.lines[0][2]["reason"])


def test_a_notice_being_sent_by_another_comes_again_until_that_one_has_sent_it_or_died() -> None:
    world = World()

    def die() -> None:
        raise CrashedError

    world.mail.touch = die
    with pytest.raises(CrashedError):
        deliver(world.mail, [a_notice()], world.means)
    world.mail.touch = lambda: None
    assert deliver(world.mail, [a_notice()], world.means) == {a_notice().id}
    world.clock.move(CLAIM.total_seconds())
    assert deliver(world.mail, [a_notice()], world.means) == set()
    assert world.mail.told == [a_notice().id]


def test_there_is_one_log_line_for_each_notice_and_channel_and_none_tells_of_the_log() -> None:
    world = World()
    handler.respond(event_of(notices_of(12)), world.deps)
    assert len(world.log.lines) == 24
    assert {str(line[2]["channel"]) for line in world.log.lines} == {"mail", "slack"}
    said = json.dumps([extra for _, _, extra in world.log.lines])
    assert "price list" not in said
    assert "Essential container" not in said
    assert world.counts.written == [{"MessagesSent": 18, "NoticesDeferred": 6}]


def test_a_storm_costs_few_calls_to_the_table() -> None:
    world = World()
    handler.respond(event_of(notices_of(100)), world.deps)
    singles = 9 * 2
    assert world.table.calls <= 2 * (1 + 1 + 1 + singles)  # read, save, defer; claim and mark for each single message
