"""release-report.html: one page for people, without scripts and without anything from elsewhere. Pure.

Everything that is text is redacted and escaped; markup is made here and in `chart` alone.
"""

import html
from collections.abc import Iterable

from breakwater.redact import redact

from .chart import STYLE, Mark, draw
from .record import Release, Share, Traffic
from .story import Step, counted, ends, points, stages, steps, warnings

_PAGE = (
    ":root{color-scheme:light dark;--paper:#f6f5f1;--card:#fff;--ink:#16202a;--soft:#55616d;--line:#d9d8d2;"
    "--blue:#9cc3dd;--green:#5fb98a;--red:#c8372d;--good:#1c6b42;--good-bg:#dff1e6;--bad:#9d241c;--bad-bg:#fae2df;"
    "--open:#7a4d00;--open-bg:#fbecd0}"
    "@media (prefers-color-scheme:dark){:root{--paper:#12161b;--card:#1b2128;--ink:#e6e9ec;--soft:#9aa6b2;"
    "--line:#343d47;--blue:#2f5d7c;--green:#2f8f5f;--red:#ff8a80;--good:#7fcf9f;--good-bg:#15301f;--bad:#ff8a80;--bad-bg:#3b1d1b;"
    "--open:#f0b35a;--open-bg:#38290f}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);overflow-wrap:anywhere;"
    "font:16px/1.5 system-ui,sans-serif}main{max-width:60rem;margin:0 auto;padding:2rem 1.2rem 3rem}"
    "h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 .6rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}"
    ".lead{color:var(--soft);margin:.2rem 0 1rem;max-width:70ch}.soft{color:var(--soft)}"
    "td{white-space:pre-wrap}"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.9rem 1.1rem}"
    ".pill{display:inline-block;border-radius:5px;padding:.15rem .5rem;font-size:.8rem;font-weight:650;"
    "white-space:nowrap}"
    ".good{background:var(--good-bg);color:var(--good)}.bad{background:var(--bad-bg);color:var(--bad)}"
    ".open{background:var(--open-bg);color:var(--open)}"
    "dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.25rem 1.2rem;margin:0}dt{color:var(--soft)}"
    "dd{margin:0}table{border-collapse:collapse;width:100%;font-size:.93rem}"
    "th{text-align:left;color:var(--soft);font-weight:600;font-size:.8rem}"
    "th,td{border-top:1px solid var(--line);padding:.45rem .7rem .45rem 0;vertical-align:top}"
    "tr:first-child>*{border-top:0}"
    "td.n,th.n{text-align:right}td.t{white-space:nowrap;font-variant-numeric:tabular-nums;color:var(--soft)}"
    ".key{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;font-size:.85rem;color:var(--soft);margin:.4rem 0 0}"
    ".key i{display:inline-block;width:1.2rem;height:.6rem;border-radius:2px;margin-right:.4rem}"
    ".bar{display:flex;height:.55rem;margin:.25rem 0;max-width:22rem}.bar .new{background:var(--green)}"
    ".bar .old{background:var(--blue)}.bar .failed{background:var(--red)}"
    "th,td.n{overflow-wrap:normal}.wide{overflow-x:auto}.card>p:last-child{margin-bottom:0}"
    ".card ul{margin:.1rem 0;padding-left:1.2rem}"
    "@media (max-width:40rem){main{padding:1.2rem .8rem 2rem}.traffic{min-width:38rem}"
    ".steps tr,.looks tr{display:grid;gap:.1rem .6rem;border-top:1px solid var(--line);padding:.5rem 0}"
    ".steps tr{grid-template-columns:auto auto 1fr}.looks tr{grid-template-columns:repeat(4,auto)}"
    ".steps tr:first-child,.looks tr:nth-child(2){border-top:0}.looks tr:first-child{display:none}"
    ".steps td,.looks td{border:0;padding:0}.steps td:last-child,.looks td:nth-child(-n+2){grid-column:1/-1}"
    ".looks td.n{text-align:left}.looks td.n::before{content:attr(data-label);display:block;color:var(--soft);"
    "font-size:.8rem}}"
    "@media print{:root{--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;--blue:#9cc3dd;--green:#5fb98a;"
    "--red:#c8372d}.card,tr{break-inside:avoid}h2{break-after:avoid}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}"
)


def page(release: Release) -> str:
    """The page of one release, as far as it has come."""
    found, ending = steps(release), release.ending
    outcome = ending.error if ending else "It goes on"
    how = "open" if ending is None else "good" if ending.next == "released" else "bad"
    parts = [
        f"<h1>{_safe(_short(release.task_definition) or release.service)}: {_safe(outcome)}</h1>",
        f'<p class="lead"><span class="pill {how}">{_safe(outcome)}</span> {_safe(ending.cause if ending else "")}</p>',
        f'<section class="card">{_facts(release)}</section>',
        _traffic(release, found),
        _metrics(release),
        f'<h2>Step by step</h2><section class="card">{_steps(found)}</section>',
        _weights(release),
        _listed("Warnings of the preflight", warnings(release)),
    ]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>Release of {_safe(release.service)}</title><style>{_PAGE}{STYLE}</style></head>"
        f"<body><main><p class='soft'>Breakwater, release of {_safe(release.service)}</p>{''.join(parts)}</main></body>"
        "</html>\n"
    )


