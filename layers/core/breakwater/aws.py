"""Clients of AWS, made on first use from one session.

The first client of a session costs about 70 ms of CPU and each further one 3 to 10, a second session another 110:
so there is one session, and a client is made when the first call needs it. botocore alone serves; boto3 on top of it
would cost 13 ms more and give nothing that the adapters use. The garbage collector is paused while a client is built,
since building one allocates tens of thousands of objects that stay; what is there then is taken out of its sight.

The session reads `aws_models/`, a part of botocore's own data: the services and operations that the adapters use. An
operation that is not in there does not exist on a client; `layers/slim_models.py` says how to add one.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from breakwater.errors import BreakwaterError, ConflictError, NotFoundError, RefusedError, ThrottledError

_KINDS: dict[type[BreakwaterError], frozenset[str]] = {
    NotFoundError: frozenset(
        {
            "ResourceNotFoundException",
            "ClusterNotFoundException",
            "ImageNotFoundException",
            "RepositoryNotFoundException",
            "ServiceDeploymentNotFoundException",
            "ServiceNotFoundException",
            "NotFoundException",
            "NotFound",
            "ListenerNotFound",
            "LoadBalancerNotFound",
            "RuleNotFound",
            "TargetGroupNotFound",
            "InvalidSubnetID.NotFound",
            "NoSuchKey",
            "ObjectNotFoundException",
        }
    ),
    ConflictError: frozenset(
        {
            "ConditionalCheckFailedException",
            "TransactionConflictException",
            "ConflictException",
        }
    ),
    ThrottledError: frozenset(
        {
            "ThrottlingException",
            "Throttling",
            "TooManyRequestsException",
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "LimitExceededException",
            "ServiceUnavailable",
            "InternalServerError",
            "InternalFailure",
            "InternalException",
            "ConcurrentModificationException",
            "SlowDown",
            "InternalServiceException",
            "ConcurrentUpdateException",
        }
    ),
    RefusedError: frozenset(
        {
            "AccessDeniedException",
            "AccessDenied",
            "AuthorizationError",
            "AuthorizationErrorException",
            "UnauthorizedOperation",
        }
    ),
}


FOR_COMFORT = frozenset({"ecs", "logs"})
"""What makes an alert better and is not worth waiting for: a task definition, a log tail."""


@cache
def client(service: str) -> Any:
    """The client of one AWS service, for example `dynamodb`, in the Region and with the role of the function."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        return _session().create_client(service, config=_config(service in FOR_COMFORT))
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


@cache
def steady(service: str) -> Any:
    """The same for who has to get through: no call of a release is for comfort."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        return _session().create_client(service, config=_config(for_comfort=False))
    finally:
        gc.freeze()
        if enabled:
            gc.enable()


@contextmanager
def translated_errors(what: str) -> Iterator[None]:
    """Turn botocore's errors into ours; `what` names the call for the one who reads the message.

    An error that is none of the known kinds becomes a plain `BreakwaterError`, network trouble a `ThrottledError`:
    its outcome is unknown and a later try may work.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        code = str(details.get("Code", "unknown"))
        kind = next((kind for kind, codes in _KINDS.items() if code in codes), BreakwaterError)
        if code == "ClientException":  # how ECS says that a task definition does not exist
            kind = NotFoundError
        raise kind(f"{what}: {code}: {details.get('Message', '')}") from error
    except BotoCoreError as error:
        raise ThrottledError(f"{what}: {error}") from error


@cache
def _session() -> Any:
    # CPython's stack is made of pieces of 16 KB, and each call across the border of two maps and unmaps one. Where
    # botocore imports urllib3, a dozen imports deeper, its regular expressions may be compiled right there: 5 to 30 ms.
    import urllib3  # noqa: F401, I001  # before botocore, for that
    import botocore.session
    from botocore.loaders import Loader

    session = botocore.session.get_session()
    models = str(Path(__file__).with_name("aws_models"))
    session.register_component("data_loader", Loader(extra_search_paths=[models], include_default_search_paths=False))
    return session


@cache
def _config(for_comfort: bool) -> Any:
    from botocore.config import Config

    attempts, patience = (2, 3) if for_comfort else (4, 10)
    return Config(
        retries={"mode": "standard", "total_max_attempts": attempts}, connect_timeout=3, read_timeout=patience
    )
