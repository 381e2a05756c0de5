"""State machines that are refused: what cannot be right, and what is not known."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox import TemplateError, UnsupportedError
from tests.sandbox.states_stage import deploy, machine, start, task, waiting


def calls(integration: str) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{integration}", "End": True}


@pytest.mark.parametrize(
    ("state", "said"),
    [
        pytest.param(calls("glue:startJobRun"), "glue:startJobRun", id="integration"),
        pytest.param(calls("aws-sdk:ecs:stopEverything"), "stopEverything", id="action"),
        pytest.param(calls("aws-sdk:glue:startJobRun"), "aws-sdk:glue", id="service"),
        pytest.param({**task({}), "Credentials": {"RoleArn": "x"}}, "Credentials", id="another role"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_at_deployment(tmp_path: Path, state: dict[str, Any], said: str) -> None:
    with pytest.raises(UnsupportedError, match=said):
        deploy(tmp_path, machine("One", One=state))


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        pytest.param(machine("One", One={"Type": "Pass", "Next": "Two"}), "goes to Two", id="unknown target"),
        pytest.param(machine("Zero", One={"Type": "Succeed"}), "StartAt names Zero", id="unknown start"),
        pytest.param(
            machine("One", One={"Type": "Succeed"}, Two={"Type": "Succeed"}), "no way leads to", id="unreachable"
        ),
        pytest.param(machine("One", One={"Type": "Pass"}), "needs either Next or End", id="no end"),
        pytest.param(machine("One", One=task({"a": "${Nobody}"})), "has no Nobody", id="placeholder"),
    ],
)
def test_a_definition_that_cannot_be_right_is_refused(tmp_path: Path, definition: dict[str, Any], said: str) -> None:
    with pytest.raises(TemplateError, match=said):
        deploy(tmp_path, definition)


def test_a_parameter_that_is_spelt_wrongly_is_an_error_naming_it(tmp_path: Path) -> None:
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ecs:listServices",
        "Arguments": {"cluster": "prod"},
        "End": True,
    }
    with deploy(tmp_path, machine("One", One=state)) as account:
        start(account)
        with pytest.raises(UnsupportedError, match="no parameter cluster"):
            account.run_until_idle()


def test_what_a_release_will_need_of_jsonata_is_there(tmp_path: Path) -> None:
    """Timeouts by expression, Assign in a Catch, a Condition, the input and the error kept side by side."""
    caught = {
        "ErrorEquals": ["States.ALL"],
        "Next": "Which",
        "Assign": {"error": "{% $states.errorOutput %}", "asked": "{% $states.input %}"},
        "Output": "{% $states.input %}",
    }
    definition = machine(
        "Keep",
        Keep={
            "Type": "Pass",
            "Assign": {
                "timeout": "{% $states.input.minutes * 60 %}",
                "machine": "{% $states.context.StateMachine.Name %}",
            },
            "Next": "Ask",
        },
        Ask=waiting(
            {"do": "keep", "key": "k", "execution": "{% $states.context.Execution.Id %}"},
            TimeoutSeconds="{% $timeout %}",
            Catch=[caught],
            Next="Which",
        ),
        Which={
            "Type": "Choice",
            "Choices": [{"Condition": "{% $error.Error = 'States.Timeout' %}", "Next": "Late"}],
            "Default": "Other",
        },
        Late={
            "Type": "Fail",
            "Error": "{% $error.Error %}",
            "Cause": "{% 'after ' & $string($asked.minutes) & ' minutes' %}",
        },
        Other={"Type": "Succeed"},
    )
    with deploy(tmp_path, definition) as account:
        start(account, {"minutes": 15})
        account.run_until_idle()
        [execution] = account.executions
        assert (execution.status, execution.error, execution.cause) == ("FAILED", "States.Timeout", "after 15 minutes")
        assert execution.entered == ["Keep", "Ask", "Which", "Late"]
        assert execution.stopped_at == execution.started_at + timedelta(minutes=15)
