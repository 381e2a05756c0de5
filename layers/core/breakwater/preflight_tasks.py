"""May the checks of a release run as tasks? That is for the stack's parameter CheckTaskRoleArns to say. Pure."""

from collections.abc import Iterator, Sequence

from breakwater.checks.spec import TaskCheck
from breakwater.preflight import Finding, Ok, Refuse
from breakwater.preflight_facts import DefinitionFacts, Unknown
from breakwater.release_policy import ReleasePolicy

PARAMETER = "CheckTaskRoleArns"
RULE = "check-tasks"


def task_checks(
    definition: DefinitionFacts | Unknown | None, policy: ReleasePolicy, roles: Sequence[str]
) -> Iterator[Finding]:
    """Say whether every check that runs a task of the revision can have one. `roles` are the stack's parameter.

    Refused rather than warned of: such a check could never be decided, so each release would end in a question.
    """
    names = [check.name for check in policy.checks if isinstance(check, TaskCheck)]
    if not names:
        return
    what = f"checks run as tasks ({', '.join(names[:3])})"
    if not roles:
        remedy = f"give the stack's parameter {PARAMETER} the task role and the execution role of the service's tasks"
        yield Refuse(RULE, f"the policy's {what}, and this stack may start none", remedy)
        return
    if not isinstance(definition, DefinitionFacts):
        return
    foreign = [role for role in definition.roles if not any(allows(one, role) for one in roles)]
    if foreign:
        reason = f"the policy's {what} of {definition.revision}, whose role {foreign[0]} the stack may not give them"
        yield Refuse(RULE, reason, f"add {' and '.join(foreign)} to the stack's parameter {PARAMETER}")
    else:
        yield Ok(RULE, f"{what}, with roles that the stack may give them")


def allows(pattern: str, role: str) -> bool:
    """Whether one entry of the parameter names a role. A task definition may have it without its ARN.

    >>> allows("arn:aws:iam::111122223333:role/shop-*", "shop-web")
    True
    """
    said = pattern if role.startswith("arn:") else pattern.partition(":role/")[2]
    return role == said or (said.endswith("*") and role.startswith(said[:-1]))
