"""Is the account of a run as it has to be? Each check is one line that says what was counted.

Pure. These hold for every run; what a scenario expects of its own is judged with it (`sandbox.simulation.judge`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cli.hindsight import Leak, Reading, failures, fingerprints, missed, of_events
from cli.run import Message, Run
from cli.stretch import Stretch

MESSAGES_A_MINUTE = 10
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to hold, and what was found."""

    name: str
    ok: bool
    found: str


def general_checks(run: Run, readings: Sequence[Reading]) -> list[Check]:
    """What has to hold whatever the events were."""
    lost = missed(readings)
    told = [incident for incident in run.incidents if of_events(incident)]
    counted, facts = sum(incident.count for incident in told), failures(readings)
    kept, due = {incident.id for incident in run.incidents}, fingerprints(readings)
    made = {incident.id for incident in told}
    named = {id_ for message in run.messages for id_ in message.incidents}
    busiest = max((_busiest_minute(run.messages, channel) for channel in _channels(run)), default=0)
    distinct = f"{counted} counted, {facts} distinct among the events"
    everywhere = kept <= named and _everywhere(run)
    return [
        Check("the rules' patterns dropped nothing of which a person should hear", not lost, _some(lost)),
        Check("every failure is counted once", counted == facts, distinct),
        Check("the incidents are those that the rules make of the events", made == due, _made(made, due, kept)),
        Check("every incident was named on every channel", everywhere, f"{len(kept & named)} of {len(kept)}"),
        Check("no channel had more than ten messages a minute", busiest <= MESSAGES_A_MINUTE, f"{busiest} at most"),
        Check("no function failed", not run.errors, _first(run.errors)),
        Check("no dead letters", not run.dead_letters, _first(run.dead_letters)),
    ]


def canary_check(stretch: Stretch, run: Run, leaks: Sequence[Leak]) -> Check:
    """Whether an invented secret came out anywhere."""
    return Check(
        "no canary came out",
        not leaks,
        f"{len(leaks)} leaks of {len(stretch.canaries)} invented secrets, searched in {len(run.written)} messages, log "
        f"lines and table items, and in this report{_names(sorted({leak.found for leak in leaks}))}",
    )


def _made(made: set[str], due: set[str], kept: set[str]) -> str:
    others = len(kept) - len(made)
    return f"{len(made)} of {len(due)}" + (f", and {others} of what Breakwater did or found itself" if others else "")


def _channels(run: Run) -> set[str]:
    return {message.channel for message in run.messages}


def _everywhere(run: Run) -> bool:
    per_channel = [
        {id_ for message in run.messages if message.channel == channel for id_ in message.incidents}
        for channel in _channels(run)
    ]
    return all(named == per_channel[0] for named in per_channel)


def _busiest_minute(messages: Iterable[Message], channel: str) -> int:
    times = sorted(message.at for message in messages if message.channel == channel)
    return max((sum(start <= at < start + _MINUTE for at in times) for start in times), default=0)


def _some(readings: Sequence[Reading]) -> str:
    return f"{len(readings)} dropped{_names(reading.diagnosis.reason for reading in readings)}"


def _first(problems: Sequence[str]) -> str:
    return f"{len(problems)}{_names(problems)}"


def _names(values: Iterable[object]) -> str:
    listed = [str(value) for value in values]
    return f": {'; '.join(listed[:3])}{' …' if len(listed) > 3 else ''}" if listed else ""
