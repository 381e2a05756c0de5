"""Where a check may go: which URLs, and which addresses behind their names. Pure; docs/checks.md gives the rules.

The guard works by permission. An origin (scheme, host, port) is one of the service's own listeners or a host of the
policy, letter for letter, so every trick of spelling fails by not being one of them. What the name then resolves to is
judged again, since a name can be made to point anywhere: loopback, link-local and metadata addresses are refused
whatever is allowed, private ones unless their network is allowed or the name is that of an internal load balancer.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LONGEST_URL = 2048
PORTS = {"http": 80, "https": 443}
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)+(?=[a-z])(?:{_LABEL})")
_PRINTABLE = re.compile(r"[\x21-\x7e]+")

# Nothing opens these: AWS's metadata, credentials, DNS and time services, whatever else is never a listener.
_NEVER = tuple(
    (ipaddress.ip_network(network), why)
    for network, why in (
        ("169.254.169.254/32", "the instance metadata service"),
        ("169.254.170.2/32", "the task metadata and credentials service"),
        ("169.254.170.23/32", "the credentials service"),
        ("fd00:ec2::/32", "AWS's local services, metadata among them"),
        ("168.63.129.16/32", "a metadata service"),
        ("100.100.100.200/32", "a metadata service"),
        ("0.0.0.0/8", "this host"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "reserved for documentation"),
        ("192.88.99.0/24", "a relay of 6to4"),
        ("198.18.0.0/15", "reserved for benchmarks"),
        ("198.51.100.0/24", "reserved for documentation"),
        ("203.0.113.0/24", "reserved for documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved, broadcast among it"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::ffff:0:0/96", "an IPv4 address in IPv6"),
        ("::/96", "an IPv4 address in IPv6"),
        ("::ffff:0:0:0/96", "an IPv4 address in IPv6"),
        ("64:ff9b::/96", "an IPv4 address behind NAT64"),
        ("64:ff9b:1::/48", "an IPv4 address behind NAT64"),
        ("100::/64", "discarded"),
        ("2001::/23", "Teredo and other protocols, with an IPv4 address inside"),
        ("2001:db8::/32", "reserved for documentation"),
        ("2002::/16", "an IPv4 address in 6to4"),
        ("3fff::/20", "reserved for documentation"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
"""Networks of somebody's own; opened one by one, or to the name of an internal load balancer."""
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
_ISATAP = (0x00005EFE, 0x02005EFE)


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what is allowed is allowed as a whole."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """What the Host header says: without the scheme's own port."""
        return self.host if PORTS[self.scheme] == self.port else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The origins that may be asked, and the private networks that they may resolve to.

    `inside` are the names of the service's own internal load balancers: AWS alone says what these resolve to, so any
    private address is theirs. What nobody may reach stays out of reach for them as well.
    """

    origins: frozenset[Origin]
    networks: tuple[Network, ...] = ()
    inside: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """A URL that may be asked: its origin, and the path with its query."""

    origin: Origin
    target: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Where nobody may go, and why. `reason` repeats neither credentials nor anything but the host."""

    reason: str


def origin_of(text: str) -> Origin | Refused:
    """Read an origin of the policy, `https://host[:port]`, without path."""
    place = _parsed(text)
    if isinstance(place, Place) and place.target != "/":
        return Refused("an origin has no path")
    return place.origin if isinstance(place, Place) else place


def judge_url(text: str, allowed: Allowed) -> Place | Refused:
    """Read a URL and say whether it may be asked. Its name still has to be resolved and judged."""
    place = _parsed(text)
    if isinstance(place, Place) and place.origin not in allowed.origins:
        return Refused(f"{place.origin} is neither a listener of the service nor a host that the policy allows")
    return place


def judge_redirect(place: Place, location: str, allowed: Allowed) -> Place | Refused:
    """Judge where an answer sends us: like any URL, and never from https to http."""
    if not location or not _PRINTABLE.fullmatch(location) or "\\" in location or location.startswith("///"):
        return Refused("the redirect names no URL that could be followed")
    if len(location) > LONGEST_URL:
        return Refused("the redirect names a URL that is too long")
    try:
        text = urljoin(f"{place.origin}{place.target}", location).partition("#")[0]
    except ValueError:
        return Refused("the redirect names no URL that could be followed")
    there = judge_url(text, allowed)
    if isinstance(there, Place) and (place.origin.scheme, there.origin.scheme) == ("https", "http"):
        return Refused("the redirect leads from https to http")
    return there


def judge_addresses(host: str, answers: Iterable[str], allowed: Allowed) -> Address | Refused:
    """Choose the address to connect to, the first, if every one that the name resolves to may be reached.

    One forbidden address among good ones refuses the name: it is how rebinding begins.
    """
    chosen: Address | None = None
    networks = PRIVATE if host in allowed.inside else allowed.networks
    for text in answers:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return Refused(f"{host} resolves to something that is no address")
        problem = forbidden(address, networks)
        if problem:
            return Refused(f"{host} resolves to {address}: {problem}")
        chosen = chosen or address
    return chosen or Refused(f"{host} resolves to no address")


def forbidden(address: Address, networks: Iterable[Network] = ()) -> str | None:
    """Why an address may not be reached, or `None` if it may."""
    if getattr(address, "scope_id", None):
        return "it names an interface of this host"
    for network, why in _NEVER:
        if address in network:
            return why
    if isinstance(address, ipaddress.IPv6Address) and (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return "an IPv4 address in ISATAP"
    if any(address in network for network in PRIVATE):
        return None if any(address in network for network in networks) else "private, and its network is not allowed"
    if isinstance(address, ipaddress.IPv6Address) and address not in _PUBLIC_V6:
        return "no public address"
    return None


def _parsed(text: str) -> Place | Refused:
    """Read a URL strictly: what two parsers could read differently is refused."""
    if not text or len(text) > LONGEST_URL or not _PRINTABLE.fullmatch(text):
        return Refused("the URL is empty, too long, or has characters that are not printable ASCII")
    if "\\" in text or "#" in text:
        return Refused("the URL has a backslash or a fragment")
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in PORTS:
        return Refused("the URL begins with neither http:// nor https://")
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    if "@" in authority:
        return Refused("the URL has credentials before its host")
    host, colon, digits = authority.partition(":")
    if not _HOST.fullmatch(host):
        return Refused(
            f"the host is no name of lower-case letters, digits and hyphens that ends in letters{_named(host)}"
        )
    if colon and not re.fullmatch(r"[1-9]\d{0,4}", digits, re.ASCII):
        return Refused("the port is no number from 1 to 65535")
    port = int(digits) if colon else PORTS[scheme]
    if port > 65535:
        return Refused("the port is no number from 1 to 65535")
    parts = urlsplit(text)
    if parts.hostname != host or parts.scheme != scheme:
        return Refused("the URL can be read in two ways")
    path = rest[len(authority) :]
    return Place(Origin(scheme, host, port), path if path.startswith("/") else f"/{path}")


def _named(host: str) -> str:
    return f": {host[:60]}" if re.fullmatch(r"[\w.:\[\]-]{1,60}", host, re.ASCII) else ""
