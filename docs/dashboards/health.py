"""The dashboard of the exporter itself: which polls fail, how AWS responds, and what it costs."""

from docs.dashboards import model, queries, shared
from docs.dashboards.colors import BAD, OK_OR_FAILED, PLAIN, QUIET, STATE, WARN, Json, by_name, override, steps, values
from docs.dashboards.model import JOB
from docs.dashboards.panels import Column, Query, count_column, duration_column, stat, table, timeseries

_HOUR = 3600.0
_A_FAULT = 'reason!="subscription_required"'
_CPU = f"rate(process_cpu_seconds_total{{{JOB}}}[$__rate_interval])"
_DELAY = "median delay"


def health() -> Json:
    """Return the dashboard."""
    rendering = (
        "Duration of rendering the page, which happens on each change and at least every 15 s; a scrape only fetches it."
    )
    descriptors = "Open file descriptors, including connections, as a share of the limit."
    render, memory, cpu, files = (
        timeseries(title, description, Query(expr, "{{instance}}"), unit=unit)
        for title, description, expr, unit in (
            ("Render time", rendering, f"aws_support_exporter_render_duration_seconds{{{JOB}}}", "s"),
            ("Memory", "Resident memory of each exporter.", f"process_resident_memory_bytes{{{JOB}}}", "bytes"),
            ("CPU", "CPU usage of each exporter, as a share of one core.", _CPU, "percentunit"),
            ("Open files", descriptors, f"process_open_fds{{{JOB}}} / process_max_fds{{{JOB}}}", "percentunit"),
        )
    )
    return model.dashboard(
        "aws-support-exporter-health",
        "AWS Support / Exporter health",
        "Whether polls of accounts succeed, how fresh the data is, how AWS responds, and what the exporter costs.",
        model.variables(several=True, cases=False),
        [
            ("", [(4, _now())]),
            ("Accounts", [(8, [(12, _states()), (12, _failures_over_time())]), (9, [(12, _failing()), (12, _oldest_poll())])]),
            ("Requests to AWS", [(8, [(8, _requests()), (8, _errors()), (8, _latency())])]),
            ("Events", [(7, [(4, _queue()), (20, _events())])]),
            (
                "The exporter",
                [
                    (8, [(8, _poll_duration()), (8, render), (8, memory)]),
                    (8, [(12, _instances()), (6, cpu), (6, files)]),
                ],
            ),
        ],
        since="now-24h",
        refresh="1m",
    )


def _state(matcher: str = "") -> str:
    """Return accounts by state. Pods of a rollout may disagree: of a shard, the oldest configuration decides."""
    exporter = "cluster, namespace, job, instance"  # of two clusters, instances may be called the same
    since = f"aws_support_exporter_config_last_reload_success_timestamp_seconds{{{JOB}}}"
    of_shards = f"{since} * on ({exporter}) group_left (ordinal) aws_support_exporter_shard{{{JOB}}} or on ({exporter}) {since}"
    first = f"bottomk by (cluster, namespace, job, ordinal) (1, {of_shards})"
    return f"sum by (state) (aws_support_accounts{{{JOB}{matcher}}} and on ({exporter}) {first})"


