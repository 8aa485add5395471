"""The dashboard of the exporter itself: which accounts it can read, what AWS answers, and what it takes."""

from docs.dashboards import model, queries, shared
from docs.dashboards.colors import BAD, QUIET, STATE, WARN, Json, by_name, steps, values
from docs.dashboards.model import JOB
from docs.dashboards.panels import Column, Query, count_column, duration_column, stat, table, timeseries

_HOUR = 3600.0
_A_FAULT = 'reason!="subscription_required"'
_INSTANCE = "{{instance}}"


def health() -> Json:
    """Return the dashboard."""
    return model.dashboard(
        "aws-support-exporter-health",
        "AWS Support / Exporter health",
        "Whether the exporter can read its accounts, how fresh what it shows is, what AWS answers, and what it costs.",
        [model.datasource(), model.job(), model.organization(), model.account(several=True)],
        [
            ("", [(4, _now())]),
            ("Accounts", [(8, [(12, _states()), (12, _failures_over_time())]), (9, [(12, _failing()), (12, _longest_ago())])]),
            ("Calls to AWS", [(8, [(8, _requests()), (8, _errors()), (8, _latency())])]),
            (
                "The exporter",
                [
                    (8, [(8, _poll_duration()), (8, _render()), (8, _memory())]),
                    (8, [(12, _instances()), (6, _processor()), (6, _descriptors())]),
                ],
            ),
        ],
        since="now-24h",
        refresh="1m",
    )


def _state(matcher: str = "") -> str:
    """Return accounts by state: of exporters with the same share the one that says most, then the sum over shares."""
    accounts = f"aws_support_accounts{{{JOB}{matcher}}}"
    shared = f"{accounts} * on (job, instance) group_left (ordinal) aws_support_exporter_shard{{{JOB}}}"
    return f"sum by (state) (max by (state, ordinal) ({shared} or on (job, instance) {accounts}))"


def _now() -> list[tuple[int, Json]]:
    last_success = f"aws_support_account_last_success_timestamp_seconds{{{queries.ACCOUNT}}}"
    panels = [
        stat(
            "Exporters up",
            "Exporters that Prometheus could scrape, of those that it knows.",
            Query(f"avg(up{{{JOB}}})"),
            unit="percentunit",
            thresholds=steps((1, STATE["ok"]), base=BAD),
        ),
        *(
            stat(title, description, Query(_state(f', state="{state}"')), thresholds=thresholds)
            for state, title, description, thresholds in (
                ("ok", "Accounts read", "Accounts whose last poll succeeded.", steps()),
                (
                    "failing",
                    "Failing",
                    "Accounts whose last poll failed; their last good cases, if any, are still shown.",
                    steps((1, STATE["failing"])),
                ),
                ("stale", "Stale", "Accounts whose last good cases are too old to be shown.", steps((1, STATE["stale"]))),
                (
                    "unsupported",
                    "Without a plan",
                    "Accounts whose support plan has no Support API. That is no fault.",
                    steps(base=QUIET),
                ),
            )
        ),
        stat(
            "Oldest reading",
            "How long ago the account was read that has not been for longest; accounts without a plan do not count. Yellow "
            "from half an hour, red from an hour.",
            Query(f"max(time() - max by (account_id) ({last_success}) unless on (account_id) {_without_plan()})"),
            unit="s",
            decimals=1,
            thresholds=steps((_HOUR / 2, WARN), (_HOUR, BAD)),
        ),
        stat(
            "Throttled",
            "Share of the calls in the hour before that AWS throttled, retries included. Something else may use up the quota "
            "of an account.",
            Query(_share_throttled()),
            unit="percentunit",
            decimals=1,
            thresholds=steps((0.05, WARN), (0.25, BAD)),
        ),
        stat(
            "Organizations",
            "Whether the accounts of all organizations could be listed the last time.",
            Query(f"min(max by (organization) (aws_support_organization_up{{{JOB}}}))", instant=True),
            thresholds=steps(base=QUIET),
            mappings=[values({"1": ("listed", STATE["ok"]), "0": ("failing", STATE["stale"])})],
            no_value="none",
            graph=False,
        ),
    ]
    return [(3, panel) for panel in panels]


