"""May this revision be released to this service now? A list of findings, each with its reason and what to do.

Pure, and every rule says something, also that it is content, so that a report can show what was looked at. What could
not be read is never `Ok`: a rule that a release stands or falls with refuses, the others warn.
"""

from datetime import timedelta

from breakwater.preflight_facts import (
    Binding,
    DefinitionFacts,
    Hook,
    ImageFacts,
    ServiceFacts,
    Snapshot,
    TargetGroupFacts,
    Unknown,
    image_reference,
)
from breakwater.preflight_findings import Finding, Findings, Ok, Refuse, Warn
from breakwater.preflight_roads import listeners, roads
from breakwater.preflight_snippets import hooks_snippet, listener_snippet
from breakwater.release_policy import LONGEST_RELEASE, ReleasePolicy

LONG = timedelta(hours=24)


__all__ = ["Finding", "Ok", "Refuse", "Warn", "examine", "refused", "stages_wanted"]


def examine(
    snapshot: Snapshot, policy: ReleasePolicy, *, despite_alarms: bool = False, despite_quarantine: bool = False
) -> tuple[Finding, ...]:
    """All findings, in the order in which they are best repaired.

    `despite_alarms`: the release is the cure. `despite_quarantine`: the revision was not what failed.
    """
    findings = [*_standing(snapshot, despite_quarantine=despite_quarantine)]
    service, definition = snapshot.service, snapshot.definition
    if isinstance(service, Unknown):
        findings.append(Refuse("service", f"the service could not be read: {service.why}"))
    else:
        findings += _service(service)
        findings += listeners(service)
        findings += _hooks(service, policy, snapshot.native_hook)
        findings += roads(service, snapshot, policy)
        findings += _duration(service)
        findings += _alarms(service, snapshot, despite_alarms=despite_alarms)
    findings += _definition(definition)
    if isinstance(definition, DefinitionFacts):
        findings += _images(definition, snapshot, policy)
        findings += _secrets(definition, snapshot)
        if isinstance(service, ServiceFacts):
            for binding in service.bindings:
                findings += _binding(binding, service, definition, snapshot)
            findings += _room(service, definition, snapshot)
    return tuple(findings)


def refused(findings: tuple[Finding, ...]) -> tuple[Refuse, ...]:
    """The findings that forbid it."""
    return tuple(finding for finding in findings if isinstance(finding, Refuse))


def stages_wanted(service: ServiceFacts, policy: ReleasePolicy) -> tuple[str, ...]:
    """The stages at which a deployment has to wait for the checks, in their order (ecs: lifecycle hooks).

    Smoke tests need the new revision behind the test listener. The analysis comes before each further step: the first
    of these stages has no new traffic to look at yet and is continued; BLUE_GREEN has but one step, so it comes after.
    """
    if not service.shifts_traffic:
        return ()
    stages = ["POST_TEST_TRAFFIC_SHIFT"] if policy.checks else []
    if policy.analysis is not None:
        after = service.strategy == "BLUE_GREEN"
        stages.append("POST_PRODUCTION_TRAFFIC_SHIFT" if after else "PRE_PRODUCTION_TRAFFIC_SHIFT")
    return tuple(stages)


def _standing(snapshot: Snapshot, *, despite_quarantine: bool) -> Findings:
    if snapshot.other_release:
        yield Refuse(
            "other-release",
            f"another change of this service is under way: {snapshot.other_release}",
            "wait for it, or end it with `breakwater release abort`",
        )
    else:
        yield Ok("other-release", "no other change of this service is under way")
    if snapshot.quarantined:
        kind = Warn if despite_quarantine else Refuse
        yield kind(
            "quarantine",
            f"this revision is quarantined: {snapshot.quarantined}",
            "release another revision; if this one was not what failed, start it with despite_quarantine "
            "(`--despite-quarantine`)",
        )
    else:
        yield Ok("quarantine", "the revision is not quarantined")


