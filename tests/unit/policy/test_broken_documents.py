"""Every mistake in a document is named by its line and path, and nothing of such a document is read."""

import pytest

from breakwater.errors import DocumentError
from breakwater.policy import read_policy
from tests.unit.policy.broken import BROKEN
from tests.unit.policy.documents import CHECK, JOB, SERVICE, UPLOAD, WINDOW


@pytest.mark.parametrize(("text", "line", "path", "words"), [pytest.param(*case, id=name) for name, *case in BROKEN])
def test_a_broken_document_is_rejected_with_line_and_path(text: str, line: int, path: str, words: str) -> None:
    with pytest.raises(DocumentError) as raised:
        read_policy(text)
    problems = raised.value.problems
    assert [(problem.line, problem.path) for problem in problems] == [(line, path)]
    assert words in str(problems[0])


def test_there_are_at_least_sixty_of_them_and_each_is_one_of_its_own() -> None:
    assert len({text for _, text, *_ in BROKEN}) == len(BROKEN) >= 60


@pytest.mark.parametrize("text", [JOB, UPLOAD, SERVICE, f"{WINDOW}      desired: 0\n", f"{CHECK}        http: {{}}\n"])
def test_without_their_mistakes_they_are_read(text: str) -> None:
    assert read_policy(text).version == 1


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(DocumentError) as raised:
        read_policy("version: 1\ndefaults: {mode: on}\nservices:\n  - match: web\njob: []\n")
    assert [problem.line for problem in raised.value.problems] == [2, 4, 5]


def test_a_secret_in_a_wrong_place_is_not_repeated() -> None:
    with pytest.raises(DocumentError) as raised:
        read_policy("version: 1\ndefaults:\n  mode: password=hunter2-0123456789\n")
    assert "hunter2" not in str(raised.value)
