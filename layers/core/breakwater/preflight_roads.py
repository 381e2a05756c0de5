"""Will the checks reach the new revision, or somebody else? The rules of the preflight about listeners. Pure."""

from dataclasses import replace
from typing import assert_never

from breakwater.checks.spec import HttpCheck, Listener
from breakwater.listener_rules import Astray, Straight, Unclear, decide_way
from breakwater.preflight_facts import ServiceFacts, Snapshot, Unknown
from breakwater.preflight_findings import Findings, Ok, Refuse, Warn
from breakwater.release_policy import ReleasePolicy


def listeners(service: ServiceFacts) -> Findings:
    """What the service shifts its traffic at: a rule of an Application Load Balancer, or a whole listener.

    A Network Load Balancer has no rules, so there are no weights to read, no HTTP to check and no counts of answers.
    """
    whole = [one for one in service.bindings if ":listener/" in (one.production_rule or "")]
    if whole and service.shifts_traffic:
        yield Refuse(
            "listener",
            f"{whole[0].container} is behind a Network Load Balancer, whose traffic cannot be followed: such a service "
            "is not released or attended yet",
            "deploy it by itself, or put it behind an Application Load Balancer",
        )
    elif service.shifts_traffic and service.bindings:
        yield Ok("listener", "its traffic is shifted by rules of an Application Load Balancer")


def aimed(check: HttpCheck, service: ServiceFacts) -> HttpCheck:
    """A rolling service has no test listener: what is meant for it goes to the production listener, afterwards."""
    if check.target == Listener.TEST and not service.shifts_traffic:
        return replace(check, target=Listener.PRODUCTION)
    return check


def roads(service: ServiceFacts, snapshot: Snapshot, policy: ReleasePolicy) -> Findings:
    """Where the request of each HTTP check ends up, and whether its certificate can be for that name."""
    checks = [aimed(check, service) for check in policy.checks if isinstance(check, HttpCheck)]
    if isinstance(snapshot.roads, Unknown):
        if checks:
            yield Warn("check-route", f"whose answers the checks get is not known: {snapshot.roads.why}")
        return
    for check in checks:
        road = snapshot.roads.get(check.target)
        if road is None:
            continue
        way = decide_way(check, road)
        match way:
            case Astray(reason=reason):
                yield Refuse("check-route", reason, "give the check the host, path or headers that the rule asks for")
            case Unclear(reason=reason):
                yield Warn("check-route", reason)
            case Straight(reason=reason):
                yield Ok("check-route", reason)
            case _:
                assert_never(way)
        if road.origin.scheme == "https" and check.host is None:
            yield Refuse(
                "certificate",
                f"{check.name} asks an HTTPS listener by the load balancer's own name, which no certificate is for",
                "give the check a host that the listener's certificate has",
            )