def _service(service: ServiceFacts) -> Findings:
    if service.status != "ACTIVE":
        yield Refuse("service", f"the service is {service.status}, not ACTIVE")
        return
    if service.controller != "ECS":
        yield Refuse(
            "controller",
            f"the deployment controller is {service.controller}: who deploys this service is somebody else, and two "
            "pilots are worse than one",
            "create the service anew with the ECS controller and the BLUE_GREEN strategy",
        )
        return
    if service.scheduling != "REPLICA":
        yield Refuse("controller", f"the service is a {service.scheduling} service: only REPLICA can be released")
        return
    yield Ok("controller", f"ECS deploys it, strategy {service.strategy}")
    if service.deployment_in_progress:
        yield Refuse(
            "other-deployment",
            f"deployment {service.deployment_in_progress} is in progress",
            "wait for it or roll it back: a second one would supersede it unchecked",
        )
    else:
        yield Ok("other-deployment", "no deployment is in progress")
    if service.desired == 0:
        yield Refuse("desired", "the service wants no tasks, so a release could show nothing", "scale it up first")


def _hooks(service: ServiceFacts, policy: ReleasePolicy, native: str | None) -> Findings:
    if not policy.checks and policy.analysis is None:
        yield Warn(
            "checks", "no check is declared for this service: nothing would be tested", "add checks to the policy"
        )
    if not service.shifts_traffic:
        yield Ok("hooks", f"{service.strategy} shifts no traffic between revisions, so it needs no hooks")
        return
    wanted = stages_wanted(service, policy)
    declared = {stage for hook in service.hooks if _ours(hook, native) for stage in hook.stages}
    missing = [stage for stage in wanted if stage not in declared]
    if missing:
        yield Refuse(
            "hooks",
            f"the service declares no hook at {' and '.join(missing)}: its deployment would not wait for the checks",
            hooks_snippet(service.cluster, service.name, service.strategy, wanted),
        )
    else:
        yield Ok("hooks", f"hooks are declared at {', '.join(wanted)}" if wanted else "no stage has to wait")
    yield from _gates(service, wanted, native)
    for hook in service.hooks:
        let_through = sorted(hook.stages & set(wanted)) if hook.target_type == "PAUSE" else []
        if let_through and hook.on_timeout == "CONTINUE":
            yield Warn(
                "hook-timeout",
                f"when the time of the hook at {' and '.join(let_through)} is up, ECS goes on with a revision that "
                "nobody has judged",
                "give it the timeout action ROLLBACK",
            )
    untested = [one for one in service.bindings if not one.test_rule]
    if policy.checks and (untested or not service.bindings):
        container, port = (untested[0].container, untested[0].port) if untested else ("<container>", 0)
        yield Refuse(
            "test-listener",
            "there is no test listener, so the new revision cannot be reached before it has production traffic",
            listener_snippet(container, port),
        )
    elif policy.checks:
        yield Ok("test-listener", "the new revision can be reached through a test listener")


def _gates(service: ServiceFacts, wanted: tuple[str, ...], native: str | None) -> Findings:
    """A person's own gate at a stage of ours is left to them (`attending.whose_gate`): it must be clear which one it
    is."""
    for stage in wanted:
        here = [hook for hook in service.hooks if stage in hook.stages]
        pauses = sum(hook.target_type == "PAUSE" for hook in here)
        if pauses and any(hook.target_type != "PAUSE" and _ours(hook, native) for hook in here):
            reason = f"the hook at {stage} that pauses waits for a person: Breakwater's Lambda hook does the work there"
            yield Warn("hook-gate", reason, "take one of the two away if nobody is meant to answer")
        elif pauses > 1:
            reason = f"{pauses} hooks that pause are declared at {stage}: which one is Breakwater's cannot be told"
            yield Refuse("hook-gate", reason, "keep one, and a person's gate at a stage where nothing is checked")


def _ours(hook: Hook, native: str | None) -> bool:
    """Whether Breakwater answers at a hook: at one that pauses, and at its own function. Somebody else's function
    checks what it likes, and lets the deployment go on without our checks."""
    return hook.target_type == "PAUSE" or (native is not None and (hook.target_arn or "").startswith(native))