def _without_plan() -> str:
    return f"max by (account_id) (aws_support_account_supported{{{queries.ACCOUNT}}} == 0)"


def _share_throttled() -> str:
    requests = f"sum(increase(aws_support_api_requests_total{{{JOB}}}[1h]))"
    throttled = f'sum(increase(aws_support_api_errors_total{{{JOB}, reason="throttled"}}[1h]))'
    return f"({throttled} or 0 * {requests}) / ({requests} > 0) or 0 * {requests}"


def _states() -> Json:
    return timeseries(
        "Accounts by state",
        "Each account is in one state. Failing: its last poll failed. Stale: its last good cases are too old to be shown. "
        "Unsupported: its plan has no Support API. The choice of accounts does not apply.",
        Query(_state(), "{{state}}"),
        overrides=by_name(STATE),
        stacked=True,
        decimals=0,
    )


def _failures_over_time() -> Json:
    errors = queries.total("aws_support_account_poll_errors_total", queries.ACCOUNT, _A_FAULT, by="reason", window="1h")
    return timeseries(
        "Failed polls by reason, in an hour",
        "Polls that failed in the hour before each moment. That an account has no plan is no fault.",
        Query(f"{errors} or on () {_no_failure('reason')}", "{{reason}}"),
        decimals=0,
    )


def _no_failure(label: str) -> str:
    return f'label_replace(0 * sum(aws_support_accounts{{{JOB}}}), "{label}", "none", "", "")'


def _failing() -> Json:
    errors = "aws_support_account_poll_errors_total"
    polls = queries.total(errors, queries.ACCOUNT, _A_FAULT, by="reason", window="$__range", name=True)
    now = f"aws_support_account_failure_info{{{queries.ACCOUNT}, {_A_FAULT}}}"
    failing = values({"1": ("failing", STATE["failing"])})
    return table(
        "Accounts with most failures",
        "Polls that failed in the time range, by account and reason: the fifteen greatest; and which fail now. "
        "What to do about each reason is on the exporter's own page. That an account has no plan is no fault.",
        Query(f"topk(15, {polls} > 0.5) or on () {_no_failure('account_name')}"),
        Query(f"topk(15, max by (account_id, account_name, reason) ({now}))"),
        columns=[
            Column("account_name", "Account", None, {"links": shared.account_links("data.fields.account_id")}),
            Column("reason", "Reason", 165),
            count_column("Value #A", "Failed polls", 110),
            Column("Value #B", "Now", 80, {"mappings": [failing], "custom__cellOptions": {"type": "color-text"}}),
            Column("account_id", "Account id", 130),
        ],
        sort_by="Value #A",
    )


def _longest_ago() -> Json:
    kept = "account_id, account_name"
    last = f"max by ({kept}) (aws_support_account_last_success_timestamp_seconds{{{queries.ACCOUNT}}})"
    ago = f"topk(15, time() - {last})"
    up = f"max by ({kept}) (aws_support_account_up{{{queries.ACCOUNT}}})"
    look = {
        "mappings": [values({"1": ("ok", STATE["ok"]), "0": ("failed", STATE["failing"])})],
        "custom__cellOptions": {"type": "color-text"},
    }
    return table(
        "Accounts read longest ago",
        "The fifteen accounts whose last successful poll is longest ago. One that was never read is only in the table of "
        "failures.",
        Query(ago),
        Query(f"{up} and on (account_id) {ago}"),
        columns=[
            Column("account_name", "Account", None, {"links": shared.account_links("data.fields.account_id")}),
            duration_column("Value #A", "Read ago", (_HOUR / 2, WARN), (_HOUR, BAD), width=120),
            Column("Value #B", "Last poll", 100, look),
            Column("account_id", "Account id", 130),
        ],
        sort_by="Value #A",
    )


def _requests() -> Json:
    return timeseries(
        "Requests by operation",
        "Requests sent to AWS, retries included.",
        Query(f"sum by (operation) (rate(aws_support_api_requests_total{{{JOB}}}[$__rate_interval]))", "{{operation}}"),
        unit="reqps",
    )


