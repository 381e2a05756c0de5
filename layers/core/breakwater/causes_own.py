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
