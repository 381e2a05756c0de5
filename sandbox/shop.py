"""Batch work in a deployed stack: an upload whose rows are written, and a nightly job that fails once and recovers.

For tests and benchmarks; scenario files have the same (`upload_ingest.yaml`, `nightly_job.yaml`). The container of
`examples/ingest` runs as a real process.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sandbox.containers import Container
from sandbox.ecs.workloads import crash_on_start, exits_zero, real_process
from sandbox.front import Sandbox
from sandbox.processes import Processes

EXAMPLE = Path(__file__).parents[1] / "examples" / "ingest"
FARGATE: dict[str, Any] = {
    "requiresCompatibilities": ["FARGATE"],
    "cpu": "256",
    "memory": "512",
    "networkMode": "awsvpc",
}
BUCKET, TABLE = "shop-inbox", "prices"
PRICES = b"article,price\nanchor,129.50\nbuoy,39.90\n"
DUE = timedelta(hours=1, minutes=30)
"""When the nightly job is due, after midnight in UTC: 02:30 in Berlin, in winter."""
JOB_FAILS_WITH = 75
"""The exit code that the policy of the example calls worth another try."""


@dataclass(slots=True)
class BatchWork:
    """The shop's bucket, table, cluster and tasks beside a stack, with the policy of the example in force."""

    sandbox: Sandbox

    def prepare(self) -> None:
        """Make what the shop has, and push the policy. The stack has to be in mode act for anything to start."""
        sandbox = self.sandbox
        sandbox.client("ecs").create_cluster(clusterName="shop")
        for family in ("ingest", "reprice"):
            container = Container(family, f"{family}:1", log_group=f"/{family}")
            role = f"arn:aws:iam::{sandbox.account.id}:role/shop-task"
            sandbox.register_task_definition(family, [container], executionRoleArn=role, **FARGATE)
        s3 = sandbox.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        sandbox.client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "article", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "article", "AttributeType": "S"}],
        )
        sandbox.ecs.world.runner = Processes(sandbox.account, EXAMPLE)
        sandbox.ecs.faults.set_workload("ingest:1", real_process("python", "ingest.py"))
        sandbox.ecs.faults.set_workload("reprice:1", exits_zero(300))
        self.push((EXAMPLE / "policy.yaml").read_bytes())

    def push(self, policy: bytes) -> None:
        """Put a policy document into the policy bucket, and let it be applied."""
        bucket = self.sandbox.outputs["PolicyBucketName"]
        self.sandbox.client("s3").put_object(Bucket=bucket, Key="policy.yaml", Body=policy)
        self.sandbox.advance(timedelta(minutes=2))

    def upload(self, key: str = "incoming/prices.csv", body: bytes = PRICES) -> list[dict[str, Any]]:
        """Upload a file, let its task end, and give the rows of the table."""
        self.sandbox.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)
        self.sandbox.advance(timedelta(minutes=4))
        return self.rows()

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the table, by article."""
        items: list[dict[str, Any]] = self.sandbox.client("dynamodb").scan(TableName=TABLE)["Items"]
        return sorted(items, key=lambda item: str(item["article"]["S"]))

    def bad_night(self) -> None:
        """A night on which the nightly job fails once, is late for its deadline, is retried and succeeds.

        People are told at the deadline, and that it is over once the second attempt has succeeded.
        """
        faults = self.sandbox.ecs.faults
        faults.set_workload("reprice:1", crash_on_start(JOB_FAILS_WITH))
        self._to(DUE + timedelta(minutes=5))
        faults.set_workload("reprice:1", exits_zero(300))
        self._to(DUE + timedelta(minutes=30))

    def _to(self, clock: timedelta) -> None:
        """Go to the next time that the clock shows this."""
        midnight = self.sandbox.now.replace(hour=0, minute=0, second=0, microsecond=0)
        at = midnight + clock
        self.sandbox.advance(at if at > self.sandbox.now else at + timedelta(days=1))
