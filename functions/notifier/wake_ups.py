"""Our own wake-ups: delayed messages on the notifier's queue."""

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from breakwater.aws import translated_errors

from .inbox import flush_body

LONGEST_DELAY = 900


class QueueWakeUps:
    """Asks the notifier's queue to bring a wake-up back after a while."""

    def __init__(self, client: Callable[[], Any], queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def ask(self, channel: str, delay: timedelta) -> None:
        """Send the wake-up. SQS delays by whole seconds, so it is rounded up: too early would find nothing due."""
        seconds = min(LONGEST_DELAY, max(0, math.ceil(delay.total_seconds())))
        with translated_errors(f"ask for a wake-up of {channel}"):
            self._client().send_message(QueueUrl=self._queue_url, MessageBody=flush_body(channel), DelaySeconds=seconds)
