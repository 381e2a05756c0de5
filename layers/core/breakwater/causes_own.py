"""The words for what Breakwater finds by itself and no event of AWS tells. Data only, like `causes_table`."""

from breakwater.causes import Explanation
from breakwater.model import Category, Cause

EXPLANATIONS: dict[Cause, Explanation] = {
    Cause.POLICY_INVALID: Explanation(
        "The policy document was rejected",
        "The policy that was uploaded has mistakes, so nothing of it was applied. The last good policy stays in force.",
        (
            "Run `breakwater policy check FILE`: it names every mistake with its line.",
            "Push the corrected document with `breakwater policy push FILE`; this incident ends with it.",
        ),
    ),
    Cause.POLICY_UNAPPLIED: Explanation(
        "The policy could not be applied in full",
        "The document is valid and its rules are in force, but AWS refused some of the schedules or rules that it asks "
        "for. Breakwater tries again every five minutes.",
        (
            "Read which call was refused, and why.",
            "Look for quotas (rules of the bus, schedules) and for names that somebody else has taken.",
            "Run `breakwater policy diff FILE`: it shows what is still missing.",
        ),
    ),
    Cause.RELEASE_ASKS: Explanation(
        "A release asks whether to go on",
        "The checks of the new revision neither passed nor failed: too little was seen, or the checker itself was in "
        "trouble. The traffic stays where it is until somebody answers; if nobody does, the release goes back.",
        (
            "Look at the new revision behind the test listener, and at what the checks found.",
            "Answer with the command above: `breakwater release approve` or `abort`.",
        ),
    ),
    Cause.RELEASE_RETURNED: Explanation(
        "A release was returned",
        "The new revision was not let through, so the service was taken back to where it was: revision and listener "
        "weights as they were recorded before, verified.",
        (
            "Read the reason and the release's report in the report bucket: which check failed, with which answer.",
            "Mend it and release the next revision. If the reason says that this one is quarantined, it stays refused.",
            "Change your infrastructure code too, if it names the revision that was returned.",
        ),
    ),
    Cause.RELEASE_UNSETTLED: Explanation(
        "A release ended, and the service is not as it should be",
        "What has to be so at the end (revision, tasks, targets, listener weights) is not so or could not be seen, or "
        "somebody else has deployed meanwhile. Breakwater does nothing more about it.",
        (
            "Read the reason: it names what is missing.",
            "Look at the service's deployments and at the weights of its listener rules.",
            "Once it is as it should be, release again.",
        ),
    ),
    Cause.RELEASED: Explanation(
        "Released and verified",
        "The new revision is released: its tasks run, its targets are healthy, and the traffic is where it should be.",
        (
            "Nothing has to be done.",
            "Read the release's report if you want to know what each check found, and when the traffic shifted.",
        ),
    ),
    Cause.MISSED: Explanation(
        "A run was missed",
        "The schedule says that a run was due, and nothing asked for it in time. So nothing was started.",
        (
            "Look at the schedule in EventBridge Scheduler: is it enabled, and does its role still let it send?",
            "Look into the dead-letter queues of BatchRunnerQueue and of the schedules.",
            "Start the work by hand if it cannot wait for the next run.",
        ),
    ),
    Cause.OVERLAPPED: Explanation(
        "A run was skipped, for the one before it still goes on",
        "The job says `overlap: skip`, and an earlier run had not ended when this one was due.",
        (
            "Look at how long the runs take: `breakwater runs JOB`.",
            "Give the job a timeout below the gap of its schedule, or a wider schedule.",
        ),
    ),
    Cause.REPLACED: Explanation(
        "A run was stopped for the next one",
        "The job says `overlap: replace`, and the next run was due before this one had ended. It did not finish.",
        (
            "Look at how long the runs take: `breakwater runs JOB`.",
            "Give the schedule a wider gap if this run matters.",
        ),
    ),
    Cause.OVERDUE: Explanation(
        "A run has not succeeded by its deadline",
        "The run may still be going on or waiting for another try. Whoever waits for its result waits in vain for now.",
        ("Look at the attempts of the run: `breakwater runs JOB`.", "Tell those who rely on the result."),
    ),
    Cause.TIMED_OUT: Explanation(
        "A run took too long and was stopped",
        "The task ran longer than the job's timeout, so Breakwater stopped it. It is not tried again by itself.",
        (
            "Read the last lines of the log: does it hang, or is it slow?",
            "Raise the timeout if this is how long the work takes.",
        ),
    ),
    Cause.UNHEARD: Explanation(
        "How a run ended is not known",
        "No event told how the task ended, and ECS has forgotten it: it keeps a stopped task for about an hour.",
        ("Look into the task's log.", "Run it again by hand if it may run twice."),
    ),
    Cause.OBSERVED: Explanation(
        "A run was due and not started, for the mode is observe",
        "Breakwater only looks on: it notes what it would have started and starts nothing.",
        (
            "Compare what would have run with what does run today: `breakwater runs`.",
            "Set the mode of the job or upload to `act` in the policy once you trust it.",
        ),
    ),
}

_RUNS = (Category.RUN_FAILED, Category.UPLOAD_FAILED)

BY_CATEGORY: dict[tuple[Category, Cause], Explanation] = {
    **dict.fromkeys(
        ((category, Cause.REFUSED) for category in _RUNS),
        Explanation(
            "A run was refused",
            "What was asked for cannot be handed to a task safely, or ECS refuses it for good. It is not tried again.",
            (
                "Read the reason: it names the limit, the setting or the permission.",
                "Correct it; the next run begins by itself, an object has to be uploaded again.",
            ),
        ),
    ),
    **dict.fromkeys(
        ((category, Cause.USER_STOP) for category in _RUNS),
        Explanation(
            "The task of a run was stopped",
            "Somebody stopped the task before it had ended by itself. Such a run is not tried again.",
            (
                "Look in CloudTrail for the StopTask call: who stopped it, and why?",
                "Run it again by hand if its work is missing, or upload the object again.",
            ),
        ),
    ),
}
