"""What the rollback guard finds reaches the release that has the service, and nobody else."""

import json
from datetime import UTC, datetime

from breakwater.release_claims import Claims
from breakwater.release_failing import tell_failing
from breakwater.rendezvous import Kind, Wait
from breakwater.rendezvous_store import Rendezvous
from tests.fakes.table import FakeTable

NOW = datetime(2026, 4, 14, 7, 31, tzinfo=UTC)
ARN = "arn:aws:ecs:eu-central-1:111122223333:service-deployment/prod/web/x"


def test_who_has_the_service_is_told_once_and_only_of_its_own_deployment() -> None:
    sent: list[str] = []
    table = FakeTable()

    def send(token: str, output: str) -> bool:
        sent.append(output)
        return True

    meeting = Rendezvous(table, send)
    assert tell_failing(table, meeting, "prod/web", ARN, "it crashes", NOW) is None
    Claims(table).claim("prod/web", "arn:execution:r1", NOW)
    meeting.arrive("prod/web", Wait(1, "t1", tuple(Kind), (ARN,)), NOW)
    assert tell_failing(table, meeting, "prod/web", "another deployment", "it crashes", NOW) == "arn:execution:r1"
    assert sent == []
    for _ in range(2):
        assert tell_failing(table, meeting, "prod/web", ARN, "it crashes: password=hunter2hunter2", NOW)
    [told] = sent
    assert '"kind": "failing"' in told
    assert "it crashes" in told
    assert "hunter2" not in told


def test_what_is_told_between_a_wait_that_timed_out_and_the_next_is_the_first_thing_that_one_hears() -> None:
    alive, heard = {"t2"}, []

    def send(token: str, output: str) -> bool:
        if token in alive:
            heard.append(json.loads(output)["kind"])
        return token in alive

    table = FakeTable()
    meeting = Rendezvous(table, send)
    Claims(table).claim("prod/web", "arn:execution:r1", NOW)
    meeting.arrive("prod/web", Wait(1, "t1", tuple(Kind), (ARN,)), NOW)  # its half hour ends: t1 is dead
    tell_failing(table, meeting, "prod/web", ARN, "it crashes", NOW)
    meeting.arrive("prod/web", Wait(2, "t2", tuple(Kind), (ARN,)), NOW)
    tell_failing(table, meeting, "prod/web", ARN, "it crashes", NOW)
    assert heard == ["failing"]
