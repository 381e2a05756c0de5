"""A discrete-event model of the Amazon ECS control plane: pure, seeded, in virtual time. See docs/emulation.md.

It knows no boto3, no wall clock, no thread and no environment. The same calls with the same seed give the same log,
byte for byte. It is emulation: no figure from it is a claim about AWS.
"""

from sandbox.ecs.constants import AlarmAtStart, CrashCounting, Limits, Readings, Timing
from sandbox.ecs.errors import EcsError
from sandbox.ecs.model import Model

__all__ = ["AlarmAtStart", "CrashCounting", "EcsError", "Limits", "Model", "Readings", "Timing"]
