"""A deployed stack with a policy bucket to push to, and a look at all the schedules and rules of the account."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from typing import Any

from breakwater.compiled import Compiled, ServiceRules
from breakwater.model import Mode
from breakwater.policies import GuardPolicy
from breakwater.policy_reader import COMPILED
from sandbox import Sandbox
from tests.template.reading import ROOT

PARAMETERS = {"AlertEmail": "oncall@example.com"}
FULL = """\
version: 1
defaults:
  mode: act
jobs:
  - name: nightly
    schedule: cron(0 3 * * ? *)
    time_zone: Europe/Berlin
    task: {cluster: batch, task_definition: report, command: [run], environment: {LEVEL: canary-0123456789}}
  - name: hourly
    schedule: rate(1 hour)
    task: {cluster: batch, task_definition: report}
uploads:
  - name: prices
    bucket: shop-inbox
    prefix: incoming/
    suffix: .csv
    task: {cluster: batch, task_definition: ingest}
"""
WINDOWS = """\
scaling:
  windows:
    - name: night
      match: prod/web
      days: [friday]
      opens: "22:00"
      closes: "06:00"
      time_zone: Europe/Berlin
      desired: 0
"""
EMPTY = "version: 1\n"
GUARD_ACTS = Compiled(others=ServiceRules("*/*", GuardPolicy(mode=Mode.ACT)))


def put_in_force(sandbox: Sandbox, policy: Compiled) -> None:
    """Put a compiled policy into the table, without a document, schedules and rules."""
    doc = policy.dumped()
    item = {"pk": COMPILED[0], "sk": COMPILED[1], "digest": sha256(doc.encode()).hexdigest(), "doc": doc}
    sandbox.client("dynamodb").put_item(
        TableName=sandbox.resource("Table").physical_id, Item={name: {"S": value} for name, value in item.items()}
    )


class PolicyStack:
    """The stack, what was pushed to it, and what it made of that."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.bucket = sandbox.outputs["PolicyBucketName"]
        self.group = sandbox.resource("PolicyScheduleGroup").physical_id
        self.s3, self.scheduler, self.events = (sandbox.client(name) for name in ("s3", "scheduler", "events"))

    def upload(self, text: str | bytes) -> str:
        """Put a document into the bucket and give its version."""
        body = text.encode() if isinstance(text, str) else text
        return str(self.s3.put_object(Bucket=self.bucket, Key="policy.yaml", Body=body)["VersionId"])

    def push(self, text: str | bytes) -> str:
        """Upload a document and let the stack answer."""
        version = self.upload(text)
        self.sandbox.advance(timedelta(seconds=30))
        return version

    def after_a_sweep(self) -> None:
        """Let time pass to just after a sweep, so that the next one is minutes away."""
        now = self.sandbox.now
        self.sandbox.advance(timedelta(minutes=5 - now.minute % 5, seconds=20 - now.second))

    def looked_hours_ago(self, hours: int) -> None:
        """Have the last comparison of schedules and rules with the policy be so many hours old."""
        self.sandbox.client("dynamodb").update_item(
            TableName=self.sandbox.outputs["TableName"],
            Key={"pk": {"S": "POLICY"}, "sk": {"S": "DOCUMENT"}},
            UpdateExpression="SET checked = checked - :past",
            ExpressionAttributeValues={":past": {"N": str(hours * 3600)}},
        )

    def schedules(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Every schedule of the account by group and name, as the API describes it."""
        listed = self.scheduler.list_schedules()["Schedules"]
        return {
            (entry["GroupName"], entry["Name"]): {
                name: value
                for name, value in self.scheduler.get_schedule(GroupName=entry["GroupName"], Name=entry["Name"]).items()
                if name != "ResponseMetadata"
            }
            for entry in listed
        }

    def rules(self) -> dict[str, dict[str, Any]]:
        """Every rule of the account by name, with its targets."""
        return {
            rule["Name"]: {**rule, "Targets": self.events.list_targets_by_rule(Rule=rule["Name"])["Targets"]}
            for rule in self.events.list_rules()["Rules"]
        }

    def ours(self) -> tuple[list[str], list[str]]:
        """The names of our schedules, and of our rules without their prefix."""
        rules = sorted(name.partition("-upload-")[2] for name in self.rules() if "-upload-" in name)
        return sorted(name for group, name in self.schedules() if group == self.group), rules

    def item(self, name: str) -> dict[str, Any]:
        """An item of the policy in the table."""
        found = [item for item in self.sandbox.table_items() if (item["pk"], item["sk"]) == ("POLICY", name)]
        return found[0] if found else {}


@contextmanager
def deployed(**more: Any) -> Iterator[PolicyStack]:
    """Deploy the real template."""
    with Sandbox.deploy(ROOT / "template.yaml", {**PARAMETERS, **more}) as sandbox:
        yield PolicyStack(sandbox)
