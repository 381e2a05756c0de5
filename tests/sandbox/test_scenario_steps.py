"""What each kind of step of a scenario does to the account, shown by what is so afterwards."""

import sys

import pytest

from cli.simulation import StepError, simulate
from tests.sandbox.scenario_files import BALANCED, SMALL, scenario

EC2 = """
title: small
warm_up: 5m
settle: 8m
account:
  clusters: {prod: {instances: [{count: 2, cpu: 512, memory: 2048}]}}
images:
  web:1: {kind: healthy}
task_definitions:
  web: {network_mode: bridge, containers: {app: {image: "web:1"}}}
services:
  web: {task: web, desired: 2, launch_type: EC2}
"""
JOBS = """
title: small
warm_up: 5m
settle: 5m
images:
  web:1: {kind: healthy}
  job:1: {kind: exits_zero, after: 1h}
task_definitions:
  web: {revision: 17, containers: {app: {image: "web:1"}}}
  job: {containers: {app: {image: "job:1"}}}
services:
  web: {task: web, desired: 2}
"""


@pytest.mark.parametrize(
    ("base", "more"),
    [
        pytest.param(
            SMALL,
            """
            timeline:
              - deploy: {service: web, force: true, desired: 1}
              - at: 5m
                scale: {service: web, desired: 3}
              - at: 6m
                run_task: {task: web, count: 2, started_by: somebody, command: [echo]}
              - at: 8m
                maintenance: {service: web}
              - at: 9m
                infrastructure_failure: {service: web}
              - at: 12m
                stop_task: {service: web, count: 5, reason: because}
              - at: 15m
                alarm: {name: errors, state: ALARM}
            expect:
              - service: {name: web, status: ACTIVE, desired: 3, running: 3, revision: 1}
              - deployments: {service: web, statuses: [PENDING, SUCCESSFUL]}
              - events: {pattern: {detail: {startedBy: [somebody], lastStatus: [RUNNING]}}, exactly: 2}
              - events: {pattern: {detail: {lastStatus: [STOPPED], stoppedReason: [because]}}, exactly: 3}
              - events: {pattern: {detail: {lastStatus: [STOPPED], stopCode: [InfrastructureHealth]}}, exactly: 1}
              - no_other_incident: {}
              - notices: {exactly: 0}
              - downtime: {service: web, at_least: 20s, at_most: 3m}
            """,
            id="what people and AWS do every day",
        ),
        pytest.param(
            SMALL,
            """
            timeline:
              - crash: {service: web, exit_code: 9}
              - at: 4m
                behave: {image: "web:1", behaviour: {kind: exits_zero, after: 10s}}
              - at: 4m
                stop_task: {service: web}
              - at: 8m
                secret_outage: {secrets: [db]}
              - at: 9m
                put_event: {file: task_stopped_out_of_memory, changes: {detail: {group: "service:cart"}}}
            expect:
              - events: {pattern: {detail: {lastStatus: [STOPPED], containers: {exitCode: [9]}}}, exactly: 1}
              - incident: {subject: prod/web, cause: app_error, failures: {exactly: 1}}
              - events: {pattern: {detail: {lastStatus: [STOPPED], containers: {exitCode: [0]}}}, at_least: 2}
              - incident: {cause: secrets, severity: high, status: open}
              - incident: {subject: shop/cart, category: task_failed, cause: oom}
            """,
            id="what goes wrong",
        ),
        pytest.param(
            SMALL + "parameters: {Mode: 'off'}",
            """
            timeline: [{crash: {service: web, count: 2}}]
            expect:
              - events: {pattern: {detail: {lastStatus: [STOPPED]}}, exactly: 2}
              - no_other_incident: {}
              - notices: {exactly: 0}
              - journal: {exactly: 0}
            """,
            id="a stack with other parameters",
        ),
        pytest.param(
            JOBS,
            """
            timeline:
              - run_task: {task: job, capacity_provider: FARGATE_SPOT, command: [go], environment: {KEY: value}}
              - at: 2m
                spot_interruption: {task: job}
              - put_event: {file: task_stopped_nonzero_exit, account: "999988887777"}
                at: 3m
              - at: 4m
                crash: {service: web, exit_code: 9, reason: out of ideas, logs: [one, "user=a password=hunter2hunter2"]}
            expect:
              - events: {pattern: {detail: {stopCode: [SpotInterruption], lastStatus: [STOPPED]}}, exactly: 1}
              - events: {pattern: {detail: {overrides: {containerOverrides: {command: [go]}}}}}
              - events: {pattern: {account: ["999988887777"]}, exactly: 1}
              - incident: {subject: prod/job, category: interrupted, cause: spot_interruption}
              - incident: {subject: prod/web, cause: app_error}
              - events: {pattern: {detail: {containers: {reason: [out of ideas]}}}}
              - events: {pattern: {detail: {taskDefinitionArn: [{suffix: "task-definition/web:17"}]}}}
              - journal: {automation: task_alerts, decision: incident opened, subject: prod/web, exactly: 1}
              - journal: {automation: task_alerts, decision: incident, outcome: done, exactly: 2}
              - journal: {automation: rollback_guard, exactly: 0}
              - no_other_incident: {}
            """,
            id="jobs, other accounts, reasons, logs, the journal",
        ),
        pytest.param(
            SMALL,
            """
            timeline:
              - put_event: {file: task_stopped_nonzero_exit}
              - delete_service: {service: web}
            faults: {drop: 1.0}
            expect:
              - no_other_incident: {}
              - events: {pattern: {source: [aws.ecs]}, exactly: 0}
              - service: {name: web, status: INACTIVE, running: 0}
            """,
            id="a bus that loses everything, and a service that is deleted",
        ),
        pytest.param(
            EC2,
            """
            timeline:
              - drain: {instance: 1}
              - at: 4m
                drain: {instance: 1, undo: true}
              - at: 5m
                add_instances: {count: 2, spot: true}
              - at: 6m
                scale: {service: web, desired: 8}
              - at: 9m
                instance_health: {instance: 2, status: IMPAIRED}
              - at: 10m
                scale: {service: web, desired: 5}
              - at: 11m
                spot_instance: {instance: 4}
            expect:
              - service: {name: web, running: 5}
              - events: {pattern: {detail: {status: [DRAINING]}}}
              - events: {pattern: {detail-type: [EC2 Spot Instance Interruption Warning]}, exactly: 1}
              - incident: {category: instance_impaired}
              - downtime: {service: web, at_most: 0s}
            """,
            id="instances",
        ),
        pytest.param(
            BALANCED,
            """
            timeline:
              - set_weights: {load_balancer: front, rule: http, weights: {a: 90, b: 10}}
              - upload: {bucket: inbox, key: "a b+c.csv", content: "1,2"}
              - break_health: {service: web}
              - at: 8m
                dependency_outage: {services: [web], shows: health, lasts: 2m}
            expect:
              - weights: {load_balancer: front, rule: http, weights: {a: 90, b: 10}}
              - weights: {load_balancer: front, rule: "http/x/?.html", weights: {b: 1}}
              - incident: {cause: health_check_elb, failures: {at_least: 2}}
              - service: {name: web, running: 1}
              - events:
                  pattern:
                    source: [aws.s3]
                    detail: {bucket: {name: [inbox]}, object: {key: ["a b+c.csv"], size: [3]}}
                  exactly: 1
            """,
            id="behind a load balancer",
        ),
    ],
)
def test_steps_do_what_they_say(base: str, more: str) -> None:
    simulation = simulate(scenario(more, base))
    assert [f"{each.name}: found {each.found}" for each in simulation.verdicts if not each.ok] == []


