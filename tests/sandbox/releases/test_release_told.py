"""Who hears how a release ended: people, once, whoever started it and whatever is killed on the way."""

import json
from datetime import timedelta
from typing import Any

import pytest

from breakwater.approvals import Approvals
from breakwater.model import Mode
from breakwater.policies import ReleasePolicy
from breakwater.store import Table
from sandbox.errors import TimedOutError
from sandbox.states.machines import Execution
from tests.sandbox.release_stage import MINUTE, Shop, Street


def mails(shop: Shop) -> list[tuple[str, str]]:
    """The e-mails about a shop's releases: the subject without its name, and the body as one line."""
    shop.account.advance(2 * MINUTE)
    name = f"prod/{shop.name}: "
    found = [(str(mail.subject), mail.body) for mail in shop.account.messages]
    return [(one.replace(name, ""), " ".join(body.split())) for one, body in found if name in one and "release" in one]


def killed_once_after(street: Street, monkeypatch: pytest.MonkeyPatch, *operations: str) -> list[str]:
    """Kill the last step of a release right after each of these calls, the first time it is made; which it was."""
    gate, deaths = street.account._gate, list[str]()
    answer = gate._answer

    def dying(client: Any, service: str, operation: str, params: Any) -> Any:
        got = answer(client, service, operation, params)
        function = street.account.account.functions.current
        closing = function is not None and function.logical_id == "ReleaseCloseFunction"
        if closing and operation in operations and operation not in deaths:
            deaths.append(operation)
            raise TimedOutError
        return got

    monkeypatch.setattr(gate, "_answer", dying)
    return deaths


def incidents(shop: Shop) -> dict[str, dict[str, Any]]:
    """The incidents of a shop that releases made, by cause and revision."""
    found = [json.loads(item["doc"])["incident"] for item in shop.items("INCIDENT#")]
    ours = [one for one in found if one["subject"]["name"] == shop.name and "release" in one["cause"]]
    return {f"{one['cause']} {one['subject']['revision'].rpartition(':')[2]}": one for one in ours}


def test_a_release_that_passes_is_told_once_with_its_report_and_ends_what_an_earlier_one_left_open(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(street)
    shop.site(2, 500)
    assert shop.release().error == "Returned"
    shop.register()
    execution = shop.start(revision=3, requested_by="pipeline/7")
    deaths = killed_once_after(street, monkeypatch, "PutObject", "TransactWriteItems", "PublishBatch")
    assert shop.over(execution).result["error"] == "Released"

    assert deaths == ["PutObject", "TransactWriteItems", "PublishBatch"]
    told = mails(shop)
    assert [subject for subject, _ in told] == [
        f"[MEDIUM] a release was returned ({shop.name}:2)",
        f"[RESOLVED] a release was returned ({shop.name}:2)",
        f"[DONE] released and verified ({shop.name}:3)",
    ]
    words = told[-1][1]
    assert f"{shop.name}:3 in place of {shop.name}:1: BLUE_GREEN" in words
    assert "asked for by pipeline/7. Checks: smoke passed. Verified:" in words
    [place] = [word for word in words.split() if word.startswith("s3://")]
    bucket, _, key = place.removeprefix("s3://").partition("/")
    page = street.account.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    assert f"{shop.name}:3: Released" in page
    assert {name: one["status"] for name, one in incidents(shop).items()} == {
        "release_returned 2": "resolved",
        "released 3": "resolved",
    }


def test_a_deployment_of_somebody_else_that_passes_is_told_too(street: Street) -> None:
    shop = Shop(street)
    shop.update(taskDefinition=shop.register())
    shop.until(lambda: street.account.executions[-1].name.startswith("attend-"))
    assert shop.over(street.account.executions[-1]).result["error"] == "Released"
    [(subject, words)] = mails(shop)
    assert subject == f"[DONE] released and verified ({shop.name}:2)"
    assert "somebody else started and that was attended" in words


def in_doubt(street: Street) -> tuple[Shop, Execution]:
    """A release whose checker is in trouble, up to the moment when a person is to be asked."""
    shop = Shop(street, policy=ReleasePolicy(mode=Mode.ACT, approval_minutes=50))
    street.account.sites.resolving = False
    shop.register()
    return shop, shop.start()


def test_a_question_is_told_although_who_kept_it_died_and_stays_open_until_it_is_answered(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, execution = in_doubt(street)
    answer = street.account._gate._answer

    def dying(client: Any, service: str, operation: str, params: Any) -> Any:
        """Die as soon as the question is kept, before anybody has heard of it."""
        got = answer(client, service, operation, params)
        if operation == "UpdateItem" and '"question":{"at"' in str(params) and not died:
            died.append(operation)
            raise TimedOutError
        return got

    died: list[str] = []
    monkeypatch.setattr(street.account._gate, "_answer", dying)
    shop.until(lambda: died)
    street.account.advance(timedelta(minutes=40))  # longer than the quiet time of incidents
    street.account.sites.resolving = True
    [(subject, words)] = mails(shop)
    assert subject == f"[HIGH] a release asks whether to go on ({shop.name}:2)"
    deployment = shop.deployment["serviceDeploymentArn"]
    assert f"`breakwater release approve {deployment} --stack breakwater`" in words
    table = Table(lambda: street.account.client("dynamodb"), street.account.resource("Table").physical_id)
    Approvals(table).give(deployment, "approved", "ann", street.account.now)
    shop.over(execution)
    (answered, how), (done, _) = mails(shop)[1:]
    assert answered.startswith("[RESOLVED] a release asks")
    assert "UTC: approved by ann although inconclusive." in how
    assert done.startswith("[DONE]")
