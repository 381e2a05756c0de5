"""Scenario files for tests: a small one to build on, and where the shipped ones are."""

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


def scenario(more: str, base: str = SMALL) -> Scenario:
    """The small scenario with more in it."""
    return load(base + dedent(more), Scenario, "test.yaml")
