"""With prometheusRule.ownerLabels, alerts about an account say whose it is; without an owner, they fire all the same."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.rules.rendered import complaints, rendered
from tests.rules.situations import EACH_ALERT, OVERDUE, A, in_search, replica, series
from tests.rules.test_alerts import TEXTS, run, run_alone
from tests.rules.test_namespaces import scraped
from tests.support.prometheus import Promtool

OWNER_LABELS = ["label_team", "organizational_unit"]
TEAM, UNIT = 'label_team="shop"', 'organizational_unit="Root/Prod"'
SHOP, PROD = {"label_team": "shop"}, {"organizational_unit": "Root/Prod"}
OF_NO_ACCOUNT = {"AwsSupportSevereCasesRise", "AwsSupportMostAccountsUnread", "AwsSupportAccountsReadTwice"}
GONE = "AwsSupportAccountGone"
"""It has the labels of the account that is gone, whatever the chart is told."""


def info(*labels: str) -> str:
    return series("account_info", A, 'plan="enterprise"', *labels)


def always(*names: str) -> Callable[[int], dict[str, str]]:
    return lambda _: dict.fromkeys(names, "1x1500")


def restarted(minute: int) -> dict[str, str]:
    """Return the series of an exporter that has been restarted four minutes ago, and has not read the tags yet."""
    before = max(minute - 4, 0)
    return {info(TEAM, UNIT): f"1x{before} stale", replica(info(UNIT)): f"_x{before} 1x1500"}


OF_PER_ACCOUNT = [
    each for each in EACH_ALERT if each.alert not in {*OF_NO_ACCOUNT, GONE} and "account_id" in "".join(each.series)
]
"""Situations of the alerts about an account."""


@pytest.mark.parametrize(
    ("infos", "owner"),
    [
        pytest.param(always(info(TEAM, UNIT)), SHOP | PROD, id="one exporter", marks=pytest.mark.slow),
        pytest.param(always(info(TEAM, UNIT), replica(info(TEAM, UNIT))), SHOP | PROD, id="two replicas"),
        pytest.param(always(replica(info(UNIT)), info(TEAM, UNIT)), SHOP | PROD, id="a replica that has not read the tags yet"),
        pytest.param(restarted, SHOP | PROD, id="a restart"),
        pytest.param(
            always(info(TEAM, UNIT, 'prometheus="a"'), info(TEAM, UNIT, 'prometheus="b"')),
            SHOP | PROD,
            id="federation",
            marks=pytest.mark.slow,
        ),
        pytest.param(always(info(TEAM)), SHOP, id="no organization", marks=pytest.mark.slow),
        pytest.param(always(info(UNIT), in_search(info(TEAM))), PROD, id="no team"),
        pytest.param(always(info()), {}, id="neither", marks=pytest.mark.slow),
        pytest.param(always(), {}, id="no information about the account"),
    ],
)
def test_an_alert_about_an_account_fires_once_and_says_whose_it_is(
    promtool: Promtool,
    tmp_path: Path,
    infos: Callable[[int], dict[str, str]],
    owner: Mapping[str, str],
) -> None:
    named_owner = "".join(
        f"{name}: {owner[label]}. "
        for label, name in (("label_team", "Team"), ("organizational_unit", "Organizational unit"))
        if label in owner
    )
    texts = {
        key: {
            "labels": text["labels"] | owner,
            "annotations": text["annotations"] | {"description": named_owner + text["annotations"]["description"]},
        }
        for key, text in yaml.safe_load(TEXTS.read_text()).items()
    }
    situations = [replace(each, series={**each.series, **infos(each.minute)}, ends=False) for each in OF_PER_ACCOUNT]

    assert run(promtool, rendered(ownerLabels=OWNER_LABELS), situations, texts, tmp_path) == ""


def test_an_account_that_is_gone_has_the_owner_that_it_had(promtool: Promtool, tmp_path: Path) -> None:
    text = yaml.safe_load(TEXTS.read_text())[GONE]
    text["annotations"]["description"] = f"Team: shop. Organizational unit: Root/Prod. {text['annotations']['description']}"
    situations = [each for each in EACH_ALERT if each.alert == GONE]

    assert run(promtool, rendered(ownerLabels=OWNER_LABELS), situations, {GONE: text}, tmp_path) == ""


def test_replicas_that_disagree_raise_one_alert_that_never_changes(promtool: Promtool, tmp_path: Path) -> None:
    infos = always(info(TEAM), replica(info('label_team="warehouse"')))
    tests = [
        (
            each.alert,
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": values} for name, values in {**each.series, **infos(each.minute)}.items()
                ],
                "promql_expr_test": [
                    {"expr": expr, "eval_time": f"{each.minute}m", "exp_samples": [{"value": 1}]}
                    for expr in (
                        'count(ALERTS{alertstate="firing"})',
                        "count(group by (label_team) (last_over_time(ALERTS[2h])))",
                    )
                ],
            },
        )
        for each in OF_PER_ACCOUNT
        if each.fires
    ]

    assert run_alone(promtool, rendered(ownerLabels=OWNER_LABELS), tests, tmp_path) == ""


def test_each_clusters_alerts_have_its_own_owner(promtool: Promtool, tmp_path: Path) -> None:
    """An account that the exporters of two clusters poll, each with labels of its own; a third has none."""
    alerts = rendered(ownerLabels=OWNER_LABELS, clusterLabel="cluster")
    (alert,) = (each for each in alerts if each["alert"] == "AwsSupportFirstResponseOverdue")
    teams = {"a": 'label_team="shop"', "b": 'label_team="warehouse"', "c": ""}
    names = {cluster: scraped(OVERDUE, cluster) for cluster in teams}
    infos = [scraped(info(team), cluster) for cluster, team in teams.items() if team]
    expected = [name.replace("}", f",{teams[cluster]}}}").partition("{")[2] for cluster, name in names.items()]
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": "2x9"} for name in names.values()]
        + [{"series": name, "values": "1x9"} for name in infos],
        "promql_expr_test": [
            {
                "expr": alert["expr"],
                "eval_time": "5m",
                "exp_samples": [{"labels": f"{{{labels}", "value": 2} for labels in expected],
            }
        ],
    }

    assert complaints(promtool, [alert], [test], tmp_path) == ""


def test_accounts_with_and_without_a_team_fire_side_by_side(promtool: Promtool, tmp_path: Path) -> None:
    (alert,) = (each for each in rendered(ownerLabels=OWNER_LABELS) if each["alert"] == "AwsSupportFirstResponseOverdue")
    owned, without = (OVERDUE, OVERDUE.replace("critical", "urgent")), in_search(OVERDUE)
    expected = [*(name.replace("}", f",{TEAM}}}") for name in owned), without]
    input_series = [{"series": name, "values": "2x9"} for name in (*owned, without)] + [{"series": info(TEAM), "values": "1x9"}]
    samples = [{"labels": name.removeprefix("aws_support_first_response_overdue_cases"), "value": 2} for name in expected]
    found = {"expr": alert["expr"], "eval_time": "5m", "exp_samples": samples}
    test = {"interval": "1m", "input_series": input_series, "promql_expr_test": [found]}

    assert complaints(promtool, [alert], [test], tmp_path) == ""


def test_alerts_about_no_account_stay_as_they_are() -> None:
    before = {alert["alert"]: alert for alert in rendered()}
    after = {alert["alert"]: alert for alert in rendered(ownerLabels=OWNER_LABELS)}

    assert {name for name in after if after[name] != before[name]} == {GONE, *(each.alert for each in OF_PER_ACCOUNT)}
