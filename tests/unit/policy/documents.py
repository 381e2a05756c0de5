"""Good documents, each a few lines from a mistake."""

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