def _errors() -> Json:
    errors = f"sum by (reason) (rate(aws_support_api_errors_total{{{JOB}}}[$__rate_interval]))"
    return timeseries(
        "Requests that failed, by reason",
        "Requests to AWS that failed, each retry counted. Throttled ones are tried again, at a slower pace.",
        Query(f"{errors} or on () {_no_failure('reason')}", "{{reason}}"),
        unit="reqps",
    )


def _latency() -> Json:
    metric = "aws_support_api_request_duration_seconds"
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    return timeseries(
        "How long requests took",
        "Time until AWS's answer was read: median, 90th and 99th percentile of all operations.",
        *(
            Query(f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket{{{JOB}}}[$__rate_interval])))", legend)
            for legend, share in shares.items()
        ),
        unit="s",
        overrides=by_name({"p50": "#8AB8FF", "p90": "#5794F2", "p99": "#1F60C4"}),
    )


def _poll_duration() -> Json:
    durations = f"max by (account_id) (aws_support_account_poll_duration_seconds{{{queries.ACCOUNT}}})"
    return timeseries(
        "How long polls took",
        "The last poll of each account: the median account, the 90th percentile, and the slowest.",
        Query(f"quantile(0.5, {durations})", "p50"),
        Query(f"quantile(0.9, {durations})", "p90"),
        Query(f"max({durations})", "slowest"),
        unit="s",
        overrides=by_name({"p50": "#8AB8FF", "p90": "#5794F2", "slowest": "#1F60C4"}),
    )


def _render() -> Json:
    return timeseries(
        "How long a page took to make",
        "The page is made when something changed, at the least every 15 s; a scrape only fetches it.",
        Query(f"aws_support_exporter_render_duration_seconds{{{JOB}}}", _INSTANCE),
        unit="s",
    )


def _memory() -> Json:
    return timeseries(
        "Memory",
        "Resident memory of each exporter. Compare with the limit of its container.",
        Query(f"process_resident_memory_bytes{{{JOB}}}", _INSTANCE),
        unit="bytes",
    )


def _instances() -> Json:
    loaded = values({"1": ("loaded", STATE["ok"]), "0": ("refused", STATE["stale"])})
    by, made = "instance", f"aws_support_exporter_page_timestamp_seconds{{{JOB}}}"
    return table(
        "Exporters",
        "Each exporter: its version, for how long it has run, how many accounts it reads, whether its configuration could be "
        "loaded the last time, how old its page was when it was scraped, and which share of the accounts is its own where they "
        "are shared.",
        Query(f"max by (instance, version, pythonversion) (aws_support_exporter_build_info{{{JOB}}})"),
        Query(f"time() - max by ({by}) (process_start_time_seconds{{{JOB}}})"),
        Query(f"sum by ({by}) (aws_support_accounts{{{JOB}}})"),
        Query(f"max by ({by}) (aws_support_exporter_config_last_reload_successful{{{JOB}}})"),
        Query(f"max by ({by}) (clamp_min(timestamp({made}) - {made}, 0))"),
        Query(f"max by ({by}, ordinal, total) (aws_support_exporter_shard{{{JOB}}})"),
        columns=[
            Column("instance", "Exporter"),
            Column("version", "Version", 90),
            Column("pythonversion", "Python", 90),
            duration_column("Value #B", "Up for", width=90),
            count_column("Value #C", "Accounts", 90),
            Column("Value #D", "Config", 80, {"mappings": [loaded], "custom__cellOptions": {"type": "color-text"}}),
            duration_column("Value #E", "Page age", (60, WARN), (300, BAD), width=90),
            Column("ordinal", "Shard", 70),
            Column("total", "of", 50),
        ],
        hide=["Value #A", "Value #F"],
    )


def _processor() -> Json:
    return timeseries(
        "Processor",
        "Share of one core that each exporter uses.",
        Query(f"rate(process_cpu_seconds_total{{{JOB}}}[$__rate_interval])", _INSTANCE),
        unit="percentunit",
    )


def _descriptors() -> Json:
    return timeseries(
        "Open files",
        "File descriptors, connections included, as a share of what each exporter may have.",
        Query(f"process_open_fds{{{JOB}}} / process_max_fds{{{JOB}}}", _INSTANCE),
        unit="percentunit",
        thresholds=steps((0.8, WARN), (0.95, BAD)),
    )
