"""The report of a release in the report bucket: release-report.html for people, release-report.json for programs."""

import html
import json
from datetime import datetime

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError
from breakwater.redact import redact

from .record import Release
from .wiring import Work


def publish(work: Work, release: Release, now: datetime) -> None:
    """Put both. A report is worth less than the release: what cannot be put is logged."""
    folder = f"releases/{release.service}/{release.short}"
    try:
        for name, kind, body in (
            ("release-report.html", "text/html; charset=utf-8", page(release)),
            ("release-report.json", "application/json", json.dumps(figures(release), indent=2)),
        ):
            with translated_errors("put the report"):
                work.client("s3").put_object(
                    Bucket=work.report_bucket, Key=f"{folder}/{name}", Body=body.encode(), ContentType=kind
                )
    except BreakwaterError as error:
        work.logger.error("the report could not be put", problem=str(error), execution=release.short)


def figures(release: Release) -> dict[str, object]:
    """What the report tells, as data."""
    ending = release.ending
    return {
        "schema": "breakwater.release-report/1",
        "execution": release.execution,
        "service": release.service,
        "task_definition": release.task_definition,
        "before": release.before.task_definition if release.before else None,
        "strategy": release.strategy,
        "attended": release.attended,
        "requested_by": redact(release.requested_by),
        "began_at": release.began_at.isoformat(),
        "outcome": ending.error if ending else None,
        "reason": ending.cause if ending else None,
        "lines": [{"at": one.at.isoformat(), "what": one.what, "reason": one.reason} for one in release.lines],
    }


def page(release: Release) -> str:
    """The same as a page without scripts and without anything from elsewhere."""
    told = figures(release)
    rows = "".join(
        f"<tr><td>{one.at:%H:%M:%S}</td><td>{_safe(one.what)}</td><td>{_safe(one.reason)}</td></tr>"
        for one in release.lines
    )
    head = "".join(
        f"<dt>{name}</dt><dd>{_safe(str(told[key] or '-'))}</dd>"
        for name, key in (
            ("Service", "service"),
            ("Revision", "task_definition"),
            ("Before", "before"),
            ("Strategy", "strategy"),
            ("Started by", "requested_by"),
            ("Began", "began_at"),
            ("Outcome", "outcome"),
            ("Why", "reason"),
        )
    )
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Release</title>"
        "<style>body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
        "dt{font-weight:600}dd{margin:0 0 .4rem}table{border-collapse:collapse;width:100%}"
        "td{border-top:1px solid #ccc;padding:.3rem .6rem;vertical-align:top}</style></head>"
        f"<body><h1>Release of {_safe(release.service)}</h1><dl>{head}</dl><table>{rows}</table></body></html>\n"
    )


def _safe(text: str) -> str:
    return html.escape(redact(text))
