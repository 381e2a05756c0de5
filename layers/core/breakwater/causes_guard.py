"""The words for what the rollback guard did, did not do, or found. Data only, a part of `causes_table`."""

from breakwater.causes import Explanation
from breakwater.model import Cause

GUARD: dict[Cause, Explanation] = {
    Cause.ROLLED_BACK: Explanation(
        "Rolled back by Breakwater",
        "The new revision failed again and again, more than chance and the old revision explain. Breakwater asked ECS "
        "to go back to the last revision that ran well, and watches whether that helps.",
        (
            "Do not deploy the same revision again: it is quarantined, and a second rollback of it is left to you.",
            "Find the cause in the log of the failing task; fix it forward.",
            "Change your infrastructure code too: it still names the bad revision, so its next run deploys it again.",
        ),
    ),
    Cause.WOULD_ROLL_BACK: Explanation(
        "A rollback would help",
        "The new revision fails more than chance and the old revision explain. Breakwater only observes this service, "
        "so it changed nothing.",
        (
            "Roll back by hand: deploy the revision that is named as the last known good one.",
            "To have it done next time, set the mode of the rollback guard to `act` for this service.",
        ),
    ),
    Cause.ROLLBACK_HELD: Explanation(
        "It fails, and Breakwater does not roll it back",
        "The failures are more than chance explains, but going back would not help, is not possible or is not "
        "Breakwater's to do. The reason is given above. A person has to decide.",
        (
            "Read the reason and the log of the failing task.",
            "If an older revision is known to run, deploy it by hand.",
            "If the cause lies outside the service (registry, secrets, network, a dependency), look there first.",
        ),
    ),
    Cause.ROLLBACK_STEADY: Explanation(
        "Rolled back and steady",
        "The rollback is complete and the old revision runs without a crash.",
        (
            "Change your infrastructure code: it still names the bad revision, so its next run deploys it again.",
            "Find out what was wrong with the bad revision before you deploy a new one.",
        ),
    ),
    Cause.ROLLBACK_FAILED: Explanation(
        "The rollback did not help",
        "Breakwater went back to the last known good revision, and the service is still not well. Breakwater does not "
        "roll back a rollback: a person is needed.",
        (
            "Look at what both revisions share: dependencies, secrets, network, capacity, data changed by a migration.",
            "Read the log of a task of the old revision.",
            "Deploy by hand what you trust; nothing of it is fought.",
        ),
    ),
    Cause.NOT_RUNNING: Explanation(
        "Wanted, and nothing runs",
        "The service wants tasks and has had none for a while. No event may have told of it.",
        (
            "Read the service's events in the console: placement, capacity, configuration.",
            "Check whether tasks are started at all, and why the last ones stopped.",
            "Check the capacity of the cluster or capacity provider, subnets and security groups.",
        ),
    ),
}
