"""Which rule of a listener takes a check's request, condition by condition; what cannot be judged is said to be so."""

from typing import Any

import pytest

from breakwater.addresses import Origin
from breakwater.checks import Header, HttpCheck, SecretHeader
from breakwater.listener_rules import Astray, Condition, ListenerRule, Road, Straight, Unclear, decide_way
from breakwater.listeners import rules_in_order

ORIGIN = Origin("http", "shop-1.elb.amazonaws.com", 80)
SECRET = SecretHeader("X-Key", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:smoke-AbCdEf")
DEFAULT = ListenerRule("default")


def check(path: str = "/health", **more: Any) -> HttpCheck:
    return HttpCheck("smoke", path, **more)


def road(*rules: ListenerRule, own: str = "own") -> Road:
    return Road(ORIGIN, frozenset({own}), (*rules, DEFAULT))


def header(name: str, *values: str) -> Condition:
    return Condition("http-header", values, name)


TAKEN = {
    "no condition": ((), check(), Straight),
    "the path": ((Condition("path-pattern", ("/api/*", "/health")),), check(), Straight),
    "the path without its query": ((Condition("path-pattern", ("/health",)),), check("/health?deep=1"), Straight),
    "a path in another case": ((Condition("path-pattern", ("/Health",)),), check(), Astray),
    "one letter, any": ((Condition("path-pattern", ("/healt?",)),), check(), Straight),
    "a dot is a dot": ((Condition("path-pattern", ("/he.lth",)),), check(), Astray),
    "the host that is shown": (
        (Condition("host-header", ("SHOP.example.com",)),),
        check(host="shop.example.com"),
        Straight,
    ),
    "any host of a domain": ((Condition("host-header", ("*.example.com",)),), check(host="shop.example.com"), Straight),
    "no host shown is the balancer's": ((Condition("host-header", ("shop.example.com",)),), check(), Astray),
    "the method": ((Condition("http-request-method", ("POST", "GET")),), check(), Straight),
    "another method": ((Condition("http-request-method", ("POST",)),), check(), Astray),
    "a header": ((header("X-Canary", "1"),), check(headers=(Header("x-canary", "1"),)), Straight),
    "a header with another value": ((header("X-Canary", "1"),), check(headers=(Header("x-canary", "2"),)), Astray),
    "a header that is not sent": ((header("X-Canary", "*"),), check(), Astray),
    "our own header": ((header("User-Agent", "breakwater-*"),), check(), Straight),
    "a secret header, any value": ((header("X-Key", "*"),), check(headers=(SECRET,)), Straight),
    "a secret header": ((header("X-Key", "abc"),), check(headers=(SECRET,)), Unclear),
    "a query": ((Condition("query-string", ("side=green",)),), check("/health?a=1&side=GREEN"), Straight),
    "a value of any key": ((Condition("query-string", ("green",)),), check("/health?side=green"), Straight),
    "no query": ((Condition("query-string", ("side=green",)),), check(), Astray),
    "the caller's address": ((Condition("source-ip", ("10.0.0.0/8",)),), check(), Unclear),
    "a regular expression": ((Condition("path-pattern", (), judged=False),), check(), Unclear),
    "a field that is not known": ((Condition("moon-phase", ("full",)),), check(), Unclear),
    "one of two is not met": ((header("X-Canary", "1"), Condition("path-pattern", ("/health",))), check(), Astray),
    "one is not met, one unknown": (
        (header("X-Canary", "1"), Condition("source-ip", ("10.0.0.0/8",))),
        check(),
        Astray,
    ),
}


@pytest.mark.parametrize("what", TAKEN)
def test_a_rule_takes_a_request_that_meets_all_its_conditions(what: str) -> None:
    conditions, asked, expected = TAKEN[what]
    way = decide_way(asked, road(ListenerRule("own", "5", conditions)))
    assert isinstance(way, expected), way.reason
    assert "smoke" in way.reason


OTHERS = {
    "another comes first": ((ListenerRule("other", "1"), ListenerRule("own", "2")), Astray, "priority 1"),
    "another comes later": ((ListenerRule("own", "1"), ListenerRule("other", "2")), Straight, "own rule"),
    "one that may come first": (
        (ListenerRule("other", "1", (Condition("source-ip", ("10.0.0.0/8",)),)), ListenerRule("own", "2")),
        Unclear,
        "source-ip",
    ),
    "the own rule is not to be seen": ((ListenerRule("other", "1"),), Astray, "comes first"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_the_first_rule_that_fits_takes_it(what: str) -> None:
    rules, expected, said = OTHERS[what]
    way = decide_way(check(), road(*rules))
    assert isinstance(way, expected)
    assert said in way.reason


def test_a_service_behind_several_rules_is_reached_by_any_of_them() -> None:
    a, b = (
        ListenerRule(name, name, (Condition("host-header", (f"{name}.example.com",)),), {"blue": 1}) for name in "12"
    )
    both = Road(ORIGIN, frozenset({"1", "2"}), (a, b, DEFAULT))
    assert isinstance(decide_way(check(host="2.example.com"), both), Straight)
    assert isinstance(decide_way(check(host="3.example.com"), both), Astray)


class Pages:
    """DescribeRules in two pages, out of order."""

    def describe_rules(self, **params: Any) -> dict[str, Any]:
        if "Marker" not in params:
            forward = [{"Type": "forward", "TargetGroupArn": "g"}]
            query = {
                "Field": "query-string",
                "QueryStringConfig": {"Values": [{"Key": "a", "Value": "1"}, {"Value": "2"}]},
            }
            return {
                "Rules": [
                    {"RuleArn": "default", "Priority": "default", "Actions": forward},
                    {"RuleArn": "ten", "Priority": "10", "Actions": [], "Conditions": [query]},
                ],
                "NextMarker": "more",
            }
        regex = {"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["^/a.*$"]}}
        named = {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Canary", "Values": ["1"]}}
        return {"Rules": [{"RuleArn": "two", "Priority": "2", "Actions": [], "Conditions": [regex, named]}]}


def test_rules_are_read_whole_and_in_the_order_in_which_they_are_tried() -> None:
    assert rules_in_order(Pages, "listener") == (
        ListenerRule("two", "2", (Condition("path-pattern", judged=False), header("X-Canary", "1"))),
        ListenerRule("ten", "10", (Condition("query-string", ("a=1", "*=2")),)),
        ListenerRule("default", "default", (), {"g": 1}),
    )
