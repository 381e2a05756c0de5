"""Names, ARNs and times as ECS writes them."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """The account and the Region of everything in one model."""

    account: str = "111122223333"
    region: str = "us-east-1"

    def arn(self, kind: str, name: str) -> str:
        """The ARN of something of ECS."""
        return f"arn:aws:ecs:{self.region}:{self.account}:{kind}/{name}"


@lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def iso(at: int) -> str:
    """A time as it stands inside `detail`: with milliseconds."""
    return f"{_second(at // 1000)}.{at % 1000:03d}Z"


def iso_seconds(at: int) -> str:
    """A time as it stands in the envelope of an event: whole seconds."""
    return f"{_second(at // 1000)}Z"


def iso_nanoseconds(at: int) -> str:
    """A time as hook events have it."""
    return f"{_second(at // 1000)}.{at % 1000:03d}059641Z"


def milliseconds(at: datetime) -> int:
    """An instant as the model counts it."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def moment(at: int) -> datetime:
    """An instant of the model as everybody else writes it."""
    return _EPOCH + timedelta(milliseconds=at)


def hexadecimal(rng: random.Random, digits: int = 32) -> str:
    """An id as tasks and container instances have it."""
    return f"{rng.getrandbits(4 * digits):0{digits}x}"


def number(rng: random.Random) -> str:
    """The number of a deployment or a service revision: nineteen digits."""
    return str(rng.randrange(10**18, 9 * 10**18))


def uuid(rng: random.Random) -> str:
    """A random UUID."""
    return str(UUID(int=rng.getrandbits(128), version=4))


_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-"


def short(rng: random.Random, length: int = 21) -> str:
    """The id of a service deployment."""
    return "".join(rng.choices(_LETTERS, k=length))
