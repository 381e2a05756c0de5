"""One check specification, its results and its verdict, for every runner: state machine and deployment hooks."""

from .http import judge_answer
from .metrics import Comparison, Side, compare
from .pace import Done, Next, Try, next_attempt
from .results import Attempt, CheckResult, Evidence, Failed, Inconclusive, Outcome, Passed, Verdict, verdict_of
from .spec import (
    BodyAssertion,
    Check,
    Header,
    HttpCheck,
    Listener,
    MetricAnalysis,
    Operator,
    QuantileBound,
    Sample,
    SecretHeader,
    StatusRange,
    TaskCheck,
)
from .tasks import TaskEnd, judge_task

__all__ = [
    "Attempt",
    "BodyAssertion",
    "Check",
    "CheckResult",
    "Comparison",
    "Done",
    "Evidence",
    "Failed",
    "Header",
    "HttpCheck",
    "Inconclusive",
    "Listener",
    "MetricAnalysis",
    "Next",
    "Operator",
    "Outcome",
    "Passed",
    "QuantileBound",
    "Sample",
    "SecretHeader",
    "Side",
    "StatusRange",
    "TaskCheck",
    "TaskEnd",
    "Try",
    "Verdict",
    "compare",
    "judge_answer",
    "judge_task",
    "next_attempt",
    "verdict_of",
]
