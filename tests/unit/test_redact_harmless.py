"""What looks a little like a secret and is none: names, revisions, images, ids, everyday sentences."""

import pytest

from breakwater.redact import MARK, redact, redact_name

HEX = "0123456789abcdef" * 4
REGISTRY = "111122223333.dkr.ecr.eu-central-1.amazonaws.com"

NAMES = [
    "checkout",
    "password-reset:12",
    "auth-token-api:17",
    "secrets-sync:3",
    "api-key-rotator:5",
    "webhook-keys:4",
    "signature-service:9",
    "token-service",
    "api_key_rotator",
    "PasswordResetWorker",
    f"{REGISTRY}/shop/password-reset:1.2.3",
    f"{REGISTRY}/shop/password-reset:latest",
    f"{REGISTRY}/shop/secrets-sync:feature-x_2",
    f"{REGISTRY}/token:1.2.3",
    f"{REGISTRY}/shop/api-token@sha256:{HEX}",
    f"{REGISTRY}/shop/api-token:3.1@sha256:{HEX}",
    f"sha256:{HEX}",
    "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.1",
    "nginx:1.27-alpine",
    "localhost:5000/shop/password-reset:dev",
    "secrets-sync:v1.2.3",
    "api-token:latest",
    "arn:aws:ecs:eu-central-1:111122223333:task-definition/password-reset:12",
    "arn:aws:ecs:eu-central-1:111122223333:service/shop/auth-token-api",
    "arn:aws:ecs:eu-central-1:111122223333:task/shop/5f1c2e7a9b3d4c6e8f00112233445566",
    "arn:aws-us-gov:secretsmanager:us-gov-west-1:111122223333:secret:shop/db-AbCdEf",
    "ecs-svc/7001002003004005006",
    "2026-04-14T07:30:00.123456789Z",
    "i-0abc1234def567890",
    "EssentialContainerExited",
    "FARGATE",
]

