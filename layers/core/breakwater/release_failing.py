"""What the rollback guard finds of a deployment, told to the release that has the service."""

from datetime import datetime

from breakwater.redact import redact
from breakwater.release_claims import Claims
from breakwater.rendezvous import Kind, Message
from breakwater.rendezvous_store import Rendezvous
from breakwater.store import Table


def tell_failing(
    table: Table, meeting: Rendezvous, service: str, deployment: str, reason: str, now: datetime
) -> str | None:
    """Tell the release that has a service that tasks of its deployment fail and going back would help, once.

    `deployment` is its ARN, or its id. Answers the execution that has the service, or `None` if none has.
    """
    execution = Claims(table).holder(service)
    if execution is None:
        return None
    body = {"reason": redact(reason)[:1000]}
    meeting.arrive(service, Message(f"failing:{deployment}", Kind.FAILING, now.isoformat(), deployment, body), now)
    return execution