def test_a_policy_is_in_force_and_one_that_is_refused_is_an_incident() -> None:
    simulation = simulate(
        scenario(
            """
            policy: {version: 1, defaults: {alerts: {enabled: false}}}
            timeline: [{crash: {service: web}}]
            expect: [{no_other_incident: {}}]
            """
        )
    )
    assert [each.found for each in simulation.verdicts if not each.ok] == []
    wrong = simulate(scenario("policy: {version: 1, jbos: []}\nexpect: [{incident: {category: policy_rejected}}]"))
    assert [each.found for each in wrong.verdicts if not each.ok] == []


def test_what_the_scaler_refuses_is_a_mistake_of_the_scenario() -> None:
    with pytest.raises(StepError, match=r"timeline\[0\]\.end_surge: the scaler says: .*prod/web has no surge"):
        simulate(scenario("timeline: [{end_surge: {service: web}}]\nexpect: [{notices: {}}]"))


TAKING_TURNS = """
title: turns
warm_up: 1m
settle: 10m
account:
  tables: {numbers: name}
images:
  job:1:
    kind: in_turn
    turns: [{kind: image_missing}, {kind: crash_on_start, exit_code: 9}, {kind: exits_zero, after: 1s}]
task_definitions:
  job: {containers: {app: {image: "job:1"}}}
policy:
  version: 1
  jobs:
    - {name: never, schedule: "cron(0 0 1 1 ? 2030)", task: {cluster: prod, task_definition: job, launch_type: FARGATE}}
"""


def test_an_image_does_one_thing_after_another_and_what_is_not_there_is_said_not_to_be_there() -> None:
    simulation = simulate(
        scenario(
            """
            timeline:
              - run_task: {task: job}
              - {at: 1m, run_task: {task: job}}
              - {at: 2m, run_task: {task: job, count: 2}}
            expect:
              - events: {pattern: {detail: {lastStatus: [STOPPED], stopCode: [TaskFailedToStart]}}, exactly: 1}
              - events: {pattern: {detail: {lastStatus: [STOPPED], containers: {exitCode: [9]}}}, exactly: 1}
              - events: {pattern: {detail: {lastStatus: [STOPPED], containers: {exitCode: [0]}}}, exactly: 2}
              - run: {name: never}
              - row: {table: numbers, item: {name: one}}
              - surges: {at_least: 1}
            """,
            TAKING_TURNS,
        )
    )
    assert [(each.name, each.found) for each in simulation.verdicts if not each.ok] == [
        ("runs of never: at least 1", "0"),
        ("rows of numbers with name one: at least 1", "0"),
        ("surges that last: at least 1", "0"),
    ]


def test_a_real_process_is_run_and_its_exit_code_is_the_containers() -> None:
    python = sys.executable
    simulation = simulate(
        scenario(
            f"""
            title: batch
            warm_up: 1m
            settle: 10m
            images:
              job:1: {{kind: real_process, command: ["{python}", "-c", "raise SystemExit(3)"], takes: 2m}}
            task_definitions:
              job: {{containers: {{app: {{image: "job:1"}}}}}}
            timeline: [{{run_task: {{task: job}}}}]
            expect:
              - events: {{pattern: {{detail: {{lastStatus: [STOPPED], containers: {{exitCode: [3]}}}}}}, exactly: 1}}
              - incident: {{category: task_failed, cause: app_error}}
            """,
            "",
        )
    )
    assert [each.found for each in simulation.verdicts if not each.ok] == []
