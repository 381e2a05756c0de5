"""The report of a release in the report bucket: release-report.html for people, release-report.json for programs."""

import json
from datetime import datetime

from breakwater.aws import translated_errors
from breakwater.errors import BreakwaterError
from breakwater.redact import redact

from .page import page
from .record import Release
from .story import counted, points, steps, warnings
from .wiring import Work


def publish(work: Work, release: Release, now: datetime) -> str | None:
    """Put both; where the page is. A report is worth less than the release: what cannot be put is logged."""
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
        return None
    return f"s3://{work.report_bucket}/{folder}/release-report.html"


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
        "requested_for": redact(release.requested_for),
        "began_at": release.began_at.isoformat(),
        "outcome": ending.error if ending else None,
        "reason": redact(ending.cause) if ending else None,
        "steps": [
            {
                "at": one.at.isoformat(),
                "step": one.title,
                "verdict": one.mark[0] if one.mark else None,
                "reason": redact(one.reason),
            }
            for one in steps(release)
        ],
        "warnings": [redact(one) for one in warnings(release)],
        "weights": {
            "before": [
                {"rule": one.rule, "target_group": one.group, "weight": one.weight}
                for one in (release.before.shares if release.before else ())
            ],
            "new_share_percent": [{"at": one.at.isoformat(), "share": one.share} for one in points(release)],
        },
        "metrics": [
            {
                "at": one.at.isoformat(),
                "stage": one.stage,
                "new": {"requests": one.new_requests, "errors": one.new_errors},
                "old": {"requests": one.old_requests, "errors": one.old_errors},
            }
            for one in counted(release)
        ],
        "lines": [{"at": one.at.isoformat(), "what": one.what, "reason": redact(one.reason)} for one in release.lines],
    }