SENTENCES = [
    "A task of password-reset:12 did not start",
    "A task of auth-token-api:17 did not start",
    "A task of secrets-sync:3 ended",
    "A task of api-key-rotator:5 ended",
    "A task of webhook-keys:4 ended",
    "A task of signature-service:9 ended",
    f"failed to pull image {REGISTRY}/shop/password-reset:1.2.3: not found",
    f"pull image manifest has been retried 5 time(s): {REGISTRY}/shop/auth-token:9f8e7d6: not found",
    "image secrets-sync:v1.2.3 not found",
    "(service password-reset) failed container health checks",
    "(service checkout) (port 8080) is unhealthy in (target-group arn:aws:elasticloadbalancing:eu-central-1:"
    "111122223333:targetgroup/shop-checkout/0123456789abcdef) due to (reason Health checks failed)",
    "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/a)",
    "Scaling activity initiated by (deployment ecs-svc/7001002003004005006)",
    "Essential container in task exited",
    "OutOfMemoryError: Container killed due to memory usage",
    "CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task",
    'exec: "/entrypoint.sh": permission denied: unknown',
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed",
    "unable to retrieve secret from asm: service call has been retried 5 time(s)",
    "failed to fetch secret arn:aws:secretsmanager:us-east-1:111122223333:secret:shop/db-AbCdEf from secrets manager",
    "failed to fetch secret: AccessDeniedException: User is not authorized",
    "secret: the value could not be found",
    "token: expired.",
    "credentials: not found",
    "password: required",
    "password: invalid, try again",
    "Password expired.",
    "Access denied for user 'app'@'10.0.0.1' (using password: YES)",
    'FATAL: password authentication failed for user "app"',
    "Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON",
    "SyntaxError: Unexpected token: punc (})",
    "tests pass: 12, fail: 3",
    "bypass=true compass: north",
    "passing: 3 passes=4",
    "the password was changed on Monday",
    "Secrets Manager can't find the specified secret.",
    "KeyError: 'user_id'",
    "primary_key=id foreign_key=order_id",
    "partition key: pk, sort key: sk",
    "monkey: banana, keyboard: us",
    "PIN map: gpio",
    "dial tcp 10.0.3.17:5432: connect: connection refused",
    "dial tcp: lookup orders-db.internal on 10.0.0.2:53: no such host",
    "i/o timeout after 5000 ms",
    "GET /api/v1/orders/0c0ffee0-1234-4abc-8def-000000000042 500",
    "GET https://orders.internal:8443/api/orders?page=2&sort=asc 200 in 12ms",
    "http://host:8080/path?email=a@b.c",
    "contact ops@example.com at noon",
    "see https://github.com/owner/action@v3 and npm @scope/package@1.2.3",
    "uses: actions/checkout@v4",
    "git@github.com:owner/repository.git",
    "mysql -h db -u svc -p shop",
    "mysql -P3306 -h db",
    "docker run -p 8080:80 -a stdout nginx",
    "ls -a -p /tmp",
    "Traceback (most recent call last):",
    '  File "/usr/local/lib/python3.12/site-packages/django/core/handlers/exception.py", line 55, in inner',
    "at com.example.shop.checkout.PaymentServiceHandlerFactory2.create(PaymentServiceHandlerFactory2.java:88)",
    "org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'dataSource'",
    "panic: runtime error: index out of range [3] goroutine 1 [running]: main.main() /app/main.go:17 +0x1d",
    "Error: Cannot find module '/usr/src/app/dist/node_modules/@nestjs/core/index.js'",
    "breakwater-TaskAlertsFunction-Xk3jZ9qLmN2P",
    "shop-Table-W9LctXb03rEM and /aws/lambda/ProdStack-EcsTaskRole1-We7JRVxBYPeM",
    "botocore.errorfactory.InvalidS3KmsKeyArnException",
    "MyStack-OrdersServiceTaskDefinition-1A2B3C4D5E6F7",
    "/aws/lambda/breakwater-TaskAlertsFunction-Xk3jZ9qLmN2P",
    "/ecs/shop/checkout-service-production-eu-central-1",
    "checkout-7f9c6b5d8-x2k4p",
    "ip-10-0-3-17.eu-central-1.compute.internal",
    "ec2-18-194-12-34.eu-central-1.compute.amazonaws.com",
    "d111111abcdef8.cloudfront.net",
    "shop-checkout-1234567890.eu-central-1.elb.amazonaws.com",
    "vpce-0123456789abcdef0-abcdefgh.secretsmanager.eu-central-1.vpce.amazonaws.com",
    "Root=1-67891233-abcdef012345678912345678",
    "traceparent 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "commit 9f8e7d6c5b4a39281706f5e4d3c2b1a098765432",
    "request id 5e9d7c3a-0f1e-4d2b-8c6a-112233445566",
    "0EYSiB0qap8xf0N76FsbE",
    "s3://shop-inbox-111122223333/incoming/2026/04/14/orders_export_0001.csv.gz",
    "arn:aws:s3:::shop-inbox-111122223333/incoming/2026-04-14/orders.csv",
    "arn:aws:sns:eu-central-1:111122223333:breakwater-IncidentTopic-Ab12Cd34Ef56",
    "AWS_DEFAULT_REGION=eu-central-1 LOG_LEVEL=debug",
    "JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75.0",
    "NODE_ENV=production PORT=8080 WORKERS=4",
    "max_connections=200 shared_buffers=128MB",
    "x-amzn-RequestId: 5e9d7c3a-0f1e-4d2b-8c6a-112233445566",
    "Content-Type: application/json; charset=utf-8",
    "User-Agent: aws-sdk-js/3.540.0 os/linux#5.10 lang/js md/nodejs#20.11.1",
    "exit status 137, signal: killed",
    "0 rows affected, 3 warnings: keys: 4",
    "HikariPool-1 - Connection is not available, request timed out after 30000ms.",
    "redis.exceptions.ConnectionError: Error 111 connecting to cache.internal:6379. Connection refused.",
    "kafka: client has run out of available brokers to talk to: EOF",
    "x509: certificate signed by unknown authority",
    "ERROR 1045 (28000): Access denied for user 'svc'@'%'",
    "psycopg2.OperationalError: could not connect to server: Connection timed out",
    "java.lang.OutOfMemoryError: Java heap space",
    "Gunicorn 21.2.0 Listening at: http://0.0.0.0:8000 (1)",
    "[2026-04-14 07:30:00 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:11)",
    "NoCredentialProviders: no valid providers in chain",
    "registry auth token: expired",
    "basic authentication is not enough",
    "the author: Jane Doe",
    "authority=orders.internal",
    "tokenizer: bert-base, tokens: 512",
    "max_tokens=512 tokens_used: 1024",
    "credit-card checkout page is slow",
    "sha256:" + HEX,
    "layer sha256:" + HEX + " already exists",
    "Grüße aus Köln, 日本語",
    "SIGTERM received, draining 12 connections",
    "Liquibase: Waiting for changelog lock....",
    "Error response from daemon: network_mode awsvpc is not supported",
    "0x00007ff6a1b2c3d4 in ntdll.dll",
    "cron(0/15 8-18 ? * MON-FRI *)",
    "SELECT id, key, value FROM settings WHERE key = 'theme'",
    "PRIMARY KEY (id), UNIQUE KEY email (email)",
    "CannotPullContainerError: Error response from daemon: toomanyrequests: You have reached your pull rate limit",
    "(service checkout, taskSet ecs-svc/7001002003004005006) was unable to place a task: RESOURCE:CPU",
    "signature-service:9 and token-broker:22 are behind",
    "deployed acme/password-reset:latest to shop",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_stay_whatever_they_speak_of(name: str) -> None:
    assert redact_name(name) == name


@pytest.mark.parametrize("text", SENTENCES)
def test_harmless_text_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        pytest.param("DB_PASSWORD=hunter2", "hunter2", id="an assignment"),
        pytest.param("password:hunter2", "hunter2", id="no image is called so"),
        pytest.param("password: hunter2", "hunter2", id="text"),
        pytest.param("postgres://svc:hunter2@db/x", "hunter2", id="a URL"),
        pytest.param("AKIAIOSFODNN7EXAMPLE", "AKIA", id="an AWS key id"),
        pytest.param("ghp_FAKE0000000000000000000000000000000000", "FAKE", id="GitHub"),
        pytest.param("bX-9_kQa2-Zt7wLm_0pRv4-Yc8Hd1Ns", "Zt7wLm", id="a random token"),
        pytest.param("acme/password:hunter2", "hunter2", id="a path that ends like a key"),
    ],
)
def test_a_name_is_no_hiding_place(text: str, secret: str) -> None:
    got = redact_name(text)
    assert secret not in got
    assert MARK in got


@pytest.mark.parametrize(
    "text",
    ["password-hash:12ab34", "db-password:12", "secret-access-key:12345", "password-reset: 12", "password-value:77"],
)
def test_what_is_no_revision_is_an_assignment(text: str) -> None:
    assert redact(f"x {text} y") == f"x {text.partition(':')[0]}:{' ' if ': ' in text else ''}{MARK} y"


def test_names_lose_control_characters() -> None:
    assert redact_name("check\u202eout\x1b[31m:12") == "checkout:12"
