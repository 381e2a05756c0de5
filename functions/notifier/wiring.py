"""What the notifier's functions are made of, put together on first use."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial

from breakwater import aws, log, settings
from breakwater.compiled import Compiled
from breakwater.model import Mode
from breakwater.policy_reader import PolicyReader
from breakwater.store import Table

from .channel_store import ChannelStore
from .channels import Channel
from .delivery import Means
from .mail import MailChannel
from .outcomes import Outcomes
from .wake_ups import QueueWakeUps
from .words import Place

SERVICE = "notifier"


@dataclass(frozen=True)
class NotifierSettings:
    """The environment of both functions. Without a Slack secret there is no Slack channel."""

    table_name: str
    mail_topic_arn: str
    notifier_queue_url: str
    aws_region: str
    slack_secret_arn: str = ""
    mode: Mode = Mode.OBSERVE


@dataclass(frozen=True, slots=True)
class Deps:
    """The channels by name, and what deliveries work with."""

    channels: Mapping[str, Channel]
    means: Means
    policy: Callable[[], Compiled] = Compiled


def build(config: NotifierSettings) -> Deps:
    """Put it together. No client is made before the first call that needs it.

    With the mode off there is no channel: notices are taken and told to nobody, pending digests stay where they are.
    """
    table = Table(partial(aws.client, "dynamodb"), config.table_name)
    channels = [] if config.mode is Mode.OFF else _channels(config)
    means = Means(
        store=ChannelStore(table),
        wake_ups=QueueWakeUps(partial(aws.client, "sqs"), config.notifier_queue_url),
        now=partial(datetime.now, UTC),
        outcomes=Outcomes(log.logger(SERVICE), log.metrics(SERVICE)),
    )
    reader = PolicyReader(table, lambda problem: log.logger(SERVICE).warning(problem))
    return Deps({channel.name: channel for channel in channels}, means, lambda: reader.current(datetime.now(UTC)))


def _channels(config: NotifierSettings) -> list[Channel]:
    place = Place(config.aws_region, config.table_name)
    channels: list[Channel] = [MailChannel(partial(aws.client, "sns"), config.mail_topic_arn, place)]
    if config.slack_secret_arn:
        from .slack import SlackChannel, Urllib3Http, WebhookAddress  # only who has Slack pays for it

        address = WebhookAddress(partial(aws.client, "secretsmanager"), config.slack_secret_arn)
        channels.append(SlackChannel(address, Urllib3Http(), place))
    return channels


@cache
def wiring() -> Deps:
    """The dependencies of this execution environment."""
    config = settings.read(NotifierSettings, os.environ)
    if config.mode is Mode.OFF:
        log.logger(SERVICE).warning("the mode is off: notices are dropped, digests wait")
    return build(config)