def _now() -> list[tuple[int, Json]]:
    requests = f"sum(increase(aws_support_api_requests_total{{{JOB}}}[1h]))"
    throttled = f'sum(increase(aws_support_api_errors_total{{{JOB}, reason="throttled"}}[1h]))'
    without_plan = f"max by (account_id) (aws_support_account_supported{{{queries.ACCOUNT}}} == 0)"
    last_success = f"aws_support_account_last_success_timestamp_seconds{{{queries.ACCOUNT}}}"
    panels = [
        stat(
            "Exporters up",
            "Share of the exporters whose last scrape succeeded.",
            Query(f"avg(up{{{JOB}}})"),
            unit="percentunit",
            thresholds=steps((1, STATE["ok"]), base=BAD),
        ),
        *(
            stat(title, description, Query(_state(f', state="{state}"')), thresholds=thresholds)
            for state, title, description, thresholds in (
                ("ok", "Accounts ok", "Accounts whose last poll succeeded.", steps()),
                (
                    "failing",
                    "Accounts failing",
                    "Accounts whose last poll failed. Cases of their last successful poll are still shown.",
                    steps((1, STATE["failing"])),
                ),
                (
                    "stale",
                    "Stale",
                    "Accounts whose last successful poll is too old for its cases to be shown.",
                    steps((1, STATE["stale"])),
                ),
                (
                    "unsupported",
                    "Without a plan",
                    "Accounts whose support plan does not include the Support API. That is not a failure.",
                    steps(base=QUIET),
                ),
            )
        ),
        stat(
            "Oldest poll",
            "Longest time since the last successful poll of an account with a support plan. Yellow from half an hour, red from "
            "an hour.",
            Query(f"max(time() - max by (account_id) ({last_success}) unless on (account_id) {without_plan})"),
            unit="s",
            decimals=1,
            thresholds=steps((_HOUR / 2, WARN), (_HOUR, BAD)),
        ),
        stat(
            "Throttled",
            "Share of the requests of the past hour that AWS throttled, including retries. Another client may use the quota "
            "of an account.",
            Query(f"({throttled} or 0 * {requests}) / ({requests} > 0) or 0 * {requests}"),
            unit="percentunit",
            decimals=1,
            thresholds=steps((0.05, WARN), (0.25, BAD)),
        ),
        stat(
            "Organizations",
            "Whether the last listing of each organization's accounts succeeded.",
            Query(f"min(max by (organization) (aws_support_organization_up{{{JOB}}}))"),
            thresholds=steps(base=QUIET),
            mappings=[OK_OR_FAILED],
            no_value="none",
        ),
    ]
    return [(3, panel) for panel in panels]


def _states() -> Json:
    return timeseries(
        "Accounts by state",
        "Accounts by state. Failing: the last poll failed. Stale: the last successful poll is too old for its cases to be "
        "shown. Unsupported: the support plan does not include the Support API. The account variable does not apply.",
        Query(_state(), "{{state}}"),
        overrides=by_name(STATE),
        stacked=True,
        decimals=0,
    )


def _failures_over_time() -> Json:
    errors = queries.total("aws_support_account_poll_errors_total", queries.ACCOUNT, _A_FAULT, by="reason", window="1h")
    return timeseries(
        "Failed polls per hour, by reason",
        "Failed polls in the past hour. Accounts without a support plan do not count.",
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
        "Accounts with the most failures",
        "Failed polls in the time range, by account and reason: the fifteen greatest, and whether the account is failing now. "
        "The exporter's status page says what to do about each reason. Accounts without a support plan do not count.",
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


def _oldest_poll() -> Json:
    kept = "account_id, account_name"
    last = f"max by ({kept}) (aws_support_account_last_success_timestamp_seconds{{{queries.ACCOUNT}}})"
    ago = f"topk(15, time() - {last})"
    up = f"max by ({kept}) (aws_support_account_up{{{queries.ACCOUNT}}})"
    look = {"mappings": [OK_OR_FAILED], "custom__cellOptions": {"type": "color-text"}}
    return table(
        "Accounts with the oldest poll",
        "The fifteen accounts whose last successful poll is longest ago. "
        "An account without one is only in the table of failures.",
        Query(ago),
        Query(f"{up} and on (account_id) {ago}"),
        columns=[
            Column("account_name", "Account", None, {"links": shared.account_links("data.fields.account_id")}),
            duration_column("Value #A", "Last success", (_HOUR / 2, WARN), (_HOUR, BAD), width=120),
            Column("Value #B", "Last poll", 100, look),
            Column("account_id", "Account id", 130),
        ],
        sort_by="Value #A",
    )


def _requests() -> Json:
    return timeseries(
        "Requests by operation",
        "Requests sent to AWS per second, including retries.",
        Query(f"sum by (operation) (rate(aws_support_api_requests_total{{{JOB}}}[$__rate_interval]))", "{{operation}}"),
        unit="reqps",
    )


def _errors() -> Json:
    errors = f"sum by (reason) (rate(aws_support_api_errors_total{{{JOB}}}[$__rate_interval]))"
    return timeseries(
        "Failed requests by reason",
        "Failed requests to AWS per second, including retries. Throttled requests are retried at a lower rate.",
        Query(f"{errors} or on () {_no_failure('reason')}", "{{reason}}"),
        unit="reqps",
    )


def _latency() -> Json:
    metric, shares = "aws_support_api_request_duration_seconds", {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    return timeseries(
        "Request duration",
        "Time until AWS's response is read: median, 90th and 99th percentile over all operations except ReceiveMessage, "
        "which waits for events.",
        *(
            Query(f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket{{{JOB}}}[$__rate_interval])))", legend)
            for legend, share in shares.items()
        ),
        unit="s",
        overrides=by_name({"p50": "#8AB8FF", "p90": "#5794F2", "p99": "#1F60C4"}),
    )


