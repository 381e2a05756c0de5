"""What the sandbox can provision, type by type. A type that is not in the table is refused by name."""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox import resources_compute, resources_data, resources_events, resources_messaging, resources_states
from sandbox.account import Account
from sandbox.cloudformation import Resource
from sandbox.errors import UnsupportedError
from sandbox.properties import Properties

Made = tuple[str, Mapping[str, str]]  # what Ref gives, and what GetAtt gives
Maker = Callable[[Account, Properties], Made]

_MAKERS: Mapping[str, Maker] = {
    **resources_compute.MAKERS,
    **resources_data.MAKERS,
    **resources_events.MAKERS,
    **resources_messaging.MAKERS,
    **resources_states.MAKERS,
}


def provision(account: Account, logical_id: str, kind: str, values: Mapping[str, Any]) -> Resource:
    """Make one resource."""
    maker = _MAKERS.get(kind)
    if maker is None:
        raise UnsupportedError(f"{logical_id}: type {kind}")
    properties = Properties(logical_id, kind, values)
    physical_id, attributes = maker(account, properties)
    properties.done()
    return Resource(logical_id, kind, physical_id, attributes)
