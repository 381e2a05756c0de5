"""The report as one page of HTML that needs nothing else: no network, no script.

Everything that came from outside is escaped by Jinja's autoescaping; the only markup made here is that of Slack's
`mrkdwn`, from text that is escaped first.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from cli.chart import draw
from cli.report import Report, Story
from cli.run import JournalLine, Message
from release.chart import STYLE

_TEMPLATES = Path(__file__).parent / "templates"
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_MRKDWN = re.compile(r"```(?P<pre>.*?)```|`(?P<code>[^`\n]+)`|\*(?P<bold>[^*\n]+)\*|<(?P<mark>[^>\n]*)>", re.DOTALL)
_ALIKE = 3


def to_html(report: Report) -> str:
    """The report as a page."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "clock": _clock,
        "day": _day,
        "number": _number,
        "span": _span,
        "mrkdwn": mrkdwn,
        "plain": _plain,
        "capitalize_first": lambda text: text[:1].upper() + text[1:],
        "lower_first": lambda text: text if text[1:2].isupper() else text[:1].lower() + text[1:],
    }
    return environment.get_template("report.html.j2").render(
        report=report,
        chart=draw(report),
        tiles=list(_tiles(report)),
        funnel=list(_funnel(report)),
        groups=list(groups_of(report.incidents)),
        deeds=deeds(report.journal),
        pictures={one.id: Markup(one.picture) for one in report.releases},  # noqa: S704  release.chart escapes
        traffic_style=Markup(STYLE),  # noqa: S704  ours
        stories={story.id: story for story in report.incidents},
        messages={message.number: message for message in report.messages},
        first_messages=_first_messages,
        later_messages=_later_messages,
        exemplar=max(report.incidents, key=lambda story: story.incident.count).id if report.incidents else None,
        channels=sorted({message.channel for message in report.messages}),
        silent=sum(silence.dropped + silence.read for silence in report.silence),
        sweeps=sum(times for name, times in report.invocations.items() if "Sweep" in name),
    )


def _tiles(report: Report) -> Iterable[tuple[str, str]]:
    """The figures that matter most, each with what it counts."""
    funnel = report.funnel
    waits = [each.seconds_to_first_message for each in report.incidents if each.seconds_to_first_message is not None]
    channels = {message.channel for message in report.messages}
    yield _number(funnel.events - funnel.admitted), "events dropped by the rules' patterns, before any code ran"
    yield _number(funnel.failures), f"failures, told as {_number(funnel.incidents)} incidents"
    if report.troubles:
        told = sum(bool(trouble.incidents) for trouble in report.troubles)
        false = sum(story.trouble is None and not story.incident.category.is_news for story in report.incidents)
        yield (
            f"{told} of {len(report.troubles)}",
            f"things that this scenario breaks were told, with {false} false alerts",
        )
    if waits:
        yield (
            _span(median(waits)),
            "from a failure to its first message (median): the queues' windows and late events, "
            "handlers take no virtual time",
        )
    yield _number(funnel.messages), f"messages on {len(channels)} channels, {funnel.digests} of them digests"


def deeds(journal: Iterable[JournalLine]) -> list[JournalLine]:
    """What Breakwater decided about services and jobs: its journal without what it told people of incidents.

    Releases are told by themselves.
    """
    return [line for line in journal if not line.decision.startswith("incident ") and line.automation != "release"]


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One bar of the funnel."""

    count: int
    width: float
    shade: float
    name: str
    why: str


def _funnel(report: Report) -> Iterable[FunnelStep]:
    funnel = report.funnel
    steps = (
        (funnel.events, "Events on the bus", "Everything that ECS and CloudWatch said."),
        (
            funnel.admitted,
            "Reached the code",
            "The rules' patterns drop what is surely normal; whatever could matter comes in.",
        ),
        (
            funnel.failures,
            "Failures",
            "What is left without repeats, late copies and what turned out to be normal. Each is counted once.",
        ),
        (funnel.incidents, "Incidents", "Failures of one cause in one revision of one service are one incident."),
    )
    for position, (count, name, why) in enumerate(steps):
        width = round(100 * (count / max(1, funnel.events)) ** 0.5, 1)
        yield FunnelStep(count, min(width, 100.0), round(1 - 0.16 * position, 2), name, why)


def groups_of(stories: Iterable[Story]) -> Iterable[tuple[Story, tuple[Story, ...]]]:
    """Stories to be told in full, each with those that are much the same: one trouble, one cause, many services."""
    alike: dict[tuple[str | None, str], list[Story]] = {}
    for story in stories:
        alike.setdefault((story.trouble, f"{story.incident.category} {story.incident.cause}"), []).append(story)
    for (trouble, _), group in alike.items():
        if trouble and len(group) > _ALIKE:
            yield group[0], tuple(group[1:])
        else:
            for story in group:
                yield story, ()


def _first_messages(story: Story, messages: Mapping[int, Message]) -> list[Message]:
    """The messages that told of it first, one for each channel."""
    numbers = story.told[0].channels.values() if story.told else ()
    return [messages[number] for number in sorted(numbers)]


def _later_messages(story: Story, messages: Mapping[int, Message]) -> list[list[Message]]:
    """The messages of its own that it led to later, by piece of news; digests stand in their own place."""
    news = [[messages[number] for number in sorted(told.channels.values())] for told in story.told[1:]]
    return [group for each in news if (group := [message for message in each if not message.digest])]


def mrkdwn(text: str) -> Markup:
    """Slack's markup as HTML, as far as our messages use it; anything else is shown as it stands."""
    parts: list[Markup] = []
    position = 0
    for match in _MRKDWN.finditer(text):
        parts.append(_text(text[position : match.start()]))
        parts.append(_marked(match))
        position = match.end()
    parts.append(_text(text[position:]))
    return Markup("").join(parts)


def _marked(match: re.Match[str]) -> Markup:
    if match["pre"] is not None:
        return Markup("<pre>{}</pre>").format(_plain(match["pre"].strip("\n")))
    if match["code"] is not None:
        return Markup("<code>{}</code>").format(_plain(match["code"]))
    if match["bold"] is not None:
        return Markup("<strong>{}</strong>").format(_plain(match["bold"]))
    address, _, label = match["mark"].partition("|")
    if urlsplit(address).scheme == "https":
        return Markup('<a href="{}" rel="noreferrer">{}</a>').format(_plain(address), _plain(label or address))
    return Markup('<mark title="would address people">{}</mark>').format(_plain(match["mark"]))


def _text(text: str) -> Markup:
    return Markup("<br>").join(escape(_plain(line)) for line in text.split("\n"))


def _plain(text: str) -> str:
    """Slack's text without its entities."""
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text


def _clock(at: datetime | None, length: int = 8) -> str:
    return f"{at:%H:%M:%S}"[:length] if at else ""


def _day(at: datetime) -> str:
    return f"{at:%A}, {at.day} {at:%B %Y}"


def _number(value: Any) -> str:
    return f"{value:,}"


def _span(seconds: float | None) -> str:
    """A short span in words: `9 s`, `4 min`, `1 h 20 min`."""
    if seconds is None:
        return "never"
    whole = round(seconds)
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
