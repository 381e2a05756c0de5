"""Checks: what a new revision has to pass. docs/checks.md explains how each is judged."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from breakwater.checks.spec import LONGEST_BODY, Operator
from breakwater.documents import misplaced
from breakwater.policies import CheckPolicy
from breakwater.release_rules import RulesError, check_of

from .parts import (
    NOT_EMPTY,
    ContainerName,
    Flag,
    Host,
    JsonPath,
    Name,
    PolicyPart,
    SecretArn,
    StatusOrRange,
    Target,
    Whole,
)

Header = Annotated[str, Field(max_length=1024, pattern=r"^[\x20-\x7e]*$")]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=1000)]
Scalar = Flag | Annotated[int, Field(strict=True)] | Number | Text | None


class Sample(PolicyPart):
    """How often a check is tried, and how often it has to pass."""

    needed: Whole = Field(3, ge=1, le=100, description="Good tries that make it pass.")
    attempts: Whole = Field(5, ge=1, le=100, description="Tries at most.")
    interval_seconds: Whole = Field(2, ge=0, le=300, description="The wait between two.")

    @model_validator(mode="after")
    def _can_pass(self) -> Self:
        if self.needed > self.attempts:
            raise misplaced("Sample", [(("needed",), f"it can never pass: there are {self.attempts} attempts")])
        return self


class SecretHeader(PolicyPart):
    """A header whose value is a secret of Secrets Manager. The document names it and never holds it."""

    name: Annotated[str, Field(min_length=1, max_length=128)] = Field(description="The header.")
    secret_arn: SecretArn = Field(description="The stack's parameter `CheckSecretArns` has to allow it.")
    key: Annotated[str, Field(min_length=1, max_length=256)] | None = Field(
        None, description="Of the secret's JSON object, else the whole string."
    )
    prefix: Header = Field("", description="Put before the value, such as `Bearer `.")


class Assertion(PolicyPart):
    """What has to hold at one place of the answer's JSON body."""

    path: JsonPath = Field(description="`$`, `.name`, `['any name']`, `[index]`.")
    operator: Operator = Field(description="`matches` compares text in which `*` stands for any characters.")
    value: Scalar | tuple[Scalar, ...] = Field(None, description="A list for `one_of`; none for `exists` and `absent`.")


class HttpCheck(PolicyPart):
    """A request to one of the service's own listeners, or to an allowed host, and what its answer must be."""

    path: Annotated[str, Field(max_length=2048, pattern=r"^/[\x21-\x7e]*$")] = Field("/", description="With query.")
    target: Target = Field(
        "test", description="Which of the service's listeners, or one of `allowed_hosts` as it is written there."
    )
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = Field(
        "GET", description="A check should change nothing."
    )
    body: Annotated[str, Field(max_length=LONGEST_BODY)] | None = Field(None, description="What is sent. No secrets.")
    host: Host | None = Field(None, description="The name that is shown to the server, if not the target's own.")
    headers: dict[Header, Header] = Field({}, max_length=20, description="In the open: no secrets.")
    secret_headers: tuple[SecretHeader, ...] = Field((), max_length=5, description="Headers whose value is a secret.")
    expected_status: Annotated[tuple[StatusOrRange, ...], NOT_EMPTY] = Field(
        (200,), max_length=20, description="The codes that pass, or ranges of them like `200-299`."
    )
    assertions: tuple[Assertion, ...] = Field((), max_length=20, description="What has to hold in the JSON body.")
    latency_ms: Whole | None = Field(None, ge=1, le=60000, description="An answer that takes longer fails.")
    timeout_seconds: Whole = Field(10, ge=1, le=60, description="What one try may take.")
    redirects: Whole = Field(0, ge=0, le=5, description="How many are followed; 0 takes one as the answer.")
    sample: Sample = Sample()


class TaskCheck(PolicyPart):
    """A task of the new revision; exit code 0 passes. The stack's parameter `CheckTaskRoleArns` lists its roles."""

    container: ContainerName | None = Field(None, description="The one whose exit code counts, else the essential one.")
    command: tuple[Annotated[str, Field(max_length=4096)], ...] = Field(
        (), max_length=100, description="Replaces the image's command: a list of words, no shell reads them."
    )
    timeout_seconds: Whole = Field(600, ge=10, le=3600, description="A task that runs longer is stopped and fails.")


class Quantile(PolicyPart):
    """How much slower the new side may be."""

    percentile: Literal[50, 90, 95, 99] = Field(description="Of TargetResponseTime.")
    ratio: Number = Field(1.5, ge=1, le=100, description="So many times the old side's latency is allowed.")
    floor_ms: Number = Field(50.0, ge=0, le=60000, description="And so many milliseconds in any case.")


class MetricCheck(PolicyPart):
    """Error rate and latency of the new target group, compared with those of the old one."""

    minimum_requests: Whole = Field(200, ge=20, le=10000000, description="Fewer are inconclusive, never a pass.")
    window_minutes: Whole = Field(5, ge=1, le=180, description="How far back the metrics are read.")
    false_alarm_rate: Number = Field(
        0.01, ge=1e-6, le=0.2, description="The chance to fail an equally good revision, over the whole release."
    )
    tolerated_increase: Number = Field(
        0.005, ge=0, le=0.5, description="So much higher (0.005 is half a percentage point) the error rate may be."
    )
    quantiles: tuple[Quantile, ...] | None = Field(
        None, max_length=4, description="By default p50 with a ratio of 1.5 and p95 with 2; `[]` leaves latency out."
    )


class Check(PolicyPart):
    """One check of a new revision: exactly one of http, task and metrics."""

    name: Name
    http: HttpCheck | None = None
    task: TaskCheck | None = None
    metrics: MetricCheck | None = None

    @model_validator(mode="after")
    def _is_one_that_can_be_made(self) -> Self:
        kinds = [kind for kind in ("http", "task", "metrics") if getattr(self, kind) is not None]
        if len(kinds) != 1:
            raise misplaced("Check", [((), "a check has exactly one of http, task and metrics")])
        try:
            # By those who make it in the end, so that no document is good whose release would be refused for it.
            check_of(self.compiled())
        except RulesError as error:
            raise misplaced("Check", [((kinds[0],), str(error.__cause__ or error))]) from None
        return self

    def compiled(self) -> CheckPolicy:
        """The check as it lies in the compiled policy."""
        kind = next(kind for kind in ("http", "task", "metrics") if getattr(self, kind) is not None)
        return CheckPolicy(self.name, kind, getattr(self, kind).model_dump_json())
