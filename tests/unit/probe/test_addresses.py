"""Where no check may go, in all the spellings that are known to have opened a door somewhere."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakwater.addresses import (
    Allowed,
    Origin,
    Place,
    Refused,
    forbidden,
    judge_addresses,
    judge_redirect,
    judge_url,
    origin_of,
)

SHOP = Origin("https", "shop.example.com", 443)
INTERNAL = Origin("http", "internal-shop-1.eu-central-1.elb.amazonaws.com", 8080)
VPC = ipaddress.ip_network("10.0.0.0/16")
ALLOWED = Allowed(frozenset({SHOP, INTERNAL}), (VPC,))

REFUSED_URLS = [
    # metadata and credentials, plainly
    "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "http://169.254.170.2/v2/credentials/id",
    "http://169.254.170.23/v1/credentials",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fd00:ec2::23]/v1/credentials",
    "http://instance-data/latest/meta-data/",
    "http://instance-data.ec2.internal/latest/meta-data/",
    "http://metadata.google.internal/computeMetadata/v1/",
    # their other spellings
    "http://2852039166/latest/meta-data/",
    "http://0xA9FEA9FE/latest/meta-data/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://0251.0376.0251.0376/",
    "http://0251.254.169.254/",
    "http://169.254.43518/",
    "http://169.16689662/",
    "http://425.510.425.510/",
    "http://169.254.169.254.:80/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://[::a9fe:a9fe]/",
    "http://[2001:0:a9fe:a9fe::]/",
    "http://169\u3002254\u3002169\u3002254/",
    "http://\u2460\u2465\u2468.\u2461\u2464\u2463.\u2460\u2465\u2468.\u2461\u2464\u2463/",
    "http://%31%36%39.254.169.254/",
    "http://169.254.169.254%00.shop.example.com/",
    "http://169.254.169.254.nip.io/",
    # loopback and unspecified
    "http://localhost/",
    "http://LOCALHOST:8080/",
    "http://localhost.localdomain/",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://2130706433/",
    "http://0/",
    "http://0.0.0.0:80/",
    "http://[::1]/",
    "http://[::]/",
    "http://[0000::1]:80/",
    "http://[fe80::1%25eth0]/",
    "http://lvh.me/",
    # private addresses without a name
    "http://10.0.0.5/",
    "http://192.168.1.1/",
    "http://172.16.0.1:8080/",
    "http://[fc00::1]/",
    # who is the host?
    "https://shop.example.com@169.254.169.254/",
    "https://169.254.169.254@shop.example.com/",
    "https://user:password@shop.example.com/",
    "https://shop.example.com:443@evil.example/",
    "https://shop.example.com\\@169.254.169.254/",
    "https://shop.example.com\\.evil.example/",
    "https://evil.example\\shop.example.com/",
    "https://shop.example.com#@169.254.169.254/",
    "https://169.254.169.254#shop.example.com",
    "https://shop.example.com.evil.example/",
    "https://evilshop.example.com/",
    "https://shop.example.com./",
    "https://shop.example.com%2eevil.example/",
    "https://shop.example.com%00.evil.example/",
    "https://shop.example.com\t.evil.example/",
    "https://shop.example.com\r\nHost: evil.example/",
    "https://shop.example.com /",
    " https://shop.example.com/",
    "https:///shop.example.com/",
    "https:shop.example.com",
    "//shop.example.com/",
    "https://",
    "",
    # names that only look alike
    "https://SHOP.example.com/",
    "https://\u0455hop.example.com/",
    "https://shop.example.com/\u2028",
    "https://shop\u00ad.example.com/",
    "https://xn--hop-dmc.example.com/",
    "https://\uff53\uff48\uff4f\uff50.example.com/",
    "https://shop\u3002example\u3002com/",
    "https://[shop.example.com]/",
    # schemes and ports
    "file:///etc/passwd",
    "file://shop.example.com/etc/passwd",
    "gopher://shop.example.com:6379/_FLUSHALL",
    "dict://shop.example.com:11211/stats",
    "ftp://shop.example.com/",
    "jar:https://shop.example.com!/",
    "HTTPS://shop.example.com/",
    "http://shop.example.com/",
    "http://shop.example.com:443/",
    "https://shop.example.com:22/",
    "https://shop.example.com:6379/",
    "https://shop.example.com:0/",
    "https://shop.example.com:00443/",
    "https://shop.example.com:+443/",
    "https://shop.example.com:443:80/",
    "https://shop.example.com:99999/",
    "https://shop.example.com:\uff14\uff14\uff13/",
    "https://shop.example.com:/",
    "http://internal-shop-1.eu-central-1.elb.amazonaws.com/",
    "https://shop.example.com/" + "a" * 2048,
]


def test_there_are_enough_of_them() -> None:
    assert len(set(REFUSED_URLS)) == len(REFUSED_URLS) >= 60


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_is_not_letter_for_letter_allowed_is_refused(url: str) -> None:
    assert isinstance(judge_url(url, ALLOWED), Refused)


@pytest.mark.parametrize("url", [url for url in REFUSED_URLS if "@" in url])
def test_credentials_of_a_url_are_not_repeated(url: str) -> None:
    refused = judge_url(url, ALLOWED)
    assert isinstance(refused, Refused)
    assert "password" not in refused.reason


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://shop.example.com", SHOP, "/"),
        ("https://shop.example.com:443/health?full=1", SHOP, "/health?full=1"),
        ("https://shop.example.com?full=1", SHOP, "/?full=1"),
        ("https://shop.example.com/@169.254.169.254", SHOP, "/@169.254.169.254"),
        (f"{INTERNAL}/health", INTERNAL, "/health"),
    ],
)
def test_what_is_allowed_is_read(url: str, origin: Origin, target: str) -> None:
    assert judge_url(url, ALLOWED) == Place(origin, target)


def test_a_host_that_the_policy_names_must_be_a_name() -> None:
    assert origin_of("https://status.example.com:8443") == Origin("https", "status.example.com", 8443)
    for text in ("https://169.254.169.254", "http://localhost", "https://status.example.com/path", "http://[::1]"):
        assert isinstance(origin_of(text), Refused), text


NEVER = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.170.23",
    "169.254.169.253",
    "169.254.0.1",
    "fd00:ec2::254",
    "fd00:ec2::253",
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104  # an address to refuse, nothing binds to it
    "0.1.2.3",
    "255.255.255.255",
    "240.0.0.1",
    "224.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "::",
    "::1",
    "::ffff:10.0.0.5",
    "::ffff:8.8.8.8",
    "::10.0.0.5",
    "::ffff:0:10.0.0.5",
    "64:ff9b::a00:5",
    "64:ff9b:1::a00:5",
    "2002:a00:5::1",
    "2001:0:a00:5::1",
    "2001:db8::1",
    "2a00::5efe:10.0.0.5",
    "2a00::200:5efe:a00:5",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "100::1",
    "4000::1",
    "::2",
]


@pytest.mark.parametrize("text", NEVER)
def test_no_permission_opens_these_addresses(text: str) -> None:
    everything = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
    assert forbidden(ipaddress.ip_address(text), everything)


@pytest.mark.parametrize("text", ["10.0.3.4", "10.0.255.254", "93.184.216.34", "2606:2800:220:1::1", "8.8.8.8"])
def test_public_addresses_and_the_allowed_network_are_fine(text: str) -> None:
    assert forbidden(ipaddress.ip_address(text), ALLOWED.networks) is None


@pytest.mark.parametrize("text", ["10.1.0.1", "172.31.0.1", "192.168.0.1", "100.64.0.1", "fd12::1"])
def test_private_addresses_of_another_network_are_not(text: str) -> None:
    assert forbidden(ipaddress.ip_address(text), ALLOWED.networks) == "private, and its network is not allowed"


@given(st.integers(0, 2**32 - 1))
def test_no_ipv6_spelling_says_more_than_its_ipv4_address_would(number: int) -> None:
    for prefix in ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "::ffff:0:0:0/96"):
        inside = ipaddress.IPv6Address(int(ipaddress.IPv6Network(prefix).network_address) + number)
        assert forbidden(inside, (ipaddress.ip_network("::/0"),))
    assert forbidden(ipaddress.IPv6Address((0x2002 << 112) + (number << 80)), (ipaddress.ip_network("::/0"),))


@given(st.ip_addresses())
def test_what_python_calls_local_is_never_public_here(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    special = address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
    if special or address.is_private or address.is_reserved:
        assert forbidden(address)


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([], id="none"),
        pytest.param(["10.0.0.5", "169.254.169.254"], id="a good one first"),
        pytest.param(["169.254.169.254", "10.0.0.5"], id="a bad one first"),
        pytest.param(["10.0.0.5", "::1"], id="of both kinds"),
        pytest.param(["10.0.0.5", "rubbish"], id="rubbish"),
        pytest.param(["010.0.0.5"], id="octal"),
    ],
)
def test_one_forbidden_address_refuses_the_name(answers: list[str]) -> None:
    assert isinstance(judge_addresses("shop.example.com", answers, ALLOWED), Refused)


def test_the_first_address_is_the_one_to_connect_to() -> None:
    assert str(judge_addresses("shop.example.com", ["10.0.0.5", "10.0.0.6"], ALLOWED)) == "10.0.0.5"


HOME = Place(SHOP, "/a/b")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/login", "/login"),
        ("c", "/a/c"),
        ("?x=1", "/a/b?x=1"),
        ("https://shop.example.com/login#top", "/login"),
    ],
)
def test_a_redirect_within_what_is_allowed_can_be_followed(location: str, target: str) -> None:
    assert judge_redirect(HOME, location, ALLOWED) == Place(SHOP, target)


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/",
        "//169.254.169.254/",
        "///169.254.169.254/",
        "\\\\169.254.169.254\\",
        "https://evil.example/",
        "http://shop.example.com/",
        f"{INTERNAL}/",
        "https://shop.example.com@evil.example/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "//[::1]/",
        "https://[",
        "",
        "/a\r\nX: y",
        "/" + "a" * 3000,
    ],
)
def test_any_other_redirect_is_refused(location: str) -> None:
    assert isinstance(judge_redirect(HOME, location, ALLOWED), Refused)


@pytest.mark.parametrize(
    ("answer", "reached"),
    [
        pytest.param("10.0.3.7", True, id="a private address"),
        pytest.param("fd12:3456:789a::1", True, id="a private address of IPv6"),
        pytest.param("203.0.114.9", True, id="a public address"),
        pytest.param("169.254.169.254", False, id="metadata"),
        pytest.param("127.0.0.1", False, id="loopback"),
        pytest.param("fd00:ec2::254", False, id="metadata of IPv6"),
        pytest.param("::ffff:10.0.3.7", False, id="a private address in IPv6"),
    ],
)
def test_the_name_of_an_internal_load_balancer_may_be_private_and_nothing_worse(answer: str, reached: bool) -> None:
    name = "internal-shop-1.eu-central-1.elb.amazonaws.com"
    inside = Allowed(frozenset(), inside=frozenset({name}))
    assert isinstance(judge_addresses(name, [answer], inside), Refused) is not reached
    if answer.startswith(("10.", "fd12")):
        assert isinstance(judge_addresses("status.example.com", [answer], inside), Refused)
