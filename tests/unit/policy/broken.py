"""Documents with one mistake each, and the good ones that they were made from."""

TASK = "{cluster: c, task_definition: t}"
JOB = f"""\
version: 1
jobs:
  - name: nightly
    schedule: cron(0 3 * * ? *)
    task: {TASK}
"""
UPLOAD = """\
version: 1
uploads:
  - name: prices
    bucket: shop-inbox
    task: {cluster: c, task_definition: t, command: [load]}
"""
SERVICE = """\
version: 1
services:
  - match: prod/web
"""
WINDOW = """\
version: 1
scaling:
  windows:
    - name: nights
      match: dev/*
      opens: "20:00"
      closes: "07:00"
"""
ROUTE = UPLOAD.partition("uploads:\n")[2]
A_WINDOW = WINDOW.partition("windows:\n")[2]
CHECK = f"""{SERVICE}    checks:
      - name: home
"""

# What is wrong, the document, and what is said of it: the line, the path, and some of the words.
BROKEN = [
    # the document itself
    ("an empty document", "", 1, "version", "missing"),
    ("no version", "defaults: {}\n", 1, "version", "missing"),
    ("a version to come", "version: 2\n", 1, "version", "2"),
    ("a version in quotes", 'version: "1"\n', 1, "version", '"1"'),
    ("a list", "- version: 1\n", 1, "", "a list"),
    ("a sentence", "mode observe\n", 1, "", "mode observe"),
    ("broken syntax", "version: 1\njobs: [\n", 3, "", "expected"),
    ("a tab", "version: 1\njobs:\n\t- name: x\n", 3, "", "a tab"),
    ("two documents", "version: 1\n---\nversion: 1\n", 2, "", "a second document"),
    ("a key twice", "version: 1\njobs: []\njobs: []\n", 3, "jobs", "twice"),
    ("a tag", "version: 1\njobs: !!python/name:os.system []\n", 2, "jobs", "tag"),
    ("an unknown section", "version: 1\nservice: []\n", 2, "service", 'did you mean "services"?'),
    ("a section that is text", "version: 1\njobs: none\n", 2, "jobs", '"none"'),
    # channels and defaults
    ("an unknown channel", "version: 1\nchannels:\n  pager: {}\n", 3, "channels.pager", "unknown key"),
    (
        "a severity that nobody is told of",
        "version: 1\nchannels:\n  slack: {minimum_severity: info}\n",
        3,
        "channels.slack.minimum_severity",
        "info",
    ),
    ("a mode that is none", "version: 1\ndefaults:\n  mode: on\n", 3, "defaults.mode", '"on"'),
    ("a mode that is a truth value", "version: 1\ndefaults:\n  mode: true\n", 3, "defaults.mode", "true"),
    (
        "too little quiet",
        "version: 1\ndefaults:\n  alerts:\n    quiet_minutes: 1\n",
        4,
        "defaults.alerts.quiet_minutes",
        "1",
    ),
    (
        "a number in quotes",
        'version: 1\ndefaults:\n  alerts:\n    log_lines: "20"\n',
        4,
        "defaults.alerts.log_lines",
        '"20"',
    ),
    ("a yes", "version: 1\ndefaults:\n  alerts: {log_tail: yes}\n", 3, "defaults.alerts.log_tail", '"yes"'),
    (
        "half a minute",
        "version: 1\ndefaults:\n  guard: {bake_minutes: 0.5}\n",
        3,
        "defaults.guard.bake_minutes",
        "0.5",
    ),
    # services
    ("no match", "version: 1\nservices:\n  - mode: act\n", 3, "services[0].match", "missing"),
    ("a match without cluster", "version: 1\nservices:\n  - match: web\n", 3, "services[0].match", "cluster/service"),
    ("a match with three parts", "version: 1\nservices:\n  - match: a/b/c\n", 3, "services[0].match", "a/b/c"),
    ("a regular expression", "version: 1\nservices:\n  - match: prod/web.+\n", 3, "services[0].match", "web.+"),
    ("an entry that is hidden", f"{SERVICE}  - match: prod/web\n", 4, "services[1].match", "services[0]"),
    (
        "an entry hidden by a glob",
        "version: 1\nservices:\n  - match: prod/*\n  - match: prod/web-?\n",
        4,
        "services[1].match",
        "prod/*",
    ),
    ("an unknown key of a service", f"{SERVICE}    budgets: 2\n", 4, "services[0].budgets", "unknown key"),
    ("a budget below nothing", f"{SERVICE}    guard: {{budget: -1}}\n", 4, "services[0].guard.budget", "-1"),
    ("a misspelt key", f"{SERVICE}    guard: {{bake_minute: 5}}\n", 4, "services[0].guard.bake_minute", "bake_minutes"),
    (
        "an address as a host",
        f"{SERVICE}    release: {{allowed_hosts: [169.254.169.254]}}\n",
        4,
        "services[0].release.allowed_hosts[0]",
        "169.254",
    ),
    ("a check of no kind", CHECK, 5, "services[0].checks[0]", "exactly one"),
    (
        "a check of two kinds",
        f"{CHECK}        http: {{}}\n        task: {{}}\n",
        5,
        "services[0].checks[0]",
        "exactly one",
    ),
    (
        "a path without slash",
        f"{CHECK}        http: {{path: health}}\n",
        6,
        "services[0].checks[0].http.path",
        "health",
    ),
    (
        "a status that no server gives",
        f"{CHECK}        http: {{expected_status: [20]}}\n",
        6,
        "services[0].checks[0].http.expected_status[0]",
        "20",
    ),
    (
        "more passes than tries",
        f"{CHECK}        http:\n          sample: {{needed: 6, attempts: 5}}\n",
        7,
        "services[0].checks[0].http.sample.needed",
        "never pass",
    ),
    (
        "statuses that are no range",
        f"{CHECK}        http: {{expected_status: [200, 299-200]}}\n",
        6,
        "services[0].checks[0].http.expected_status[1]",
        "a range like 200-299",
    ),
    (
        "a target that is no host",
        f"{CHECK}        http: {{target: 'http://169.254.169.254'}}\n",
        6,
        "services[0].checks[0].http.target",
        "169.254.169.254",
    ),
    (
        "a secret that is held and not named",
        f"{CHECK}        http:\n          secret_headers: [{{name: Authorization, secret_arn: letmein}}]\n",
        7,
        "services[0].checks[0].http.secret_headers[0].secret_arn",
        "is not the ARN of a secret",
    ),
    (
        "a header that the client sets",
        f"{CHECK}        http: {{headers: {{Host: example.com}}}}\n",
        6,
        "services[0].checks[0].http",
        "the header Host cannot be set",
    ),
    (
        "a place that is no path",
        f"{CHECK}        http:\n          assertions: [{{path: status, operator: exists}}]\n",
        7,
        "services[0].checks[0].http.assertions[0].path",
        "no path into JSON",
    ),
    (
        "a comparison that there is not",
        f"{CHECK}        http:\n          assertions: [{{path: $.a, operator: like, value: b}}]\n",
        7,
        "services[0].checks[0].http.assertions[0].operator",
        "like",
    ),
    (
        "a comparison without a value",
        f"{CHECK}        http:\n          assertions: [{{path: $.a, operator: at_least, value: x}}]\n",
        7,
        "services[0].checks[0].http",
        "at_least at $.a cannot be compared",
    ),
    (
        "a latency beyond the timeout",
        f"{CHECK}        http: {{latency_ms: 5000, timeout_seconds: 2}}\n",
        6,
        "services[0].checks[0].http",
        "latency_ms must be from 1 ms to the timeout",
    ),
    (
        "tries that no invocation has the time for",
        f"{CHECK}        http: {{timeout_seconds: 60, sample: {{needed: 2, attempts: 20}}}}\n",
        6,
        "services[0].checks[0].http",
        "20 attempts take up to 1238 s",
    ),
    (
        "more redirects than are followed",
        f"{CHECK}        http: {{redirects: 6}}\n",
        6,
        "services[0].checks[0].http.redirects",
        "6",
    ),
    (
        "a false alarm at every other release",
        f"{CHECK}        metrics: {{false_alarm_rate: 0.5}}\n",
        6,
        "services[0].checks[0].metrics.false_alarm_rate",
        "0.5",
    ),
    (
        "a tolerance in per cent",
        f"{CHECK}        metrics: {{tolerated_increase: 5}}\n",
        6,
        "services[0].checks[0].metrics.tolerated_increase",
        "5",
    ),
    (
        "a percentile that CloudWatch has not",
        f"{CHECK}        metrics: {{quantiles: [{{percentile: 75}}]}}\n",
        6,
        "services[0].checks[0].metrics.quantiles[0].percentile",
        "75",
    ),
    (
        "a doubt that means neither",
        f"{SERVICE}    release: {{on_doubt: continue}}\n",
        4,
        "services[0].release.on_doubt",
        "continue",
    ),
    (
        "a question that outlasts the hook",
        f"{SERVICE}    release: {{approval_minutes: 2000}}\n",
        4,
        "services[0].release.approval_minutes",
        "2000",
    ),
    (
        "no time to settle",
        f"{SERVICE}    release: {{settle_minutes: 0}}\n",
        4,
        "services[0].release.settle_minutes",
        "0",
    ),
    (
        "a network that is not private",
        f"{SERVICE}    release: {{allowed_networks: [10.0.0.0/8, 169.254.0.0/16]}}\n",
        4,
        "services[0].release.allowed_networks[1]",
        "no private network",
    ),
    (
        "a network with a host in it",
        f"{SERVICE}    release: {{allowed_networks: [10.1.2.3/8]}}\n",
        4,
        "services[0].release.allowed_networks[0]",
        "host bits",
    ),
    (
        "two checks of one name",
        f"{CHECK}        http: {{}}\n      - name: home\n        task: {{}}\n",
        7,
        "services[0].checks[1].name",
        "earlier",
    ),
    # jobs
    ("no name", f"version: 1\njobs:\n  - schedule: rate(1 day)\n    task: {TASK}\n", 3, "jobs[0].name", "missing"),
    ("a name with capitals", JOB.replace("nightly", "Nightly"), 3, "jobs[0].name", "Nightly"),
    ("a name that is too long", JOB.replace("nightly", "n" * 33), 3, "jobs[0].name", "at most 32"),
    ("five fields", JOB.replace("? *)", "?)"), 4, "jobs[0].schedule", "six"),
    ("cron of the machine", JOB.replace("cron(0 3 * * ? *)", "0 3 * * *"), 4, "jobs[0].schedule", "rate"),
    ("two days", JOB.replace("? *)", "MON *)"), 4, "jobs[0].schedule", "exactly one"),
    ("a minute too many", JOB.replace("cron(0", "cron(60"), 4, "jobs[0].schedule", "60"),
    ("an hour too many", JOB.replace("0 3", "0 24"), 4, "jobs[0].schedule", "24"),
    ("a range that runs backwards", JOB.replace("0 3", "0 9-5"), 4, "jobs[0].schedule", "backwards"),
    ("a day that never comes", JOB.replace("* * ?", "31 2 ?"), 4, "jobs[0].schedule", "never comes"),
    ("a rate of nothing", JOB.replace("cron(0 3 * * ? *)", "rate(0 minutes)"), 4, "jobs[0].schedule", "at least 1"),
    ("a plural of one", JOB.replace("cron(0 3 * * ? *)", "rate(1 days)"), 4, "jobs[0].schedule", "singular"),
    ("a rate in seconds", JOB.replace("cron(0 3 * * ? *)", "rate(30 seconds)"), 4, "jobs[0].schedule", "seconds"),
    ("no such instant", JOB.replace("cron(0 3 * * ? *)", "at(2026-02-30T10:00:00)"), 4, "jobs[0].schedule", "no such"),
    (
        "an instant with zone",
        JOB.replace("cron(0 3 * * ? *)", "at(2026-03-02T10:00:00Z)"),
        4,
        "jobs[0].schedule",
        "at(",
    ),
    ("a zone that is none", f"{JOB}    time_zone: Europe/Bonn\n", 6, "jobs[0].time_zone", "Europe/Bonn"),
    ("an offset", f"{JOB}    time_zone: +02:00\n", 6, "jobs[0].time_zone", "+02:00"),
    ("no task", "version: 1\njobs:\n  - name: x\n    schedule: rate(1 day)\n", 3, "jobs[0].task", "missing"),
    ("no cluster", JOB.replace("cluster: c, ", ""), 5, "jobs[0].task.cluster", "missing"),
    ("an ARN of a cluster", JOB.replace("cluster: c", "cluster: 'arn:aws:ecs:x'"), 5, "jobs[0].task.cluster", "no ARN"),
    ("a revision of nothing", JOB.replace("n: t", "n: 't:0'"), 5, "jobs[0].task.task_definition", "t:0"),
    ("an unknown overlap", f"{JOB}    overlap: queue\n", 6, "jobs[0].overlap", "allow, skip, replace"),
    ("a command in one string", JOB.replace("n: t", "n: t, command: 'a b'"), 5, "jobs[0].task.command", "a b"),
    (
        "an environment as a list",
        JOB.replace("n: t", "n: t, environment: [A=1]"),
        5,
        "jobs[0].task.environment",
        "a list",
    ),
    (
        "a variable that is none",
        JOB.replace("n: t", "n: t, environment: {A-B: x}"),
        5,
        "jobs[0].task.environment.A-B",
        "A-B",
    ),
    (
        "a value that is a number",
        JOB.replace("n: t", "n: t, environment: {A: 1}"),
        5,
        "jobs[0].task.environment.A",
        "1",
    ),
    ("Fargate without network", JOB.replace("n: t", "n: t, launch_type: FARGATE"), 5, "jobs[0].task", "network"),
    (
        "two ways to capacity",
        JOB.replace("n: t", "n: t, launch_type: EC2, capacity_providers: [spot]"),
        5,
        "jobs[0].task.launch_type",
        "one of both",
    ),
    (
        "no subnets",
        JOB.replace("n: t", "n: t, network: {subnets: []}"),
        5,
        "jobs[0].task.network.subnets",
        "a list",
    ),
    (
        "a subnet that is none",
        JOB.replace("n: t", "n: t, network: {subnets: [vpc-12345678]}"),
        5,
        "jobs[0].task.network.subnets[0]",
        "vpc-12345678",
    ),
    (
        "overrides that ECS refuses",
        JOB.replace("n: t", f"n: t, command: ['{'x' * 4000}', '{'y' * 1000}']"),
        5,
        "jobs[0].task.command",
        "8192",
    ),
    ("no end of tries", f"{JOB}    retries: {{attempts: 11}}\n", 6, "jobs[0].retries.attempts", "11"),
    (
        "an exit code beyond all",
        f"{JOB}    retries: {{exit_codes: [256]}}\n",
        6,
        "jobs[0].retries.exit_codes[0]",
        "256",
    ),
    ("a success to be retried", f"{JOB}    retries: {{exit_codes: [0]}}\n", 6, "jobs[0].retries.exit_codes[0]", "0"),
    ("no time", f"{JOB}    timeout_minutes: 0\n", 6, "jobs[0].timeout_minutes", "0"),
    (
        "a deadline before the start",
        f"{JOB}    deadline_minutes: 10\n",
        6,
        "jobs[0].deadline_minutes",
        "15 minutes late",
    ),
    (
        "two jobs of one name",
        JOB + JOB.partition("jobs:\n")[2],
        6,
        "jobs[1].name",
        "jobs[0]",
    ),
    # uploads
    (
        "a job and an upload of one name",
        JOB + UPLOAD.partition("version: 1\n")[2].replace("prices", "nightly"),
        7,
        "uploads[0].name",
        "jobs[0]",
    ),
    ("a bucket with s3://", UPLOAD.replace("shop-inbox", "s3://shop-inbox"), 4, "uploads[0].bucket", "s3://"),
    ("a prefix with a slash in front", f"{UPLOAD}    prefix: /in/\n", 6, "uploads[0].prefix", "/in/"),
    ("a folder marker", f"{UPLOAD}    suffix: /\n", 6, "uploads[0].suffix", "slash"),
    ("an expression that is none", f"{UPLOAD}    allowed_key: 'in/(['\n", 6, "uploads[0].allowed_key", "regular"),
    ("an expression without end", f"{UPLOAD}    allowed_key: '(a+)+b'\n", 6, "uploads[0].allowed_key", "repeat"),
    ("a repeated choice", f"{UPLOAD}    allowed_key: '(a|aa)*b'\n", 6, "uploads[0].allowed_key", "repeat"),
    ("too many repeats", f"{UPLOAD}    allowed_key: '.*.*.*.*.*b'\n", 6, "uploads[0].allowed_key", "more than 4"),
    ("a back-reference", f"{UPLOAD}    allowed_key: '(a)\\1'\n", 6, "uploads[0].allowed_key", "back-references"),
    ("look-ahead", f"{UPLOAD}    allowed_key: '(?=a)a'\n", 6, "uploads[0].allowed_key", "(?:"),
    ("a long expression", f"{UPLOAD}    allowed_key: {'a' * 257}\n", 6, "uploads[0].allowed_key", "256"),
    ("no concurrency", f"{UPLOAD}    concurrency: 0\n", 6, "uploads[0].concurrency", "0"),
    ("an unknown place", f"{UPLOAD}    key_place: stdin\n", 6, "uploads[0].key_place", "environment, argument"),
    (
        "a key without a command",
        UPLOAD.replace(", command: [load]", "") + "    key_place: argument\n",
        6,
        "uploads[0].key_place",
        "command",
    ),
    (
        "a variable twice",
        UPLOAD.replace("[load]", "[load], environment: {OBJECT_KEY: x}"),
        5,
        "uploads[0].task.environment.OBJECT_KEY",
        "itself",
    ),
    (
        "an output that is the whole input",
        f"{UPLOAD}    prefix: in/new/\n    output_prefixes: [in/]\n",
        7,
        "uploads[0].output_prefixes[0]",
        "every key",
    ),
    (
        "routes that overlap",
        f"{UPLOAD}    prefix: in/\n{ROUTE.replace('prices', 'all')}    prefix: in/csv/\n",
        10,
        "uploads[1].prefix",
        "uploads[0]",
    ),
    (
        "a rate of a million years",
        JOB.replace("cron(0 3 * * ? *)", "rate(999999999 days)"),
        4,
        "jobs[0].schedule",
        "hundred",
    ),
    (
        "a day at the end of time",
        JOB.replace("cron(0 3 * * ? *)", "at(9999-12-31T23:59:59)"),
        4,
        "jobs[0].schedule",
        "2199",
    ),
    (
        "a day before there were clocks",
        JOB.replace("cron(0 3 * * ? *)", "at(0001-01-01T00:00:00)"),
        4,
        "jobs[0].schedule",
        "1970",
    ),
    # quiet hours
    (
        "quiet for ever",
        f'{SERVICE}    quiet_hours: [{{begins: "22:00", ends: "22:00"}}]\n',
        4,
        "services[0].quiet_hours[0].ends",
        "all day",
    ),
    (
        "quiet hours without an end",
        f'{SERVICE}    quiet_hours: [{{begins: "22:00"}}]\n',
        4,
        "services[0].quiet_hours[0].ends",
        "missing",
    ),
    (
        "a quiet hour of one digit",
        f'{SERVICE}    quiet_hours: [{{begins: "22:00", ends: "7:00"}}]\n',
        4,
        "services[0].quiet_hours[0].ends",
        "7:00",
    ),
    (
        "quiet hours on Mars",
        'version: 1\ndefaults:\n  quiet_hours:\n    - {begins: "22:00", ends: "07:00", time_zone: Mars/Olympus}\n',
        4,
        "defaults.quiet_hours[0].time_zone",
        "Mars",
    ),
    # what nobody reads yet
    ("an audit", "version: 1\naudit: {required_tags: [team]}\n", 2, "audit", "unknown key"),
    ("an objective", f"{SERVICE}    slos: []\n", 4, "services[0].slos", "unknown key"),
    (
        "a prefix and a suffix that no rule takes",
        f"{UPLOAD}    prefix: {'é' * 256}\n    suffix: {'é' * 256}\n",
        6,
        "uploads[0].prefix",
        "2048",
    ),
    # scaling
    ("a factor of one", "version: 1\nscaling:\n  surge: {maximum_factor: 1}\n", 3, "scaling.surge.maximum_factor", "1"),
    ("a window that holds nothing", WINDOW, 4, "scaling.windows[0]", "holds"),
    ("a time that is none", WINDOW.replace("20:00", "25:00"), 6, "scaling.windows[0].opens", "25:00"),
    ("a day that is none", f"{WINDOW}      days: [mon]\n", 8, "scaling.windows[0].days[0]", "mon"),
    (
        "a count and bounds",
        f"{WINDOW}      desired: 0\n      minimum: 1\n",
        8,
        "scaling.windows[0].desired",
        "the count or the bounds",
    ),
    (
        "bounds the wrong way round",
        f"{WINDOW}      minimum: 5\n      maximum: 2\n",
        8,
        "scaling.windows[0].minimum",
        "above",
    ),
    (
        "two windows of one name",
        f"{WINDOW}      desired: 0\n{A_WINDOW}      desired: 1\n",
        9,
        "scaling.windows[1].name",
        "earlier",
    ),
    (
        "a cluster with a slash",
        "version: 1\nscaling:\n  headroom:\n    - match: a/b\n",
        4,
        "scaling.headroom[0].match",
        "a/b",
    ),
]
