"""What every function, queue, rule and topic of the template has. A failure says what to add."""

import importlib
import json
import re
from typing import Any

import pytest

from breakwater import log
from tests.template import reading
from tests.template.reading import (
    as_list,
    functions,
    pointed_at,
    resources,
    translated_resources,
    written,
)

FUNCTIONS = sorted(functions())
QUEUES = sorted(resources("AWS::SQS::Queue"))
RULES = sorted(resources("AWS::Events::Rule"))
SWEEP_RULES = [name for name in RULES if name.endswith("SweepRule")]
TOPICS = sorted(resources("AWS::SNS::Topic"))
SUBSCRIPTIONS = sorted(resources("AWS::SNS::Subscription"))
DEAD_LETTER_QUEUES = [name for name in QUEUES if name.endswith("DeadLetterQueue")]
MACHINES = resources("AWS::Serverless::StateMachine")
MAPPINGS = sorted(resources("AWS::Lambda::EventSourceMapping"))
COUNTED = sorted(
    name
    for name, alarm in resources("AWS::CloudWatch::Alarm").items()
    if not alarm["Properties"]["Namespace"].startswith("AWS/")
)
FAILURES_THAT_ARE_ANSWERED = [
    ("batch_runner", "MessagesReturned"),
    ("notifier", "NoticesFailed"),
    ("task_alerts", "MessagesReturned"),
    ("task_alerts", "NoticesUnpublished"),
]
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:"
LATEST = 6 * 3600  # a notice that comes later helps nobody


def stem(handler: str) -> str:
    """`task_alerts.handler.handler` is TaskAlerts; `release.shift.handler` is ReleaseShift."""
    path = "_".join(handler.split(".")[:-1]).removesuffix("_handler")
    return "".join(word.capitalize() for word in path.split("_"))


def properties(name: str) -> dict[str, Any]:
    body = written()["Resources"][name].get("Properties", {})
    assert isinstance(body, dict)
    return body


def global_function() -> dict[str, Any]:
    shared = written()["Globals"]["Function"]
    assert isinstance(shared, dict)
    return shared


def fed(mapping: str) -> tuple[str, str]:
    """The function of a mapping and its queue."""
    (function,) = pointed_at(properties(mapping)["FunctionName"])
    (queue,) = pointed_at(properties(mapping)["EventSourceArn"])
    return function, queue


def alarms_on(metric: str, name: str) -> list[dict[str, Any]]:
    return [
        alarm["Properties"]
        for alarm in resources("AWS::CloudWatch::Alarm").values()
        if alarm["Properties"]["MetricName"] == metric and name in pointed_at(alarm["Properties"]["Dimensions"])
    ]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_named_like_its_folder_and_module(name: str) -> None:
    handler = properties(name)["Handler"]
    assert name == f"{stem(handler)}Function", f"call it {stem(handler)}Function, after its Handler {handler}"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_handler_is_a_module_of_its_automation(name: str) -> None:
    handler = properties(name)["Handler"]
    module = reading.ROOT / "functions" / "/".join(handler.split(".")[:-1])
    assert module.with_suffix(".py").is_file(), f"write functions/{module.name}.py for the Handler {handler}"


def test_every_automation_has_a_function() -> None:
    deployed = {reading.folder(properties(name)["Handler"]) for name in FUNCTIONS}
    entered = re.compile(r"^def handler\(", re.MULTILINE)
    modules = (reading.ROOT / "functions").glob("*/*.py")
    folders = {path.parent.name for path in modules if entered.search(path.read_text(encoding="utf-8"))}
    assert folders == deployed, "each folder in functions/ with a handler needs a function in template.yaml"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_a_log_group_of_its_own_with_retention(name: str) -> None:
    group = f"{name.removesuffix('Function')}LogGroup"
    assert properties(name).get("LoggingConfig", {}).get("LogGroup") == {"Ref": group}, (
        f"give {name} LoggingConfig: {{LogGroup: !Ref {group}}}"
    )
    assert group in resources("AWS::Logs::LogGroup"), f"add the log group {group}"
    assert properties(group).get("RetentionInDays") == {"Ref": "LogRetentionDays"}, (
        f"give {group} RetentionInDays: !Ref LogRetentionDays"
    )