def _alarms(service: ServiceFacts, snapshot: Snapshot, *, despite_alarms: bool) -> Findings:
    firing = [name for name in service.alarms if snapshot.alarms.get(name) == "ALARM"]
    unknown = [name for name in service.alarms if not isinstance(snapshot.alarms.get(name), str)]
    if firing:
        # CONFLICT (ecs 2): an alarm that is on at the start is ignored for that deployment, or fails it.
        kind = Warn if despite_alarms else Refuse
        yield kind(
            "alarms",
            f"{', '.join(firing)} fired before the release began: it would be rolled back for it, or not be guarded",
            "repair it first; if this release is the cure, start it with despite_alarms",
        )
    if unknown:
        yield Warn("alarms", f"the state of {', '.join(unknown)} is not known")
    if service.alarms and not firing and not unknown:
        yield Ok("alarms", f"none of its {len(service.alarms)} alarms is firing")


def _duration(service: ServiceFacts) -> Findings:
    """What the steps and bakes take by themselves. A release has to be over while its execution still runs."""
    takes = timedelta(minutes=service.shift_minutes)
    if not service.shifts_traffic:
        return
    hours = f"{takes / timedelta(hours=1):g} hours"
    told = f"its {service.steps} steps and bakes take {hours}, and"
    remedy = "make the steps larger or the bakes shorter"
    if takes > LONGEST_RELEASE:
        most = f"{LONGEST_RELEASE / timedelta(hours=1):g} hours"
        yield Refuse("duration", f"{told} a release has {most}: it would end in the midst of them", remedy)
    elif takes >= LONG:
        yield Warn("duration", f"{told} little is left for checks and for a person's answer", remedy)
    else:
        yield Ok("duration", f"its steps and bakes take {hours}")


def _definition(definition: DefinitionFacts | Unknown | None) -> Findings:
    if definition is None:
        yield Refuse("task-definition", "there is no such task definition", "register it, or correct the revision")
    elif isinstance(definition, Unknown):
        yield Refuse("task-definition", f"the task definition could not be read: {definition.why}")
    elif definition.status != "ACTIVE":
        yield Refuse(
            "task-definition",
            f"{definition.revision} is {definition.status}: UpdateService refuses it",
            "register the same content again as a new revision",
        )
    else:
        yield Ok("task-definition", f"{definition.revision} is ACTIVE")


def _images(definition: DefinitionFacts, snapshot: Snapshot, policy: ReleasePolicy) -> Findings:
    for container in definition.containers:
        image, name = image_reference(container.image), container.name
        facts = snapshot.images.get(container.image, Unknown("it was not looked for"))
        if isinstance(facts, Unknown):
            yield Warn("image", f"whether the image of {name} exists is not known: {facts.why}")
        elif facts.digest is None:
            yield Refuse(
                "image", f"the image of {name} does not exist: {container.image}", "push it, or correct the revision"
            )
            continue
        else:
            yield Ok("image", f"the image of {name} exists")
        if image.digest is not None:
            yield Ok("image-tag", f"{name} names its image by digest")
            continue
        what = "names no version of its image" if image.is_latest else "names its image by a tag that can be moved"
        if image.is_latest or not isinstance(facts, ImageFacts) or facts.mutable is not False:
            kind = Refuse if policy.forbid_mutable_images else Warn
            yield kind(
                "image-tag",
                f"{name} {what}: two tasks of one revision could run different code",
                "name it by digest (repository@sha256:...), or make the repository's tags immutable",
            )
        else:
            yield Ok("image-tag", f"the tag of {name} cannot be moved")


def _secrets(definition: DefinitionFacts, snapshot: Snapshot) -> Findings:
    references = list(dict.fromkeys(secret for one in definition.containers for secret in one.secrets))
    states = {reference: snapshot.secrets.get(reference, Unknown("it was not looked for")) for reference in references}
    gone = [reference for reference, state in states.items() if state is False]
    unknown = [reference for reference, state in states.items() if isinstance(state, Unknown)]
    if gone:
        yield Refuse(
            "secrets",
            f"{len(gone)} of {len(references)} secrets do not exist: {', '.join(gone)}",
            "create them; they are fetched with the task execution role when a task starts",
        )
    if unknown:
        yield Warn("secrets", f"whether {len(unknown)} of {len(references)} secrets exist is not known")
    if references and not gone and not unknown:
        yield Ok("secrets", f"all {len(references)} secrets exist")