def _facts(release: Release) -> str:
    rows = (
        ("Service", release.service),
        ("Revision", _short(release.task_definition)),
        ("Before", _short(release.before.task_definition) if release.before else ""),
        ("Strategy", release.strategy),
        ("Started by", "somebody else's deployment, attended" if release.attended else release.requested_by),
        *((("Why", release.requested_for),) if release.requested_for else ()),
        ("Began", f"{release.began_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("Execution", release.short),
    )
    return "<dl>" + "".join(f"<dt>{name}</dt><dd>{_safe(value or '-')}</dd>" for name, value in rows) + "</dl>"


def _traffic(release: Release, found: tuple[Step, ...]) -> str:
    """The weights over time, the steps marked by their numbers."""
    share = points(release)
    picture = draw(share, [Mark(one.number, one.at, one.title) for one in found], ends(release, found))
    if not picture:
        return ""
    last = share[-1].share
    said = ", ".join(f"{one.at:%H:%M:%S} {one.share:g} %" for one in share)
    seen = "; ".join(f"{at:%H:%M:%S} {stage}" for at, stage in stages(release))
    return (
        '<h2>Traffic over time</h2><section class="card">'
        f'<div class="wide">{picture}</div>'
        '<p class="key"><span><i style="background:var(--blue)"></i>old side</span>'
        '<span><i style="background:var(--green)"></i>new side</span><span>numbers: the steps below</span></p>'
        '<p class="soft">The new side&#39;s part of the production listener&#39;s weight, where a look saw a change: '
        f"{_safe(said)}. "
        f"{'At the end it has all of it.' if last == 100 else 'At the end it has none.' if not last else ''}"
        f"{' Its deployment was seen at: ' + _safe(seen) + '.' if seen else ''}</p></section>"
    )


def _metrics(release: Release) -> str:
    """What CloudWatch said of both sides at each look: since the window before the first look of the stage."""
    found = counted(release)
    most = max((max(one.new_requests or 0, one.old_requests or 0) for one in found), default=0)
    rows = "".join(
        f"<tr><td class='t'>{one.at:%H:%M:%S}</td><td>{_safe(one.stage)}{_bars(one, most)}</td>"
        f"{_number(one.new_requests, 'new: requests')}{_number(one.new_errors, 'errors')}"
        f"{_number(one.old_requests, 'old: requests')}{_number(one.old_errors, 'errors')}</tr>"
        for one in found
    )
    if not rows:
        return ""
    return (
        '<h2>Metrics of both sides</h2><section class="card"><table class="looks"><tr><th>Look at</th><th>Stage</th>'
        "<th class='n'>New: requests</th><th class='n'>errors</th><th class='n'>Old: requests</th>"
        f"<th class='n'>errors</th></tr>{rows}</table></section>"
    )


def _bars(one: Traffic, most: int) -> str:
    """Both sides as bars, each as long as its requests, with the errors in red."""
    bars = ""
    for name, requests, errors in (
        ("new", one.new_requests, one.new_errors),
        ("old", one.old_requests, one.old_errors),
    ):
        bad = min(errors or 0, requests or 0)
        good = (requests or 0) - bad
        widths = [f"{100 * count / (most or 1):.1f}%" for count in (good, bad)]
        bars += f"<div class='bar'><span class='{name}' style='width:{widths[0]}'></span>"
        bars += f"<span class='failed' style='width:{widths[1]}'></span></div>"
    return bars


def _number(value: int | None, label: str) -> str:
    """A cell that says its column where the screen is too narrow for a head."""
    return f"<td class='n' data-label='{label}'>{'unknown' if value is None else f'{value:,}'}</td>"


def _steps(found: Iterable[Step]) -> str:
    rows = (
        f"<tr><td class='t'>{one.number}</td><td class='t'>{one.at:%H:%M:%S}</td><td>{_safe(one.title)}"
        f"{_pill(one)}</td><td>{_safe(one.reason)}</td></tr>"
        for one in found
    )
    return f"<table class='steps'>{''.join(rows)}</table>"


def _pill(step: Step) -> str:
    return f' <span class="pill {step.mark[1]}">{_safe(step.mark[0])}</span>' if step.mark else ""


def _weights(release: Release) -> str:
    """What was recorded before anything was changed: where a return has to come back to."""
    if release.before is None or not release.before.shares:
        return ""
    rows = "".join(
        f"<tr><td>{_safe(_short(one.rule))}</td><td>{_safe(_group(one))}</td><td class='n'>{one.weight}</td></tr>"
        for one in release.before.shares
    )
    return (
        '<h2>Recorded before it began</h2><section class="card"><table><tr><th>Listener rule</th><th>Target group</th>'
        f"<th class='n'>Weight</th></tr>{rows}</table></section>"
    )


def _listed(title: str, texts: tuple[str, ...]) -> str:
    if not texts:
        return ""
    items = "".join(f"<li>{_safe(text)}</li>" for text in texts)
    return f'<h2>{title}</h2><section class="card"><ul>{items}</ul></section>'


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]


def _group(share: Share) -> str:
    return share.group.partition("targetgroup/")[2].partition("/")[0] or share.group


def _safe(text: str) -> str:
    return html.escape(redact(text))