def answers_its_caller() -> set[str]:
    """The functions that nobody invokes asynchronously: fed from queues, steps of state machines, hooks of ECS."""
    steps = [machine["Properties"]["DefinitionSubstitutions"] for machine in MACHINES.values()]
    return {fed(mapping)[0] for mapping in MAPPINGS} | pointed_at(steps) | {"DeploymentHooksNativeFunction"}


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in answers_its_caller()])
def test_a_function_invoked_asynchronously_says_what_happens_when_it_fails(name: str) -> None:
    config = properties(name).get("EventInvokeConfig", {})
    assert {"MaximumEventAgeInSeconds", "MaximumRetryAttempts"} <= set(config), (
        f"give {name} an EventInvokeConfig with MaximumEventAgeInSeconds and MaximumRetryAttempts"
    )
    destination = pointed_at(config.get("DestinationConfig", {}).get("OnFailure", {}))
    assert destination & set(DEAD_LETTER_QUEUES), f"give {name} an OnFailure destination: a dead-letter queue"


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_errors_and_throttles_of_a_function_reach_ops(name: str, metric: str) -> None:
    alarms = alarms_on(metric, name)
    assert alarms, f"add an alarm on {metric} of {name}"
    assert all(alarm["AlarmActions"] == [{"Ref": "OpsTopic"}] for alarm in alarms)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sam_derives_no_event_source_of_a_function(name: str) -> None:
    assert "Events" not in properties(name), (
        f"write {name}'s event source mapping out: with SAM's comes a managed policy for every queue of the account"
    )


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_queue_hides_a_message_for_six_timeouts_and_the_batching_window(name: str) -> None:
    function, queue = fed(name)
    needed = 6 * properties(function)["Timeout"] + properties(name)["MaximumBatchingWindowInSeconds"]
    assert properties(queue)["VisibilityTimeout"] >= needed, f"give {queue} a VisibilityTimeout of at least {needed}"


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_batch_fails_record_by_record_and_not_as_a_whole(name: str) -> None:
    assert properties(name).get("FunctionResponseTypes") == ["ReportBatchItemFailures"]


def test_an_outage_of_an_hour_at_the_chat_service_sends_no_notice_to_the_dead_letters() -> None:
    queue = properties("NotifierQueue")
    tried_for = (queue["RedrivePolicy"]["maxReceiveCount"] - 1) * queue["VisibilityTimeout"]
    assert 3600 < tried_for < LATEST


def test_a_claim_of_the_notifier_outlives_its_owner_and_not_the_message() -> None:
    claim = importlib.import_module("notifier.delivery").CLAIM.total_seconds()
    assert properties("NotifierFunction")["Timeout"] < claim < properties("NotifierQueue")["VisibilityTimeout"]


@pytest.mark.parametrize("name", COUNTED)
def test_an_alarm_on_a_metric_of_our_own_watches_what_a_function_counts(name: str) -> None:
    alarm = properties(name)
    (dimension,) = alarm["Dimensions"]
    sources = (reading.ROOT / "functions" / dimension["Value"]).glob("*.py")
    assert (alarm["Namespace"], dimension["Name"]) == (log.NAMESPACE, "service")
    assert any(f'"{alarm["MetricName"]}"' in source.read_text(encoding="utf-8") for source in sources)
    assert alarm["EvaluationPeriods"] == 3, "once is normal: it is tried again"
    assert alarm["AlarmActions"] == [{"Ref": "OpsTopic"}]


@pytest.mark.parametrize(("service", "metric"), FAILURES_THAT_ARE_ANSWERED)
def test_a_failure_that_is_answered_and_not_raised_reaches_ops(service: str, metric: str) -> None:
    watched = [(properties(name)["Dimensions"][0]["Value"], properties(name)["MetricName"]) for name in COUNTED]
    assert (service, metric) in watched, f"add an alarm on {metric} of {service}"


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_gives_up_into_a_dead_letter_queue_or_is_one(name: str) -> None:
    if name in DEAD_LETTER_QUEUES:
        return
    redrive = properties(name).get("RedrivePolicy", {})
    assert pointed_at(redrive) & set(DEAD_LETTER_QUEUES), f"give {name} a RedrivePolicy to a dead-letter queue"