def _binding(binding: Binding, service: ServiceFacts, definition: DefinitionFacts, snapshot: Snapshot) -> Findings:
    container = next((one for one in definition.containers if one.name == binding.container), None)
    if container is None:
        names = ", ".join(one.name for one in definition.containers)
        yield Refuse(
            "container",
            f"the load balancer wants container {binding.container}, the revision has {names}",
            "name the container alike in the task definition and in the service",
        )
    elif binding.port not in container.ports:
        ports = ", ".join(map(str, sorted(container.ports))) or "none"
        yield Refuse(
            "port",
            f"the load balancer wants port {binding.port} of {binding.container}, its port mappings are {ports}",
            "add the port mapping to the task definition",
        )
    else:
        yield Ok("port", f"{binding.container} has port {binding.port}")
    for arn in binding.target_groups:
        yield from _target_group(arn, snapshot.target_groups.get(arn), service, definition)


def _target_group(
    arn: str,
    group: TargetGroupFacts | Unknown | None,
    service: ServiceFacts,
    definition: DefinitionFacts,
) -> Findings:
    name = arn.split("targetgroup/")[-1].partition("/")[0]
    if group is None:
        yield Refuse("target-group", f"target group {name} does not exist")
        return
    if isinstance(group, Unknown):
        yield Warn("target-group", f"target group {name} could not be read: {group.why}")
        return
    wanted = "ip" if definition.network_mode == "awsvpc" else "instance"
    if group.target_type != wanted:
        yield Refuse(
            "target-type",
            f"target group {name} has targets of type {group.target_type}, tasks in network mode "
            f"{definition.network_mode} are of type {wanted}",
            f"create a target group with target type {wanted}",
        )
    else:
        yield Ok("target-type", f"target group {name} takes {wanted} targets")
    if group.health_path is not None and not group.health_path.startswith("/"):
        yield Refuse("health-check", f"the health-check path of {name} does not begin with /")
    elif group.timeout >= group.interval:
        yield Warn("health-check", f"the health check of {name} may take as long as the time between two of them")
    patience = service.grace_seconds + group.interval * group.unhealthy_threshold
    may_take = definition.start_seconds
    if may_take > patience:
        yield Warn(
            "grace",
            f"by its own health check a task may take {may_take} s to start, and after {patience} s it is stopped (a "
            f"grace of {service.grace_seconds} s, then {group.unhealthy_threshold} failed checks at {name})",
            f"set healthCheckGracePeriodSeconds to at least {may_take}",
        )
    else:
        yield Ok("grace", f"the health check of {name} leaves {patience} s to start")


def _room(service: ServiceFacts, definition: DefinitionFacts, snapshot: Snapshot) -> Findings:
    added = service.tasks_added
    if definition.network_mode == "awsvpc":
        free = {subnet: snapshot.free_addresses.get(subnet, Unknown("not read")) for subnet in service.subnets}
        known = [count for count in free.values() if isinstance(count, int)]
        if len(known) < len(free) or not free:
            yield Warn(
                "addresses", f"the free addresses of {len(free) - len(known)} of {len(free)} subnets are unknown"
            )
        elif sum(known) < added:
            yield Refuse(
                "addresses",
                f"the subnets have {sum(known)} free addresses, and up to {added} tasks are added",
                "free some or add a subnet",
            )
        else:
            yield Ok("addresses", f"{sum(known)} addresses are free for up to {added} more tasks")
    if isinstance(snapshot.room, Unknown):
        yield Warn("capacity", f"the room on the cluster is not known: {snapshot.room.why}")
    elif snapshot.room is not None and snapshot.room < added:
        yield Refuse(
            "capacity",
            f"{snapshot.room} more tasks fit on the cluster's instances, and up to {added} are added",
            "add instances, or wait for those that are starting",
        )
    elif snapshot.room is not None:
        yield Ok("capacity", f"{snapshot.room} more tasks fit on the cluster, up to {added} are added")
