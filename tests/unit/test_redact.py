"""Secrets and tricks are struck out of text; what people need stays readable."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakwater.redact import MARK, plain, redact

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        pytest.param("postgres://shop:FAKEpw@db:5432/x", "FAKEpw", id="a password in a URL"),
        pytest.param("postgres://shop:FA@KE/pw:1@db/x", "KE/pw", id="a password with a slash and an at sign"),
        pytest.param("amqp://a@b.c:FAKEpw@mq", "FAKEpw", id="a user with an at sign"),
        pytest.param("redis://:FAKEpw@cache", "FAKEpw", id="no user"),
        pytest.param("https://FAKEtoken0123456789@git.internal/x", "FAKEtoken", id="a token as user"),
        pytest.param("shop:FAKEpw@tcp(db:3306)/x", "FAKEpw", id="a driver's own way"),
        pytest.param("Authorization: Bearer FAKEtok3n; retry", "FAKEtok3n", id="a header"),
        pytest.param('"authorization":"bearer FAKEtok3n"', "FAKEtok3n", id="a header in JSON"),
        pytest.param("sent BEARER\r\n  FAKEtok3n", "FAKEtok3n", id="bearer over two lines"),
        pytest.param("bearer token: FAKEtok3n", "FAKEtok3n", id="bearer with a word between"),
        pytest.param("Proxy-Authorization: Basic RkFLRTpwdw==", "RkFLRTpwdw", id="basic"),
        pytest.param('Authorization: Digest username="u", response="FAKE0123"', "FAKE0123", id="digest"),
        pytest.param("Set-Cookie: sid=FAKEsid; Path=/; s2=FAKEsid", "FAKEsid", id="cookies"),
        pytest.param("DB_PASSWORD=FAKEpw", "FAKEpw", id="an assignment"),
        pytest.param("password: FAKEpw", "FAKEpw", id="YAML"),
        pytest.param('{"dbPassword": "FAKE \\"pw\\" x"}', "pw", id="JSON with quotes inside"),
        pytest.param('{\\"api_key\\": \\"FAKE pw\\"}', "FAKE pw", id="JSON in JSON"),
        pytest.param("Server=db;Password=FAKEpw;Database=x", "FAKEpw", id="a connection string"),
        pytest.param("https://x/?a=1&access_token=FAKEtok&b=2", "FAKEtok", id="a query"),
        pytest.param("run --db-password FAKEpw --verbose", "FAKEpw", id="a flag"),
        pytest.param("run --api-key=FAKEpw", "FAKEpw", id="a flag with an equals sign"),
        pytest.param("curl -u shop:FAKEpw https://x", "FAKEpw", id="curl"),
        pytest.param("<password>FAKEpw</password>", "FAKEpw", id="XML"),
        pytest.param("client_secret => 'FAKE pw'", "FAKE pw", id="Ruby"),
        pytest.param("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", id="an AWS key id"),
        pytest.param("x wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY y", "K7MDENG", id="an AWS secret key"),
        pytest.param("ghp_FAKE0000000000000000000000000000000000", "ghp_FAKE", id="GitHub"),
        pytest.param("xoxb-1111-2222-FAKEfake", "FAKEfake", id="Slack"),
        pytest.param("https://hooks.slack.com/services/T0/B0/FAKEfake", "FAKEfake", id="a Slack webhook"),
        pytest.param("sk_live_FAKEfake0123", "FAKEfake", id="Stripe"),
        pytest.param("AIzaFAKEfakeFAKEfakeFAKEfakeFAKEfake123", "FAKEfake", id="Google"),
        pytest.param(f"jwt {JWT}", "eyJzdWI", id="a JWT"),
        pytest.param("-----BEGIN RSA PRIVATE KEY-----\nMIIFAKE\n-----END RSA PRIVATE KEY-----", "MIIFAKE", id="PEM"),
        pytest.param("-----BEGIN PRIVATE KEY-----\nMIIFAKE", "MIIFAKE", id="half a PEM"),
        pytest.param("value 9fK2mQ7xR4tV8wZ1bN6cJ3hL5pD0s here", "9fK2mQ7x", id="a random string"),
        pytest.param("DB_PASS: hunter2", "hunter2", id="pass with a colon"),
        pytest.param("user: svc, pass: hunter2", "hunter2", id="pass in a list"),
        pytest.param("dbpass=hunter2", "hunter2", id="pass after letters"),
        pytest.param("?user=x&pw=hunter2", "hunter2", id="pw in a query"),
        pytest.param("password%3Dhunter2", "hunter2", id="an encoded equals sign"),
        pytest.param(r"PASSWORD\u003dhunter2", "hunter2", id="an escaped equals sign"),
        pytest.param(r"\u0022password\u0022:\u0022hunter2\u0022", "hunter2", id="escaped quotes"),
        pytest.param("{&quot;password&quot;:&quot;hunter2&quot;}", "hunter2", id="quotes as HTML"),
        pytest.param("{'Password': b'hunter2'}", "hunter2", id="bytes of Python"),
        pytest.param('{"Password": {"value": "hunter2", "b": {"c": 1}}, "host": "x"}', "hunter2", id="an object"),
        pytest.param('{"passwords": ["hunter1", "hunter2"]}', "hunter2", id="a list"),
        pytest.param('{"name":"DB_PASSWORD","value":"hunter2"}', "hunter2", id="a name and a value"),
        pytest.param("password 'hunter2' rejected", "hunter2", id="quoted after the word"),
        pytest.param('Invalid password "hunter2"', "hunter2", id="quoted at the end"),
        pytest.param("mysql -h db -u svc -phunter2 shop", "hunter2", id="mysql"),
        pytest.param("sshpass -p hunter2 ssh x", "hunter2", id="sshpass"),
        pytest.param("redis-cli -h cache -a hunter2 ping", "hunter2", id="redis-cli"),
        pytest.param("docker login -u x -p hunter2 registry", "hunter2", id="docker"),
        pytest.param("keytool -storepass hunter2", "hunter2", id="keytool"),
        pytest.param("openssl rsa -passin pass:hunter2", "hunter2", id="openssl"),
        pytest.param("connecting as scott/tiger@//db/orcl", "tiger", id="Oracle"),
        pytest.param("scott/tiger@db.internal:1521/orcl", "tiger", id="Oracle with a host"),
        pytest.param("https://shop.webhook.office.com/webhookb2/FAKE/x/y", "FAKE", id="a Teams webhook"),
        pytest.param("https://outlook.office.com/webhook/FAKE/x/y", "FAKE", id="an Office webhook"),
        pytest.param("password: unknown-x1", "x1", id="a word of prose goes on"),
        pytest.param("password: the-secret-one", "one", id="an article goes on"),
        pytest.param("password: status!9x", "9x", id="an exclamation mark within"),
        pytest.param("password = no-way-jose", "jose", id="no goes on"),
        pytest.param("password: service", "service", id="a word of prose that no password message begins with"),
        pytest.param("secret: the-secret-one", "one", id="a secret that begins as prose"),
        pytest.param("token_urlsafe bX-9_kQa2-Zt7wLm_0pRv4-Yc8Hd1Ns", "Zt7wLm", id="a token with dashes inside"),
    ],
)
def test_secrets_are_struck_out(text: str, secret: str) -> None:
    got = redact(text)
    assert secret not in got
    assert MARK in got


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("OutOfMemoryError: Container killed due to memory usage", id="memory"),
        pytest.param("failed to pull 1.dkr.ecr.eu-central-1.amazonaws.com/app:2026.03.02-1: not found", id="image"),
        pytest.param("unable to retrieve secret from asm: ResourceNotFoundException: not there", id="secrets in prose"),
        pytest.param("failed to fetch secret: AccessDeniedException: no", id="an error name after the word"),
        pytest.param("arn:aws:secretsmanager:eu-central-1:111122223333:secret:shop/db-AbCdEf", id="an ARN"),
        pytest.param("arn:aws:ecs:eu-central-1:111122223333:task/shop/5f1c2e7a9b3d4c6e8f00112233445566", id="a task"),
        pytest.param("sha256:" + "4b" * 32, id="a digest"),
        pytest.param("0c0ffee0-1234-4abc-8def-000000000042", id="a UUID"),
        pytest.param("ecs-svc/7001002003004005006 0EYSiB0qap8xf0N76FsbE", id="deployments"),
        pytest.param("http://host:8080/path?email=a@b.c", id="a port is no password"),
        pytest.param("CannotCreateContainerError: OCI runtime create failed: container_linux.go:380", id="runtime"),
        pytest.param("basic authentication is not enough", id="prose"),
        pytest.param("Grüße aus Köln, 日本語", id="other scripts"),
    ],
)
def test_what_people_need_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a\r\nb\u2028c\x85d", "a b c d", id="line breaks"),
        pytest.param("\x1b[31mred\x1b[0m \x1b]0;title\x07x\x9b1mz", "red xz", id="terminal escapes"),
        pytest.param("a\x00b\x7fc\u202ed\u2066e\u200bf\ufeffg", "abcdefg", id="control and bidirectional"),
        pytest.param("a\ud800b", "ab", id="half a character"),
    ],
)
def test_text_is_one_harmless_line(text: str, expected: str) -> None:
    assert plain(text) == redact(text) == expected


@pytest.mark.parametrize(
    ("known", "text", "expected"),
    [
        pytest.param("hunter22", "xhunter22y", f"x{MARK}y", id="a distinctive value anywhere"),
        pytest.param("blue", "blue bluest", f"{MARK} bluest", id="a short word only where it stands alone"),
        pytest.param("prod", "cluster prod", f"cluster {MARK}", id="an everyday word"),
        pytest.param("red", "a red hat, bored", f"a {MARK} hat, bored", id="three characters, also part of the mark"),
        pytest.param("q1", "env q1 q12", f"env {MARK} q12", id="two characters"),
        pytest.param("Red", "red Red", f"red {MARK}", id="capitals matter"),
        pytest.param("7", "code 7", "code 7", id="a single character tells nothing"),
        pytest.param("redacted", "x redacted", "x redacted", id="the mark itself"),
        pytest.param("in", "Essential container in task", "Essential container in task", id="a stop word of AWS"),
        pytest.param("&&", "a && b", "a && b", id="two signs"),
        pytest.param("one-line\nsecond-line", "x second-line", f"x {MARK}", id="a line of several"),
        pytest.param("FAKE\tvalue-1", "is FAKE\tvalue-1", f"is {MARK}", id="a value with a control character"),
    ],
)
def test_known_values_are_struck_out_whatever_they_look_like(known: str, text: str, expected: str) -> None:
    assert redact(text, [known]) == expected


@given(st.text(), st.lists(st.text(max_size=30), max_size=5))
def test_any_text_becomes_one_line_without_control_characters(text: str, known: list[str]) -> None:
    got = redact(text, known)
    assert plain(got) == got
    assert len(got.splitlines()) <= 1


@given(st.text(max_size=60), st.from_regex(r"[A-Za-z0-9_!$%-]{8,30}", fullmatch=True), st.text(max_size=60))
def test_a_known_value_never_comes_through(before: str, value: str, after: str) -> None:
    assert value not in redact(f"{before}{value}{after}", [value])


@given(st.from_regex(r"[A-Za-z0-9._~-]{6,40}", fullmatch=True), st.sampled_from(["Bearer ", "bearer: ", "BEARER\t"]))
def test_a_bearer_token_never_comes_through(token: str, word: str) -> None:
    assert f" {token} " not in f" {redact(f'x {word}{token} y')} " or token.lower() in (
        "token",
        "authorization",
        "realm",
    )


@pytest.mark.parametrize(
    "piece",
    [
        "secret",
        "http://x:",
        "-----BEGIN PRIVATE KEY-----",
        'password="',
        "bearer ",
        "cookie: a;b;",
        "--a-",
        "\x1b[",
        "a:@b",
    ],
    ids=repr,
)
def test_hostile_text_of_the_largest_size_takes_no_longer_than_its_length(piece: str) -> None:
    small, large = (_seconds(piece, size) for size in (20_000, 200_000))
    assert large < max(small, 0.01) * 60, "ten times the text must not take a hundred times as long"


def _seconds(piece: str, size: int) -> float:
    text = piece * (size // len(piece))
    start = time.process_time()
    redact(text)
    return time.process_time() - start
