"""An application with one state machine, made around a definition: what the tests of Step Functions deploy."""

import json
from pathlib import Path
from typing import Any

from sandbox import Sandbox

CODE = Path(__file__).parent / "fixtures" / "machines"
INVOKE = "arn:aws:states:::lambda:invoke"
TOKEN = f"{INVOKE}.waitForTaskToken"
FUNCTION = "${Worker}"
ANYTHING = {"Effect": "Allow", "Action": ["ecs:*", "iam:PassRole", "elasticloadbalancing:*"], "Resource": "*"}
CONTAINER = {"name": "app", "image": "web:1", "portMappings": [{"containerPort": 80}]}


def task(payload: Any, **more: Any) -> dict[str, Any]:
    """A state that calls the worker and gives its answer."""
    arguments = {"FunctionName": FUNCTION, "Payload": payload}
    state = {"Type": "Task", "Resource": INVOKE, "Arguments": arguments, "Output": "{% $states.result.Payload %}"}
    return {**state, **({"End": True} if "Next" not in more else {}), **more}


def waiting(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A state that gives the worker a token and waits for the answer."""
    arguments = {"FunctionName": FUNCTION, "Payload": {"token": "{% $states.context.Task.Token %}", **payload}}
    state = {"Type": "Task", "Resource": TOKEN, "Arguments": arguments}
    return {**state, **({"End": True} if "Next" not in more else {}), **more}


def sdk(service: str, action: str, then: str | None = None, **arguments: Any) -> dict[str, Any]:
    """A state that calls an AWS service by its API."""
    way = {"End": True} if then is None else {"Next": then}
    return {"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:{service}:{action}", "Arguments": arguments, **way}


def inner(start: str, **states: Any) -> dict[str, Any]:
    """What a branch or the items of a map do."""
    return {"StartAt": start, "States": states}


def machine(start: str, **states: Any) -> dict[str, Any]:
    """A definition in JSONata."""
    return {"QueryLanguage": "JSONata", **inner(start, **states)}


def template(
    statements: list[Any],
    properties: dict[str, Any] | None = None,
    events: dict[str, Any] | None = None,
    listens: dict[str, Any] | None = None,
    **resources: Any,
) -> dict[str, Any]:
    """A SAM template with the machine `Machine`, the function `WorkerFunction`, a table, a topic and a log group.

    `properties` are more of the machine's, `events` start the machine, `listens` are events of the function.
    """
    allowed: list[Any] = [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": {"Fn::GetAtt": "WorkerFunction.Arn"}}
    ]
    more = properties or {}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
                    "KeySchema": [
                        {"AttributeName": "pk", "KeyType": "HASH"},
                        {"AttributeName": "sk", "KeyType": "RANGE"},
                    ],
                },
            },
            "Topic": {"Type": "AWS::SNS::Topic"},
            "MachineLogs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
            "WorkerFunction": {
                "Type": "AWS::Serverless::Function",
                "Properties": {
                    "Runtime": "python3.13",
                    "CodeUri": str(CODE),
                    "Handler": "steps.worker.handler",
                    "Timeout": 60,
                    **({"Events": listens} if listens else {}),
                    "Environment": {"Variables": {"TABLE_NAME": {"Ref": "Table"}}},
                    "Policies": [
                        {
                            "Statement": [
                                {"Effect": "Allow", "Action": "states:*", "Resource": "*"},
                                {"Effect": "Allow", "Action": "dynamodb:*", "Resource": {"Fn::GetAtt": "Table.Arn"}},
                            ]
                        }
                    ],
                },
            },
            "Machine": {
                "Type": "AWS::Serverless::StateMachine",
                "Properties": {
                    "DefinitionUri": "machine.asl.json",
                    "DefinitionSubstitutions": {
                        "Worker": {"Fn::GetAtt": "WorkerFunction.Arn"},
                        "Table": {"Ref": "Table"},
                        "Topic": {"Ref": "Topic"},
                    },
                    **({} if "Role" in more else {"Policies": [{"Statement": [*allowed, *statements]}]}),
                    **({"Events": events} if events else {}),
                    **more,
                },
            },
            **resources,
        },
    }


def deploy(folder: Path, definition: dict[str, Any], *statements: Any, seed: int = 0, **resources: Any) -> Sandbox:
    """Write the application and deploy it."""
    (folder / "machine.asl.json").write_text(json.dumps(definition))
    (folder / "template.yaml").write_text(json.dumps(template(list(statements), **resources)))
    return Sandbox.deploy(folder / "template.yaml", seed=seed)


def start(account: Sandbox, given: Any = None, name: str = "one") -> str:
    """Start the machine."""
    client = account.client("stepfunctions")
    arn = account.resource("Machine").physical_id
    return str(client.start_execution(stateMachineArn=arn, name=name, input=json.dumps(given or {}))["executionArn"])


def register(account: Sandbox, image: str = "web:1") -> str:
    """Have the cluster `prod` and the next revision of `web`; gives its ARN."""
    ecs = account.client("ecs")
    ecs.create_cluster(clusterName="prod")
    container = {**CONTAINER, "image": image}
    made = ecs.register_task_definition(
        family="web", networkMode="awsvpc", cpu="256", memory="512", containerDefinitions=[container]
    )
    return str(made["taskDefinition"]["taskDefinitionArn"])
