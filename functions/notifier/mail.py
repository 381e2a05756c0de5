"""The e-mail channel: a topic whose subscribers get plain text."""

from collections.abc import Callable, Sequence
from typing import Any

from breakwater.aws import translated_errors
from breakwater.model import Notice

from . import render_email
from .decision import Line
from .words import Place

NAME = "mail"


class MailChannel:
    """Publishes to the mail topic."""

    name = NAME

    def __init__(self, client: Callable[[], Any], topic_arn: str, place: Place) -> None:
        self._client = client
        self._topic_arn = topic_arn
        self._place = place

    def send(self, notice: Notice) -> None:
        """See `Channel.send`."""
        self._publish(render_email.notice(notice, self._place))

    def room(self, lines: Sequence[Line]) -> int:
        """See `Channel.room`."""
        return render_email.room(lines)

    def send_digest(self, lines: Sequence[Line], waiting: int) -> None:
        """See `Channel.send_digest`."""
        self._publish(render_email.digest(lines, waiting, self._place))

    def _publish(self, mail: render_email.Mail) -> None:
        with translated_errors("publish an e-mail"):
            self._client().publish(TopicArn=self._topic_arn, Subject=mail.subject, Message=mail.body)
