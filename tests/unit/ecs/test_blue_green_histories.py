"""Whatever hooks answer and people do, native deployments end, and traffic never goes where nobody is."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.ecs import EcsError, Readings
from sandbox.ecs.definitions import DeploymentAlarms, DeploymentSettings
from sandbox.ecs.hooks import LATER, NativeReadings
from sandbox.ecs.lifecycle import HOOKABLE, SHIFTS, Hook
from sandbox.ecs.native import settings as native_settings
from sandbox.ecs.rollouts import ONGOING
from sandbox.ecs.shifting import BlueGreen, Canary, Linear, Shifting
from tests.unit.ecs.build import CLUSTER, counts
from tests.unit.ecs.build_native import NO, OK, WAIT, Account, an_account, lambda_hook, pause

minutes = st.sampled_from([0, 1, 3, 20])
timeouts = st.fixed_dictionaries(
    {"timeout_minutes": st.sampled_from([1, 5, 60]), "timeout_action": st.sampled_from(["ROLLBACK", "CONTINUE"])}
)
pausable = [stage for stage in HOOKABLE if stage not in SHIFTS]
hooks = st.one_of(
    st.builds(
        lambda stages, more: lambda_hook(*stages, **more), st.sets(st.sampled_from(HOOKABLE), min_size=1), timeouts
    ),
    st.builds(lambda stages, more: pause(*stages, **more), st.sets(st.sampled_from(pausable), min_size=1), timeouts),
)
some_hooks: st.SearchStrategy[tuple[Hook, ...]] = st.lists(hooks, max_size=3).map(tuple)
shifting: st.SearchStrategy[Shifting] = st.one_of(
    st.builds(BlueGreen, minutes, some_hooks),
    st.builds(Linear, st.integers(100, 1000).map(lambda tenths: tenths / 10), minutes, minutes, some_hooks),
    st.builds(Canary, st.integers(1, 1000).map(lambda tenths: tenths / 10), minutes, minutes, some_hooks),
)
answers = st.sampled_from([OK, OK, OK, NO, WAIT, {**WAIT, "callBackDelay": 5}, None, LATER])
deeds = st.lists(
    st.tuples(
        st.integers(0, 1800),
        st.sampled_from(["continue", "continue", "roll back", "stop", "deploy", "alarm", "rolling", "native", "scale"]),
    ),
    max_size=6,
)


@dataclass
class Actor:
    """People, alarms and functions, as chance has it."""

    answers: list[object]
    strategy: Shifting
    base: DeploymentSettings
    sizes: list[int] = field(default_factory=lambda: [1, 4, 2, 3])

    def invoke(self, function: str, event: dict[str, Any]) -> object:
        """A function answers; once its answers are used up it succeeds."""
        return self.answers.pop() if self.answers else OK

    def do(self, account: Account, deed: str) -> None:
        """One deed. What ECS refuses because of what is going on is no deed."""
        model, arn = account.model, account.rollout.arn
        with suppress(EcsError):
            match deed:
                case "continue" | "roll back":
                    action = "CONTINUE" if deed == "continue" else "ROLLBACK"
                    for hook in account.native.hook_details(account.rollout):
                        if hook["status"] == "AWAITING_ACTION":
                            account.native.continue_service_deployment(arn, hook["hookId"], action)
                case "stop":
                    model.stop_service_deployment(arn)
                case "deploy":
                    account.deploy()
                case "rolling":
                    account.deploy(settings=DeploymentSettings())
                case "native":
                    account.deploy(settings=native_settings(self.strategy, self.base))
                case "alarm":
                    model.faults.set_alarm("errors", "ALARM")
                    model.faults.set_alarm("errors", "OK")
                case "scale":
                    model.update_service(CLUSTER, "web", desired=self.sizes[0])
                    self.sizes.append(self.sizes.pop(0))


def history(
    strategy: Shifting, said: list[object], done: list[tuple[int, str]], readings: Readings, native: NativeReadings
) -> Account:
    """Let all of it happen, and then let the last deployment come to its end."""
    base = DeploymentSettings(alarms=DeploymentAlarms(("errors",), enable=True, rollback=True))
    actor = Actor(list(said), strategy, base)
    account = an_account(strategy, invoke=actor.invoke, base=base, readings=readings, native_readings=native)
    account.deploy()
    for seconds, deed in done:
        until = account.model.now + timedelta(seconds=seconds)
        while account.model.next_at is not None and account.model.next_at <= until:
            account.model.advance(account.model.next_at)
            account.look()
        account.model.advance(until)
        actor.do(account, deed)
    account.run_to_end(timedelta(days=3))
    return account


readings = st.builds(Readings, rollback_reuses_deployment=st.booleans())
native_readings = st.builds(NativeReadings, st.booleans(), st.booleans(), st.booleans())


@settings(max_examples=150)
@given(shifting, st.lists(answers, max_size=12), deeds, readings, native_readings)
def test_every_deployment_ends_and_traffic_is_always_answered(
    strategy: Shifting,
    said: list[object],
    done: list[tuple[int, str]],
    readings: Readings,
    native: NativeReadings,
) -> None:
    account = history(strategy, said, done, readings, native)
    assert not account.broken
    assert [one.status for one in account.service.service_deployments if one.status in ONGOING] == []
    open_hooks = {
        hook["hookId"]
        for rollout in account.service.service_deployments
        for hook in account.native.hook_details(rollout)
        if hook["status"] in ("AWAITING_ACTION", "IN_PROGRESS")
    }
    assert not open_hooks
    account.model.advance(timedelta(days=2))
    account.look()
    assert not account.broken
    if account.rollout.status in ("SUCCESSFUL", "ROLLBACK_SUCCESSFUL"):
        assert counts(account.service) == {"RUNNING": account.service.desired}
        assert sorted(account.split) == [0, 100]
        carrier = account.blue if account.split[0] else account.green
        assert account.serving() == {carrier.name}
    else:  # nothing was left to go back to, or the way back failed: it stalls as it is
        assert account.service.primary.stalled


@settings(max_examples=20)
@given(shifting, st.lists(answers, max_size=12), deeds, readings, native_readings)
def test_the_same_history_gives_the_same_log(
    strategy: Shifting,
    said: list[object],
    done: list[tuple[int, str]],
    readings: Readings,
    native: NativeReadings,
) -> None:
    first = history(strategy, said, done, readings, native)
    second = history(strategy, said, done, readings, native)
    assert first.model.log() == second.model.log()


@settings(max_examples=60)
@given(shifting, st.lists(answers, max_size=12), deeds, readings, native_readings)
def test_every_hook_is_told_of_once_when_it_begins_and_once_when_it_ends(
    strategy: Shifting,
    said: list[object],
    done: list[tuple[int, str]],
    readings: Readings,
    native: NativeReadings,
) -> None:
    account = history(strategy, said, done, readings, native)
    told: dict[str, list[str]] = {}
    for detail in account.told.details("ECS Hook State Change"):
        told.setdefault(detail["hookId"], []).append(detail["eventName"].removeprefix("HOOK_"))
    for names in told.values():
        assert len(names) == 2
        assert names[0] in ("IN_PROGRESS", "AWAITING_ACTION")
        assert names[1] in ("SUCCEEDED", "FAILED", "TIMED_OUT")
    stored = [
        hook["status"]
        for rollout in account.service.service_deployments
        for hook in account.native.hook_details(rollout)
    ]
    assert sorted(stored) == sorted(names[-1] for names in told.values())
