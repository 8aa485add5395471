"""Expressions parse, and name only what the exporter exports."""

import re
from collections import Counter

from exporter.metrics.catalog import CATALOG, Kind
from tests.support.grafana import Dashboard, View
from tests.support.promql import unknown

VIEW = View({"account": "111122223333", "label": "label_team"}, {"job": ["one", "two"]})
RATES = re.compile(r"\b(?:rate|irate|increase|resets)\((\w+)\{")
HOUR_BEFORE = re.compile(r"idelta\(\(max by \([^)]*\) \((\w+)")
SELECTORS = re.compile(r"\b(\w+)\{")
WINDOWS = re.compile(r"\b(rate|irate|increase)\([^\[]*\[([^\]]+)\]")
QUERY_OF_VARIABLE = re.compile(r"(?:label_values|label_names|query_result)\((.*?)(?:, \$?\w+)?\)$")
OF_ALL_SERVICES = re.compile(r'(?<=aws_support_account_open_cases{)([^}]*), service_code=~"\.\*"')
"""It has no such label, so that it stands for what has one only where all services are chosen."""
COUNTED_BY_THE_PROCESS = {"process_cpu_seconds_total"}


def counts(name: str) -> bool:
    """Return whether a series only ever grows, until its process starts anew."""
    metric = CATALOG.get(name)
    if metric is not None:
        return metric.kind is Kind.COUNTER
    family = CATALOG.get(name.rpartition("_")[0])
    return name in COUNTED_BY_THE_PROCESS or (family is not None and family.kind is Kind.HISTOGRAM)


def test_every_expression_names_only_metrics_and_labels_that_there_are(dashboard: Dashboard) -> None:
    wrong = {
        (target.panel, target.ref_id): names
        for target in dashboard.targets()
        if (names := unknown(OF_ALL_SERVICES.sub(r"\1", dashboard.filled(target.expr, VIEW))))
    }

    assert wrong == {}


def test_every_variable_asks_only_for_metrics_and_labels_that_there_are(dashboard: Dashboard) -> None:
    asking = [variable["query"]["query"] for variable in dashboard.variables.values() if variable["type"] == "query"]
    selectors = [found[1] for query in asking if (found := QUERY_OF_VARIABLE.match(query))]

    assert len(selectors) == len(asking)
    assert [names for selector in selectors if (names := unknown(dashboard.filled(selector, VIEW)))] == []


def test_rates_are_taken_of_counters_and_of_all_of_them(dashboard: Dashboard) -> None:
    """Or each is taken together with what it was an hour before."""
    for target in dashboard.targets():
        rated, compared = Counter(RATES.findall(target.expr)), Counter(HOUR_BEFORE.findall(target.expr))
        counters = Counter(name for name in SELECTORS.findall(target.expr) if counts(name))

        assert rated + compared == counters, target


def test_a_rate_is_taken_over_grafanas_own_interval_and_an_increase_over_a_time_that_is_told(dashboard: Dashboard) -> None:
    windows = {(function, window) for target in dashboard.targets() for function, window in WINDOWS.findall(target.expr)}

    assert {window for function, window in windows if function != "increase"} <= {"$__rate_interval"}
    assert {window for function, window in windows if function == "increase"} <= {"$__range", "1d", "1h"}


def test_lists_are_cut_so_that_a_thousand_accounts_stay_readable(dashboard: Dashboard) -> None:
    """A panel with a series for each account or case takes the greatest few of them."""
    by_account = re.compile(r"^(?:sum|max) by \([^)]*\b(?:account_id|account_name|display_id)\b")
    uncut = [
        target
        for target in dashboard.targets()
        if "account" not in dashboard.model["uid"] and by_account.match(target.expr) and "topk(" not in target.expr
    ]

    assert uncut == []