@pytest.mark.parametrize("name", DEAD_LETTER_QUEUES)
def test_a_dead_letter_queue_keeps_for_fourteen_days_and_raises_an_alarm(name: str) -> None:
    assert properties(name).get("MessageRetentionPeriod") == 14 * 24 * 3600, f"let {name} keep its messages 14 days"
    alarms = alarms_on("ApproximateNumberOfMessagesVisible", name)
    assert alarms, f"add an alarm on ApproximateNumberOfMessagesVisible of {name}"
    assert all(alarm["AlarmActions"] == [{"Ref": "OpsTopic"}] for alarm in alarms)
    assert all((alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold") for alarm in alarms)


@pytest.mark.parametrize("name", DEAD_LETTER_QUEUES)
def test_an_operator_finds_each_dead_letter_queue_in_the_outputs(name: str) -> None:
    assert any(name in pointed_at(output) for output in written()["Outputs"].values()), f"add an output for {name}"


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_encrypted_and_refuses_plain_text(name: str) -> None:
    assert properties(name).get("SqsManagedSseEnabled") is True, f"give {name} SqsManagedSseEnabled: true"
    assert denies_plain_text("AWS::SQS::QueuePolicy", "Queues", name), f"deny non-TLS in a policy of {name}"


@pytest.mark.parametrize("name", TOPICS)
def test_a_topic_refuses_plain_text(name: str) -> None:
    assert denies_plain_text("AWS::SNS::TopicPolicy", "Topics", name), f"deny non-TLS in a policy of {name}"


def test_a_queue_has_one_policy() -> None:
    """A second one would silently replace the first."""
    attached = [queue for policy in resources("AWS::SQS::QueuePolicy").values() for queue in queues_of(policy)]
    assert sorted(attached) == QUEUES


def queues_of(policy: dict[str, Any]) -> list[str]:
    return [queue for reference in policy["Properties"]["Queues"] for queue in pointed_at(reference)]


def denies_plain_text(kind: str, attached: str, name: str) -> bool:
    return any(
        statement["Effect"] == "Deny" and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for policy in resources(kind).values()
        if name in pointed_at(policy["Properties"][attached])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    )


def senders(queue: str) -> set[str]:
    """Who may send to a queue through a service, by logical ID."""
    return set().union(
        *(
            pointed_at(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
            for policy in resources("AWS::SQS::QueuePolicy").values()
            if queue in pointed_at(policy["Properties"]["Queues"])
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Allow"
        )
    )


@pytest.mark.parametrize("name", RULES)
def test_a_target_of_a_rule_loses_nothing_silently(name: str) -> None:
    for target in properties(name)["Targets"]:
        where = f"target {target['Id']} of {name}"
        assert {"MaximumEventAgeInSeconds", "MaximumRetryAttempts"} == set(target.get("RetryPolicy", {})), (
            f"give {where} a RetryPolicy"
        )
        kept = pointed_at(target.get("DeadLetterConfig", {}))
        assert kept & set(DEAD_LETTER_QUEUES), f"give {where} a DeadLetterConfig"
        for queue in kept | (pointed_at(target["Arn"]) & set(QUEUES)):
            assert name in senders(queue), f"let {name} send to {queue} in its policy"


@pytest.mark.parametrize("name", SUBSCRIPTIONS)
def test_a_subscription_loses_nothing_silently(name: str) -> None:
    kept = pointed_at(properties(name).get("RedrivePolicy", {}))
    assert kept & set(DEAD_LETTER_QUEUES), f"give {name} a RedrivePolicy"
    (topic,) = pointed_at(properties(name)["TopicArn"])
    for queue in kept | (pointed_at(properties(name)["Endpoint"]) & set(QUEUES)):
        assert topic in senders(queue), f"let {topic} send to {queue} in its policy"


@pytest.mark.parametrize("name", [name for name in RULES if "ScheduleExpression" in properties(name)])
def test_a_rule_may_invoke_the_functions_that_it_wakes(name: str) -> None:
    allowed = {
        function
        for permission in resources("AWS::Lambda::Permission").values()
        if pointed_at(permission["Properties"]["SourceArn"]) == {name}
        for function in pointed_at(permission["Properties"]["FunctionName"])
    }
    assert allowed == pointed_at([target["Arn"] for target in properties(name)["Targets"]])


def test_every_sweep_is_woken() -> None:
    sweeps = {name for name in FUNCTIONS if properties(name)["Handler"].endswith(".sweep.handler")}
    assert pointed_at([target["Arn"] for rule in SWEEP_RULES for target in properties(rule)["Targets"]]) == sweeps, (
        "give one of the sweep rules a target for each function with a sweep handler"
    )


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if properties(name)["Handler"].endswith(".sweep.handler")])
def test_a_sweep_that_stops_coming_reaches_ops_and_one_late_sweep_does_not(name: str) -> None:
    (alarm,) = alarms_on("Invocations", name)
    assert alarm["AlarmActions"] == [{"Ref": "OpsTopic"}]
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (300, 3, "breaching")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_gets_the_variables_that_its_settings_read_and_its_name(name: str) -> None:
    own = properties(name)["Environment"]["Variables"]
    automation = reading.folder(properties(name)["Handler"])
    given = set(global_function()["Environment"]["Variables"]) | set(own)
    assert given == reading.variables_read(properties(name)["Handler"]) | {"POWERTOOLS_SERVICE_NAME"}, (
        "give exactly what the settings class declares"
    )
    assert own["POWERTOOLS_SERVICE_NAME"] == automation


@pytest.mark.parametrize(
    ("arn", "taken"),
    [
        pytest.param("", True, id="none"),
        pytest.param(SECRET + "breakwater/slack-AbC12d", True, id="a full ARN"),
        pytest.param(SECRET + "breakwater/slack", False, id="without the six characters"),
        pytest.param(SECRET + "breakwater/slack-*", False, id="a wildcard"),
        pytest.param(SECRET + "breakwater/slack-AbC12d4", False, id="seven characters"),
        pytest.param("breakwater/slack-AbC12d", False, id="a name"),
    ],
)
def test_a_slack_secret_is_given_by_its_full_arn(arn: str, taken: bool) -> None:
    """IAM takes the parameter as the resource of a grant: without its end it would match no secret."""
    pattern = written()["Parameters"]["SlackSecretArn"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, arn)) is taken