def _queue() -> Json:
    return stat(
        "Event queue",
        "Whether the last request of every exporter to its event queue succeeded.",
        Query(f"min(aws_support_event_queue_up{{{JOB}}})"),
        thresholds=steps(base=QUIET),
        mappings=[OK_OR_FAILED],
        no_value="none",
    )


def _events() -> Json:
    return timeseries(
        "Events per day",
        "Events received and messages ignored in the past 24 hours; on the right, the median time from an event to the page "
        f"that shows its poll, for {queries.FEWEST} events or more.",
        Query(f"sum(increase(aws_support_events_received_total{{{JOB}}}[1d]))", "received"),
        Query(f"sum(increase(aws_support_events_ignored_total{{{JOB}}}[1d]))", "ignored"),
        Query(queries.median("aws_support_event_delay_seconds", "", "1d", JOB), _DELAY),
        overrides=[
            *by_name({"received": STATE["ok"], "ignored": WARN, _DELAY: PLAIN}),
            override(_DELAY, unit="s", decimals=1, custom__axisPlacement="right"),
        ],
        decimals=0,
        no_value="No event queue is configured",
    )


def _poll_duration() -> Json:
    durations = f"max by (account_id) (aws_support_account_poll_duration_seconds{{{queries.ACCOUNT}}})"
    return timeseries(
        "Poll duration",
        "Duration of the last poll of each account: median, 90th percentile and slowest.",
        Query(f"quantile(0.5, {durations})", "p50"),
        Query(f"quantile(0.9, {durations})", "p90"),
        Query(f"max({durations})", "slowest"),
        unit="s",
        overrides=by_name({"p50": "#8AB8FF", "p90": "#5794F2", "slowest": "#1F60C4"}),
    )


def _instances() -> Json:
    status = {"title": "Open its status page", "url": "http://${__data.fields.instance}/", "targetBlank": True}
    by, made = "instance", f"aws_support_exporter_page_timestamp_seconds{{{JOB}}}"
    return table(
        "Exporters",
        "Each exporter: its version, uptime, number of accounts, whether the last configuration reload succeeded, the age of "
        "its page at the last scrape, and its shard. A click opens its status page, if your browser can reach it.",
        Query(f"max by (instance, version, pythonversion) (aws_support_exporter_build_info{{{JOB}}})"),
        Query(f"time() - max by ({by}) (process_start_time_seconds{{{JOB}}})"),
        Query(f"sum by ({by}) (aws_support_accounts{{{JOB}}})"),
        Query(f"max by ({by}) (aws_support_exporter_config_last_reload_successful{{{JOB}}})"),
        Query(f"max by ({by}) (clamp_min(timestamp({made}) - {made}, 0))"),
        Query(f"max by ({by}, ordinal, total) (aws_support_exporter_shard{{{JOB}}})"),
        columns=[
            Column("instance", "Exporter", None, {"links": [status]}),
            Column("version", "Version", 90),
            Column("pythonversion", "Python", 90),
            duration_column("Value #B", "Uptime", width=90),
            count_column("Value #C", "Accounts", 90),
            Column("Value #D", "Config", 80, {"mappings": [OK_OR_FAILED], "custom__cellOptions": {"type": "color-text"}}),
            duration_column("Value #E", "Page age", (60, WARN), (300, BAD), width=90),
            Column("ordinal", "Shard", 70),
            Column("total", "of", 50),
        ],
        hide=["Value #A", "Value #F"],
    )
