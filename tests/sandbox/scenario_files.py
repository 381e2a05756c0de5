"""Scenario files for tests: small ones to build on, and where the shipped ones are."""

from pathlib import Path
from textwrap import dedent

from breakwater.documents import load
from sandbox.simulation.scenario import Scenario

SHIPPED = Path(__file__).parents[2] / "sandbox" / "scenarios"
FILES = sorted(path for path in SHIPPED.glob("*.yaml") if path.stem != "morning")  # that one is the demo's

SMALL = """
title: small
warm_up: 5m
settle: 5m
images:
  web:1: {kind: healthy}
task_definitions:
  web: {containers: {app: {image: "web:1", port: 80, secrets: [db]}}}
services:
  web: {task: web, desired: 2}
"""
BALANCED = """
title: small
warm_up: 5m
settle: 5m
account:
  buckets: [inbox]
  load_balancers:
    front:
      target_groups: {a: {interval: 10s, healthy_threshold: 2}, b: {}}
      listeners:
        http: {port: 80, rules: [{path: "/x/?.html", forward: {b: 1}}], default: {a: 1, b: 0}}
images:
  web:1: {kind: healthy}
task_definitions:
  web: {containers: {app: {image: "web:1", port: 80}}}
services:
  web: {task: web, load_balancers: [{load_balancer: front, target_group: a}]}
"""


def scenario(more: str, base: str = SMALL) -> Scenario:
    """The small scenario with more in it."""
    return load(base + dedent(more), Scenario, "test.yaml")
