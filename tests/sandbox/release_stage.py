"""One stack in the sandbox, one load balancer, and shops behind it: services below paths of their own, to be released.

Setting up the stack costs seconds, a shop next to nothing: so scenarios share the stack, and each has its own shop.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from boto3.dynamodb.types import TypeDeserializer

from breakwater.compiled import Compiled, ServiceRules
from breakwater.model import Mode
from breakwater.policies import CheckPolicy, ReleasePolicy
from sandbox import Sandbox
from sandbox.ecs.requests import Answers, Flow
from sandbox.states.machines import Execution

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
CHECKED, ANALYSED, BEFORE_STEPS = (
    "POST_TEST_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
)
BLUE_GREEN: dict[str, Any] = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}
CANARY: dict[str, Any] = {
    "strategy": "CANARY",
    "bakeTimeInMinutes": 5,
    "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 5},
}
LINEAR: dict[str, Any] = {
    "strategy": "LINEAR",
    "bakeTimeInMinutes": 2,
    "linearConfiguration": {"stepPercent": 25.0, "stepBakeTimeInMinutes": 5},
}
ROLLING: dict[str, Any] = {"strategy": "ROLLING"}
ACT = ReleasePolicy(mode=Mode.ACT)
MINUTE = timedelta(minutes=1)
PORTS = {"production": 80, "test": 8080}


def smoke(**more: Any) -> dict[str, Any]:
    """An HTTP check: two good answers of at most three."""
    return {
        "path": "/health",
        "expected_status": [200],
        "timeout_seconds": 2,
        "sample": {"needed": 2, "attempts": 3},
        **more,
    }


def metrics(**more: Any) -> dict[str, Any]:
    """An analysis that three minutes of a little traffic are enough for."""
    return {"minimum_requests": 20, "window_minutes": 3, "quantiles": [{"percentile": 50}], **more}


SMOKE = ("smoke", "http", smoke())
BOTH = (SMOKE, ("metrics", "metrics", metrics()))
STEPS = (CHECKED, BEFORE_STEPS)
"""Where a release that shifts in steps pauses: for its checks, and before each step."""


class Street:
    """The account."""

    def __init__(self, account: Sandbox | None = None) -> None:
        roles = "arn:aws:iam::111122223333:role/task"
        said = {"AlertEmail": "oncall@example.com", "Mode": "act", "CheckTaskRoleArns": roles}
        self.account = account or Sandbox.deploy(TEMPLATE, said)
        self.ecs, self.elb = self.account.client("ecs"), self.account.client("elbv2")
        self.rules: dict[str, ServiceRules] = {}
        self.shops = 0
        self.open: list[Shop] = []
        ec2 = self.account.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = str(ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"])
        made = self.elb.create_load_balancer(Name="shop", Subnets=[self.subnet, "subnet-2"])["LoadBalancers"][0]
        self.balancer = str(made["LoadBalancerArn"])
        self.ecs.create_cluster(clusterName="prod")
        self.listeners = {name: self._listener(port) for name, port in PORTS.items()}

    def _listener(self, port: int) -> str:
        fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        made = self.elb.create_listener(
            LoadBalancerArn=self.balancer, Port=port, Protocol="HTTP", DefaultActions=[fixed]
        )
        return str(made["Listeners"][0]["ListenerArn"])

    def publish(self, rules: ServiceRules) -> None:
        """Have the compiled policy say this of one service."""
        self.rules[rules.match] = rules
        doc = Compiled(services=tuple(self.rules.values())).dumped()
        item = {"pk": {"S": "POLICY"}, "sk": {"S": "COMPILED"}, "doc": {"S": doc}, "digest": {"S": str(hash(doc))}}
        table = self.account.resource("Table").physical_id
        self.account.client("dynamodb").put_item(TableName=table, Item=item)

    def clear(self) -> None:
        """Give up the shops that there are: no sweep looks at them any more, so a street of hundreds stays quick."""
        for shop in self.open:
            self.rules.pop(f"prod/{shop.name}", None)
            self.ecs.delete_service(cluster="prod", service=shop.name, force=True)
        self.open.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.account.close()


class Shop:
    """One service on its revision 1, with how its production traffic fares."""

    def __init__(
        self,
        street: Street,
        settings: dict[str, Any] = BLUE_GREEN,
        *,
        pauses: Sequence[str] = (CHECKED,),
        checks: Sequence[tuple[str, str, dict[str, Any]]] = (SMOKE,),
        policy: ReleasePolicy = ACT,
        container: Mapping[str, Any] | None = None,
        hooks: Sequence[dict[str, Any]] = (),
        alarm: str = "",
        roles: bool = False,
        launch: str = "FARGATE",
    ) -> None:
        self.street, self.account, self.ecs = street, street.account, street.ecs
        for flow in street.account.native.requests.flows:
            flow.until = 0  # nobody counts any more what earlier shops are asked
        street.shops += 1
        street.open.append(self)
        self.name, self.settings, self.launch = f"s{street.shops}", settings, launch
        self.container = container or {}
        role = f"arn:aws:iam::{self.account.account.id}:role/task"
        self.roles = {"taskRoleArn": role, "executionRoleArn": role} if roles else {}
        self.shifts = settings["strategy"] != "ROLLING"
        self.flow: Flow | None = None
        said = tuple(CheckPolicy(name, kind, json.dumps(self._below(spec))) for name, kind, spec in checks)
        street.publish(ServiceRules(f"prod/{self.name}", release=policy, checks=said))
        self._service()
        self.settle()
        declared = [*hooks, *([{"targetType": "PAUSE", "lifecycleStages": list(pauses)}] if pauses else [])]
        watched = {"alarms": {"alarmNames": [alarm], "enable": True, "rollback": False}} if alarm else {}
        if self.shifts and declared:  # its hooks come once it runs, so that nothing has to be continued by hand
            self.update(deploymentConfiguration={**settings, **watched, "lifecycleHooks": declared})
        self.settle()
        self.account.advance(MINUTE)

    def settle(self) -> None:
        """Let what was begun come to its end."""
        self.until(lambda: self.deployment["status"] == "SUCCESSFUL", step=MINUTE)

    def _below(self, spec: dict[str, Any]) -> dict[str, Any]:
        return {**spec, "path": f"/{self.name}{spec['path']}"} if "path" in spec else spec

    def _service(self) -> None:
        elb = self.street.elb
        self.groups = [
            str(
                elb.create_target_group(
                    Name=f"{self.name}-{which}", TargetType="ip", VpcId="vpc-1", Port=80, Protocol="HTTP"
                )["TargetGroups"][0]["TargetGroupArn"]
            )
            for which in (1, 2)
        ]
        forward = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in zip(self.groups, (100, 0), strict=True)]
        self.rules = {
            which: str(
                elb.create_rule(
                    ListenerArn=listener,
                    Priority=self.street.shops,
                    Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": [f"/{self.name}/*"]}}],
                    Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": forward}}],
                )["Rules"][0]["RuleArn"]
            )
            for which, listener in self.street.listeners.items()
        }
        advanced = {
            "alternateTargetGroupArn": self.groups[1],
            "productionListenerRule": self.rules["production"],
            "testListenerRule": self.rules["test"],
            "roleArn": "arn:aws:iam::111122223333:role/ecs",
        }
        binding = {"targetGroupArn": self.groups[0], "containerName": "app", "containerPort": 80}
        self.ecs.create_service(
            cluster="prod",
            serviceName=self.name,
            taskDefinition=self.register(),
            desiredCount=2,
            launchType=self.launch,
            networkConfiguration={"awsvpcConfiguration": {"subnets": [self.street.subnet], "securityGroups": ["sg-1"]}},
            loadBalancers=[{**binding, **({"advancedConfiguration": advanced} if self.shifts else {})}],
            **({"deploymentConfiguration": self.settings} if self.shifts else {}),
        )

    def update(self, **more: Any) -> None:
        """UpdateService, as anybody may."""
        self.ecs.update_service(cluster="prod", service=self.name, **more)

    def register(self) -> str:
        """The next revision; its image is `NAME:REVISION`."""
        known = self.ecs.list_task_definitions(familyPrefix=self.name)["taskDefinitionArns"]
        image = f"{self.name}:{len(known) + 1}"
        made = self.ecs.register_task_definition(
            family=self.name,
            networkMode="awsvpc",
            requiresCompatibilities=[self.launch],
            cpu="256",
            memory="512",
            **self.roles,
            containerDefinitions=[
                {"name": "app", "image": image, "portMappings": [{"containerPort": 80}], **self.container}
            ],
        )
        return str(made["taskDefinition"]["taskDefinitionArn"])

    # ── playing ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def site(self, revision: int, status: int, body: str = "") -> None:
        """What checks get from a revision."""
        self.account.sites.answers[f"{self.name}:{revision}"] = (status, body)

    def serves(self, revision: int, **how: Any) -> None:
        """What production traffic gets from a revision."""
        self.account.native.requests.answers[f"{self.name}:{revision}"] = Answers(**how)

    def traffic(self, per_second: float = 0.5, hours: float = 2) -> Flow:
        """Production traffic from now on; how a scenario ends asks how it fared (`release_endings`)."""
        listener = self.street.listeners["production"]
        self.flow = self.account.native.requests.flow(listener, f"/{self.name}/x", per_second, hours * 3600)
        return self.flow

    def start(self, revision: int = 2, **more: Any) -> Execution:
        """Start a release."""
        given = {"service": f"prod/{self.name}", "task_definition": f"{self.name}:{revision}", **more}
        self.account.client("stepfunctions").start_execution(
            stateMachineArn=self.account.resource("ReleaseStateMachine").physical_id,
            name=f"{self.name}-{len(self.account.executions)}",
            input=json.dumps(given),
        )
        return self.account.executions[-1]

    def release(self, **more: Any) -> Execution:
        """Register a revision, release it, and let time pass until that is over."""
        self.register()
        return self.over(self.start(**more))

    def over(self, execution: Execution, limit: timedelta = timedelta(hours=30)) -> Execution:
        """Let time pass until an execution has ended."""
        self.until(lambda: execution.status != "RUNNING", limit)
        return execution

    def until(
        self,
        holds: Callable[[], object],
        limit: timedelta = timedelta(hours=3),
        step: timedelta = timedelta(seconds=20),
    ) -> None:
        """Let time pass until something holds."""
        end = self.account.now + limit
        while not holds():
            assert self.account.now < end, (
                f"not so after {limit}: {[one.entered[-3:] for one in self.account.executions]}"
            )
            self.account.advance(step)

    def waits_at(self, execution: Execution, state: str, entered: int = 1) -> None:
        """Let time pass until an execution has entered a state so many times."""
        self.until(lambda: execution.entered.count(state) >= entered)

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def revision(self) -> int:
        """The revision that the service has."""
        [service] = self.ecs.describe_services(cluster="prod", services=[self.name])["services"]
        return int(str(service["taskDefinition"]).rpartition(":")[2])

    @property
    def weights(self) -> list[int]:
        """The weights of its two target groups in production."""
        [rule] = self.street.elb.describe_rules(RuleArns=[self.rules["production"]])["Rules"]
        shares = {one["TargetGroupArn"]: one["Weight"] for one in rule["Actions"][0]["ForwardConfig"]["TargetGroups"]}
        return [shares.get(group, 0) for group in self.groups]

    @property
    def deployment(self) -> dict[str, Any]:
        """The latest service deployment."""
        arn = self.ecs.list_service_deployments(cluster="prod", service=self.name)["serviceDeployments"][0]
        [found] = self.ecs.describe_service_deployments(serviceDeploymentArns=[arn["serviceDeploymentArn"]])[
            "serviceDeployments"
        ]
        whole: dict[str, Any] = found
        return whole

    def items(self, prefix: str) -> list[dict[str, Any]]:
        """The items of the table whose key begins so."""
        return [item for item in self.account.table_items() if str(item["pk"]).startswith(prefix)]

    def under(self, pk: str) -> list[dict[str, Any]]:
        """The items of the table under one key: where there are many shops, far quicker than to look through all."""
        found = self.account.client("dynamodb").query(
            TableName=self.account.resource("Table").physical_id,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
        )
        read = TypeDeserializer().deserialize
        return [{name: read(value) for name, value in item.items()} for item in found["Items"]]

    def record(self, execution: Execution) -> dict[str, Any]:
        """What is kept of a release."""
        [item] = self.under(f"RELEASE#{execution.arn}")
        found: dict[str, Any] = json.loads(item["doc"])
        return found

    def said(self, execution: Execution) -> list[str]:
        """What the release's report tells, without the warnings."""
        return [one["what"] for one in self.record(execution)["lines"] if not one["what"].startswith("warning")]

    @property
    def ledger(self) -> dict[str, Any]:
        """Its ledger."""
        found: dict[str, Any] = json.loads(self.under(f"LEDGER#prod/{self.name}")[0]["doc"])
        return found

    def mails(self) -> list[str]:
        """The e-mails about it."""
        return [mail.body for mail in self.account.messages if self.name in mail.body]

    @property
    def free(self) -> bool:
        """Whether anybody may change it: neither leased nor claimed."""
        [lease] = self.under(f"LEASE#prod/{self.name}")
        claims = self.under(f"RELEASING#prod/{self.name}")
        return lease["holder"] == "nobody" and not any(claim["execution"] for claim in claims)
