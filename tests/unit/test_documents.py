"""A document that a person wrote: every mistake is named by its line and its path, all of them at once."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from breakwater.documents import MAX_CHARACTERS, MAX_DEPTH, MAX_PROBLEMS, load, misplaced
from breakwater.errors import DocumentError, Problem


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Deploy(Part):
    service: str
    revision: str = "v1"
    count: int = Field(default=1, ge=0)


class Stop(Part):
    service: str
    why: str = ""


class Deployed(Part):
    deploy: Deploy


class Stopped(Part):
    stop: Stop


class Once(Part):
    kind: Literal["once"]
    at: str


class Cron(Part):
    kind: Literal["cron"]
    expression: str


def _key(value: object) -> str | None:
    names = [name for name in ("deploy", "stop") if isinstance(value, dict) and name in value]
    return names[0] if names else None


Step = Annotated[
    Annotated[Deployed, Tag("deploy")] | Annotated[Stopped, Tag("stop")],
    Discriminator(_key, custom_error_type="step", custom_error_message="a step has one of these keys: deploy, stop"),
]


class Plan(Part):
    name: str = "plan"
    mode: Literal["off", "observe", "act"] = "observe"
    wait: str | None = None
    share: float = 0.5
    ready: bool = False
    timeline: tuple[Step, ...] = ()
    jobs: dict[str, Annotated[Once | Cron, Field(discriminator="kind")]] = {}
    renamed: str = Field(default="", alias="new-name")
    anything: Any = None

    @model_validator(mode="after")
    def _steps_are_of_the_plan(self) -> Self:
        wrong = [
            (("timeline", index, "deploy", "service"), f'no service is called "{step.deploy.service}" {{here}}')
            for index, step in enumerate(self.timeline)
            if isinstance(step, Deployed) and step.deploy.service == "ghost"
        ]
        if wrong:
            raise misplaced("Plan", wrong)
        return self


class Whole(Part):
    plan: Plan


def problems(text: str, model: type[BaseModel] = Plan) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        load(text, model, "plan.yaml")
    return str(caught.value).splitlines()


def test_a_good_document_is_the_model() -> None:
    plan = load(
        "name: shop\ntimeline:\n  - deploy: {service: web, count: 3}\n  - stop:\n      service: web\n",
        Plan,
        "plan.yaml",
    )
    assert plan.timeline == (Deployed(deploy=Deploy(service="web", count=3)), Stopped(stop=Stop(service="web")))


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n...\n"])
def test_an_empty_document_has_the_defaults(text: str) -> None:
    assert load(text, Plan, "plan.yaml") == Plan()


@pytest.mark.parametrize(
    ("word", "value"),
    [
        pytest.param("off", "off", id="YAML 1.1 would say false"),
        pytest.param("NO", "NO", id="Norway"),
        pytest.param("22:30", "22:30", id="YAML 1.1 would say 1350"),
        pytest.param("012345678901", "012345678901", id="an account that begins with 0"),
        pytest.param("2026-11-21", "2026-11-21", id="a date"),
        pytest.param("0x1F", "0x1F", id="hexadecimal"),
        pytest.param(".inf", ".inf", id="infinity"),
        pytest.param("1_000", "1_000", id="underscores"),
        pytest.param("<<", "<<", id="the merge key"),
        pytest.param("9" * 40, "9" * 40, id="more digits than an identifier has"),
        pytest.param("!!str 5", "5", id="text said to be text"),
        pytest.param('"5"', "5", id="a number in quotes"),
        pytest.param("5", 5, id="a number"),
        pytest.param("-1.5e3", -1500.0, id="a number as JSON writes it"),
        pytest.param("true", True, id="true"),
        pytest.param("~", None, id="null"),
        pytest.param("[a, 1]", ["a", 1], id="a list"),
    ],
)
def test_a_bare_word_is_what_it_looks_like(word: str, value: object) -> None:
    assert load(f"anything: {word}", Plan, "plan.yaml").anything == value


def test_anchors_save_writing() -> None:
    plan = load("anything: {a: &x [1, 2], b: *x}", Plan, "plan.yaml")
    assert plan.anything == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "name: x\ntimeline:\n  - deploy:\n      service: web\n      revison: v2\n",
            'plan.yaml:5: timeline[0].deploy.revison: unknown key; did you mean "revision"? '
            "allowed: count, revision, service",
            id="an unknown key in a step",
        ),
        pytest.param(
            "new_name: x",
            'plan.yaml:1: new_name: unknown key; did you mean "new-name"? '
            "allowed: anything, jobs, mode, name, new-name, ready, share, timeline, wait",
            id="an alias is how the key is spelt",
        ),
        pytest.param(
            "timeline:\n  - deploy:\n      count: 2\n",
            "plan.yaml:3: timeline[0].deploy.service: missing; allowed: this key is required",
            id="a missing key",
        ),
        pytest.param(
            "timeline:\n  - deploy: {service: web, count: -1}",
            "plan.yaml:2: timeline[0].deploy.count: -1; allowed: greater than or equal to 0",
            id="a number out of range",
        ),
        pytest.param(
            "mode: obsreve",
            'plan.yaml:1: mode: "obsreve"; did you mean "observe"? allowed: off, observe, act',
            id="a word of a fixed list",
        ),
        pytest.param(
            "jobs:\n  night:\n    kind: corn\n    expression: x\n",
            'plan.yaml:3: jobs.night: "corn"; did you mean "cron"? allowed: once, cron',
            id="an unknown kind",
        ),
        pytest.param(
            "jobs:\n  night:\n    kind: cron\n    expresion: x\n",
            "plan.yaml:3: jobs.night.expression: missing; allowed: this key is required\n"
            'plan.yaml:4: jobs.night.expresion: unknown key; did you mean "expression"? allowed: expression, kind',
            id="an unknown key of a kind",
        ),
        pytest.param(
            "timeline:\n  - restart: {}\n",
            "plan.yaml:2: timeline[0]: a mapping; allowed: a step has one of these keys: deploy, stop",
            id="an unknown step",
        ),
        pytest.param(
            "timeline:\n  - stop: {service: web}\n  - deploy:\n      service: ghost\n",
            'plan.yaml:4: timeline[1].deploy.service: no service is called "ghost" {here}',
            id="parts that do not fit together",
        ),
        pytest.param("- a\n", "plan.yaml:1: a list; allowed: a valid dictionary or instance of Plan", id="a list"),
        pytest.param(
            "name: a\nname: b\n",
            "plan.yaml:2: name: the key stands twice, first in line 1; allowed: once",
            id="a key twice",
        ),
        pytest.param(
            "1: a\n", 'plan.yaml:1: the key "1" is not text; allowed: put a text key in quotes', id="a number as key"
        ),
        pytest.param(
            "? [a]\n: b\n",
            "plan.yaml:1: the key a list or a mapping is not text; allowed: put a text key in quotes",
            id="a list as key",
        ),
        pytest.param(
            "name: !!python/object:os.system x\n",
            "plan.yaml:1: name: the tag tag:yaml.org,2002:python/object:os.system; allowed: values without tags",
            id="a tag",
        ),
        pytest.param(
            "share: 1e999",
            "plan.yaml:1: share: 1e999 is too large; allowed: a number that a computer can hold",
            id="a huge number",
        ),
        pytest.param(
            "name: a\n---\nname: b\n", "plan.yaml:2: a second document; allowed: one document", id="two documents"
        ),
        pytest.param(
            "name: x\n\tmode: off\n",
            "plan.yaml:2: a tab where spaces are meant; allowed: indentation by spaces",
            id="a tab",
        ),
        pytest.param(
            "name: x\nanything: *y\n",
            "plan.yaml:2: found undefined alias 'y'; allowed: valid YAML",
            id="an unknown alias",
        ),
        pytest.param(
            "anything: &a [*a]\n",
            "plan.yaml:1: an anchor that contains its own alias; allowed: no circle",
            id="a circle",
        ),
        pytest.param("name: a\x07b\n", "plan.yaml:1: the character U+0007; allowed: printable text", id="a bell"),
        pytest.param(
            "name: [a\nmode: off\n",
            "plan.yaml:2: while parsing a flow sequence: expected ',' or ']', but got ':'; allowed: valid YAML",
            id="a bracket that never closes",
        ),
        pytest.param(
            f"anything: {'[' * 60}{']' * 60}",
            f"plan.yaml:1: nested deeper than {MAX_DEPTH}; allowed: valid YAML",
            id="too deep",
        ),
        pytest.param(
            "name: {password: FAKEpw}\nmode: DB_PASSWORD=FAKEpw\n",
            "plan.yaml:1: name: a mapping; allowed: a valid string\n"
            'plan.yaml:2: mode: "DB_PASSWORD=[redacted]"; allowed: off, observe, act',
            id="a secret is not repeated",
        ),
    ],
)
def test_a_mistake_is_named_by_its_line_and_path(text: str, said: str) -> None:
    assert problems(text) == said.splitlines()


def test_the_path_begins_at_the_document() -> None:
    assert problems("plan:\n  timeline:\n    - deploy: {service: ghost}\n", Whole) == [
        'plan.yaml:3: plan.timeline[0].deploy.service: no service is called "ghost" {here}'
    ]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_lines() -> None:
    told = problems(
        "mode: on\nname: a\nname: b\nshare: much\ntimeline:\n  - deploy: {servce: web}\n  - halt: {}\nextra: 1\n"
    )
    assert [line.split(": ")[0:2] for line in told] == [
        ["plan.yaml:1", "mode"],
        ["plan.yaml:3", "name"],
        ["plan.yaml:4", "share"],
        ["plan.yaml:6", "timeline[0].deploy.service"],
        ["plan.yaml:6", "timeline[0].deploy.servce"],
        ["plan.yaml:7", "timeline[1]"],
        ["plan.yaml:8", "extra"],
    ]


def test_a_bomb_of_aliases_is_refused_before_it_goes_off() -> None:
    bomb = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for above, name in zip("abcdefghi", "bcdefghij", strict=True):
        bomb += f"{name}: &{name} [{', '.join([f'*{above}'] * 10)}]\n"
    told = problems(bomb)
    assert len(told) == 1
    assert "more than 50,000 values, aliases written out" in told[0]


def test_a_document_too_large_to_read_is_refused_unread() -> None:
    assert problems("#" * (MAX_CHARACTERS + 1)) == ["plan.yaml:1: 1,000,001 characters; allowed: at most 1,000,000"]


def test_a_thousand_mistakes_are_a_hundred_and_a_number() -> None:
    told = problems("".join(f"k{number}: 1\n" for number in range(1000)))
    assert len(told) == MAX_PROBLEMS + 1
    assert told[-1] == f"plan.yaml:{MAX_PROBLEMS + 1}: {1000 - MAX_PROBLEMS} more problems from here on"


def test_each_problem_is_a_value_for_programs() -> None:
    with pytest.raises(DocumentError) as caught:
        load("name: x\nmode: on\n", Plan, "plan.yaml")
    problem = caught.value.problems[0]
    assert (problem.line, problem.column, problem.path, problem.found) == (2, 7, "mode", '"on"')
    assert problem.allowed == "off, observe, act"


SCRAPS = st.sampled_from(
    [
        "name",
        "mode",
        "timeline",
        "deploy",
        "service",
        ": ",
        ":",
        "- ",
        "\n",
        "  ",
        "\t",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "!!int ",
        "'",
        '"',
        "#",
        "---\n",
        "|\n",
        "? ",
        "1",
        "off",
        "\x00",
        "é",
        "<<",
        "%",
        "\ud800",
        "\ufeff",
    ]
)


@given(st.lists(SCRAPS, max_size=25).map("".join))
def test_whatever_is_written_the_answer_is_a_model_or_a_list_of_problems(text: str) -> None:
    told: tuple[Problem, ...] = ()
    try:
        load(text, Plan, "plan.yaml")
    except DocumentError as error:
        told = error.problems
    assert all(1 <= problem.line <= text.count("\n") + 1 and problem.found for problem in told)


def test_only_who_may_import_pydantic_imports_this() -> None:
    root = Path(__file__).parents[2]
    users = [
        path.relative_to(root)
        for folder in ("functions", "layers/core")
        for path in (root / folder).rglob("*.py")
        if "breakwater.documents" in path.read_text() or "from .documents" in path.read_text()
    ]
    assert [path for path in users if "policy" not in str(path)] == []
