"""What the step that looks finds, said by the test."""

from collections.abc import Callable
from typing import Any

import pytest

from breakwater.checks import CheckResult, Verdict
from release import check, examining


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Verdict]]:
    """Say what checks and looks find, one after the other, and what happens meanwhile; gives those that are left."""

    def say(*verdicts: Verdict, meanwhile: Callable[[], object] = lambda: None) -> list[Verdict]:
        left = list(verdicts)

        def checked(*_: Any) -> examining.Done:
            verdict = left.pop(0)
            meanwhile()
            return examining.Done((), (CheckResult("smoke", verdict),), verdict)

        def compared(*_: Any) -> Verdict:
            meanwhile()
            return left.pop(0)

        monkeypatch.setattr(check, "checked", checked)
        monkeypatch.setattr(examining, "_compared", compared)
        return left

    return say