def test_no_role_and_no_function_has_a_name_of_its_own() -> None:
    named = {
        f"{logical_id}.{name}"
        for logical_id, body in translated_resources(
            "AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::Lambda::Function"
        ).items()
        for name in ("RoleName", "ManagedPolicyName", "FunctionName")
        if name in body["Properties"]
    }
    assert not named, "names need CAPABILITY_NAMED_IAM and allow one stack per account; leave them to CloudFormation"


def test_no_function_reserves_concurrency() -> None:
    assert "ReservedConcurrentExecutions" not in json.dumps(written()), "it fails in accounts with a small quota"


def test_the_permissions_boundary_reaches_every_role() -> None:
    for name, role in translated_resources("AWS::IAM::Role").items():
        assert "PermissionsBoundaryArn" in json.dumps(role["Properties"].get("PermissionsBoundary")), name


@pytest.mark.parametrize("name", sorted(resources("AWS::DynamoDB::Table")))
def test_a_table_outlives_the_stack_and_can_be_restored(name: str) -> None:
    body = resources("AWS::DynamoDB::Table")[name]
    assert (body.get("DeletionPolicy"), body.get("UpdateReplacePolicy")) == ("Retain", "Retain")
    assert body["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize("name", sorted(written()["Parameters"]))
def test_a_parameter_explains_itself_and_refuses_nonsense(name: str) -> None:
    parameter = written()["Parameters"][name]
    assert parameter.get("Description"), f"describe {name}"
    assert "AllowedValues" in parameter or "AllowedPattern" in parameter, f"bound the values of {name}"


def test_a_topic_of_an_aws_service_is_not_under_the_default_key() -> None:
    """CloudWatch publishes to OpsTopic, and no service can use alias/aws/sns: its alarms would vanish."""
    for alarm in resources("AWS::CloudWatch::Alarm").values():
        for topic in pointed_at(as_list(alarm["Properties"]["AlarmActions"])):
            assert "KmsMasterKeyId" not in properties(topic), topic
