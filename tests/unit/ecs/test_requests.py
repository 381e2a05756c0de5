"""Routing and counting of requests, on the model alone."""

from datetime import timedelta

import pytest

from sandbox.ecs.balancers import Conditions
from sandbox.ecs.definitions import LoadBalancer
from sandbox.ecs.native import NativeStrategies
from sandbox.ecs.requests import Answers, Flow
from sandbox.ecs.workloads import Workload, crash_after, never_healthy_at_target_group
from tests.unit.ecs.build import CLUSTER, a_model, revise


class Site:
    """A load balancer with a listener, and a service `web` of two tasks behind the target group `one`."""

    def __init__(self, seed: int = 3) -> None:
        self.model, _ = a_model(seed=seed)
        self.native = NativeStrategies(self.model)
        self.balancers, self.requests = self.native.balancers, self.native.requests
        self.one, self.two = (self.model.catalogue.create_target_group(name).arn for name in ("one", "two"))
        self.balancer = self.balancers.create("site")
        self.listener = self.balancers.listen(self.balancer.arn, 80, {self.one: 1}).arn

    def flow(self, path: str = "/", per_second: float = 10, seconds: float = 60) -> Flow:
        flow = self.requests.flow(self.listener, path, per_second, seconds)
        self.model.advance(seconds)
        return flow


@pytest.mark.parametrize(
    ("path", "host", "priority"),
    [
        pytest.param("/random/7", "", 10, id="path"),
        pytest.param("/random/", "", 10, id="star matches nothing as well"),
        pytest.param("/Random/7", "", None, id="a path keeps its case"),
        pytest.param("/v1/a", "", 20, id="question mark"),
        pytest.param("/v12/a", "", None, id="question mark is one character"),
        pytest.param("/", "API.example.com", 30, id="a host does not"),
        pytest.param("/random/7", "api.example.com", 10, id="the lowest number first"),
        pytest.param("/[x]", "", 40, id="brackets mean themselves"),
        pytest.param("/x", "", None, id="brackets are no set"),
    ],
)
def test_the_first_rule_that_fits_takes_a_request(path: str, host: str, priority: int | None) -> None:
    site = Site()
    for number, conditions in (
        (40, Conditions(paths=("/[x]",))),
        (30, Conditions(hosts=("*.Example.com",))),
        (20, Conditions(paths=("/v?/*",))),
        (10, Conditions(paths=("/random/*",))),
    ):
        site.balancers.add_rule(site.listener, number, conditions, {site.two: 1})
    assert site.balancers.route(site.listener, path, host).priority == priority


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        pytest.param((1, 0), (600, 0), id="all"),
        pytest.param((90, 10), (540, 60), id="canary"),
        pytest.param((1, 1), (300, 300), id="even"),
        pytest.param((999, 1), (599, 1), id="hardly any"),
        pytest.param((0, 0), (0, 0), id="none"),
    ],
)
def test_weights_are_kept_as_evenly_as_can_be(weights: tuple[int, int], shares: tuple[int, int]) -> None:
    site = Site()
    site.native.traffic.set_weights(
        site.balancers.listener(site.listener).default.rule.arn, dict(zip((site.one, site.two), weights, strict=True))
    )
    counts = site.flow().by("group")
    assert (counts.get("one", 0), counts.get("two", 0)) == shares


def test_without_a_target_every_request_fails() -> None:
    site = Site()
    flow = site.flow()
    assert flow.by("status") == {503: 600}
    assert flow.failed == flow.sent == 600


def test_a_fixed_response_is_no_failure_below_500() -> None:
    site = Site()
    site.balancers.add_rule(site.listener, 1, Conditions(paths=("/gone",)), {}, status=404)
    flow = site.flow("/gone")
    assert (flow.by("status"), flow.failed) == ({404: 600}, 0)


def run(site: Site, workload: Workload | None = None) -> None:
    arn = revise(site.model, workload)
    site.model.create_service(CLUSTER, "web", arn, 2, load_balancers=[LoadBalancer(site.one, "app", 80)])
    site.model.advance(timedelta(minutes=10))


def test_healthy_targets_take_turns_and_answer() -> None:
    site = Site()
    run(site)
    flow = site.flow()
    assert (flow.by("status"), flow.by("service"), flow.by("revision")) == ({200: 600}, {"web": 600}, {"web:1": 600})
    samples = site.requests.between(site.one, 0, site.model.world.now)
    assert sum(sample.requests for _, sample in samples) == 600


def test_targets_that_are_not_healthy_are_asked_if_there_is_no_other_and_fail() -> None:
    site = Site()
    run(site, never_healthy_at_target_group())
    flow = site.flow()
    assert set(flow.by("status")) <= {502, 503}
    assert flow.failed == 600
    assert flow.by("service") == {"web": 600}


def test_a_workload_may_be_bad_at_answering() -> None:
    site = Site()
    site.requests.answers["web:1"] = Answers(error_rate=0.1, latency_ms=200)
    run(site)
    flow = site.flow(seconds=600)
    assert 450 < flow.failed < 750
    latencies = sorted(
        one for _, sample in site.requests.between(site.one, 0, site.model.world.now) for one in sample.latencies
    )
    assert 180 < latencies[len(latencies) // 2] < 220


def test_the_same_seed_gives_the_same_requests() -> None:
    def counted(seed: int) -> object:
        site = Site(seed=seed)
        site.requests.answers["web:1"] = Answers(error_rate=0.3)
        run(site, crash_after(700))
        return sorted(map(repr, site.flow(seconds=900).counts.items()))

    assert counted(5) == counted(5)
    assert counted(5) != counted(6)


def test_a_flow_ends_and_keeps_nothing_busy() -> None:
    site = Site()
    flow = site.requests.flow(site.listener, "/", 1, 3600)
    assert site.model.idle
    site.model.advance(timedelta(hours=2))
    assert flow.sent == 3600
