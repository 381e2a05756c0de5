"""Structured logs and metrics, by Powertools, the same for every function.

One line per outcome. An event is never logged whole: overrides carry commands and environment values.
"""

from aws_lambda_powertools import Logger, Metrics

NAMESPACE = "Breakwater"


def logger(service: str) -> Logger:
    """The JSON logger of one automation."""
    return Logger(service=service, log_uncaught_exceptions=True)


def metrics(service: str) -> Metrics:
    """The metrics (embedded metric format, no API call) of one automation."""
    return Metrics(namespace=NAMESPACE, service=service)
