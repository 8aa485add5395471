from collections.abc import Callable

import pytest

from exporter.cases.model import Access, Account, Member
from exporter.cases.policy import Policy
from exporter.cases.targets import DEFAULT
from exporter.config.schema import Config
from exporter.config.settings import ResolvedAccount, Settings, parse
from exporter.errors import ConfigError
from tests.config.conftest import partition_of

Parse = Callable[[str], Settings]

ROLE = "arn:aws:iam::111122223333:role/R"


def test_file_of_nothing_equals_the_defaults(parse_config: Parse) -> None:
    assert parse_config("{}") == Settings(Config())


def test_empty_lists_equal_the_defaults(parse_config: Parse) -> None:
    assert parse_config("accounts: []\norganizations: []\n") == Settings(Config())


@pytest.mark.parametrize(
    ("aws", "entry", "access"),
    [
        ("{}", "", Access()),
        ("{role_name: N}", "use_own_credentials: true", Access()),
        ("{role_name: N}", "profile: p", Access(profile="p")),
        ("{role_name: N, external_id: ee}", f"role_arn: {ROLE}", Access((ROLE,))),
        ("{}", f"role_arn: {ROLE}, external_id: xx", Access((ROLE,), "xx")),
        (
            "{}",
            f"role_chain: [arn:aws:iam::999988887777:role/H, {ROLE}], external_id: xx",
            Access(("arn:aws:iam::999988887777:role/H", ROLE), "xx"),
        ),
        ("{role_name: R}", "", Access((ROLE,))),
        ("{role_name: monitoring/R}", "", Access((ROLE.replace("role/", "role/monitoring/"),))),
        ("{role_name: R, external_id: ee}", "", Access((ROLE,), "ee")),
        ("{role_name: R, external_id: ee}", "external_id: xx", Access((ROLE,), "xx")),
        ("{role_name: R}", "use_own_credentials: false", Access((ROLE,))),
    ],
)
def test_credentials_come_as_the_entry_says_and_else_by_the_role_name(
    aws: str, entry: str, access: Access, parse_config: Parse
) -> None:
    settings = parse_config(f'aws: {aws}\naccounts: [{{id: "111122223333", {entry}}}]\n')
    assert settings.accounts[0].access == access


def test_role_name_is_looked_for_in_the_partition_of_the_regions(parse_config: Parse) -> None:
    (account,) = parse_config('aws: {regions: [cn-north-1], role_name: R}\naccounts: [{id: "111122223333"}]').accounts
    assert account.access == Access(("arn:aws-cn:iam::111122223333:role/R",))


def test_account_is_filled_in(parse_config: Parse) -> None:
    (account,) = parse_config(
        'aws: {regions: [us-west-2, us-east-1]}\naccounts: [{id: "111122223333", labels: {b: x, a: "1"}}]'
    ).accounts
    assert account == ResolvedAccount(
        Account("111122223333", "111122223333", "us-west-2", "aws", labels=(("a", "1"), ("b", "x"))),
        ("us-west-2", "us-east-1"),
        Access(),
    )


def test_targets_are_those_of_the_closest_plan_with_the_closest_override_of_each_severity(parse_config: Parse) -> None:
    settings = parse_config("""
aws: {role_name: R, support_plan: business_support_plus}
metrics: {first_response_targets: {low: 1h, odd: 1m}, first_response_exempt_services: ["service-*"]}
accounts:
  - id: "111122223333"
  - {id: "222233334444", support_plan: business}
organizations:
  - {name: acme, support_plan: unified_operations, first_response_targets: {low: null, urgent: 30m}}
""")
    first, second = (each.account.targets for each in settings.accounts)
    member = settings.organizations[0].member(Member("333344445555", "m")).account.targets
    same = {"normal": 43200.0, "high": 14400.0, "odd": 60.0}
    assert dict(first.by_severity) == {**same, "low": 3600.0, "urgent": 3600.0, "critical": 1800.0}
    assert dict(second.by_severity) == {**same, "low": 3600.0, "urgent": 3600.0}
    assert dict(member.by_severity) == {**same, "urgent": 1800.0, "critical": 300.0}
    assert [each.plan for each in (first, second, member)] == ["business_support_plus", "business", "unified_operations"]
    assert (first.of("high", "service-eks"), first.of("high", "amazon-rds")) == (float("inf"), 14400.0)
    assert settings.first_response_targets == {60.0, 300.0, 900.0, 1800.0, 3600.0, 14400.0, 43200.0} - {900.0}
    assert parse_config("{}").own_targets == DEFAULT


@pytest.mark.parametrize(
    ("cases", "shown"),
    [
        ("{}", (None, False)),
        ("{subject: true, limit: 5}", (None, False)),
        ("{enabled: true, limit: 5}", (5, False)),
        ("{enabled: true, subject: true, limit: 0}", (0, True)),
    ],
)
def test_policy_has_series_of_single_cases_only_where_they_are_enabled(
    cases: str, shown: tuple[int | None, bool], parse_config: Parse
) -> None:
    settings = parse_config(f"poll: {{max_staleness: 40m}}\nmetrics: {{cases: {cases}}}")
    assert settings.policy == Policy(2400, *shown)


def test_member_of_an_organization_is_filled_in(parse_config: Parse) -> None:
    (organization,) = parse_config(
        "aws: {role_name: R, external_id: ee}\norganizations: [{name: o, profile: p, labels: {team: core}}]"
    ).organizations
    assert organization.access == Access(profile="p")
    assert organization.member(Member("111122223333", "payments")) == ResolvedAccount(
        Account("111122223333", "payments", "us-east-1", "aws", "o", (("team", "core"),)),
        ("us-east-1",),
        Access((ROLE,), "ee", "p"),
    )


def test_an_entry_goes_before_what_holds_for_all(parse_config: Parse) -> None:
    settings = parse_config("""\
aws: {role_name: R, external_id: ee}
accounts: [{id: "111122223333", name: payments}]
organizations: [{name: o, member_role_name: M, member_external_id: mm, refresh_interval: 5m}, {name: p}]
""")
    own, default = settings.organizations
    assert settings.accounts[0].account.name == "payments"
    assert own.member(Member("111122223333", "")).access == Access(("arn:aws:iam::111122223333:role/M",), "mm")
    assert (own.entry.refresh_interval, default.entry.refresh_interval) == (300, 3600)


@pytest.mark.parametrize(
    ("tag", "label"),
    [("team", "team"), ("cost-center", "cost_center"), ("CostCenter", "cost_center"), ("aws:x/Y 1", "aws_x_y_1"), ("é", "_")],
)
def test_tags_become_labels_as_with_kube_state_metrics(tag: str, label: str, parse_config: Parse) -> None:
    (organization,) = parse_config(f"organizations: [{{name: o, member_role_name: R, tags: ['{tag}', other]}}]").organizations
    found = Member("111122223333", "a", path="Root", tags={tag: "x", "other": None, "third": "y"})
    account = organization.member(found).account
    assert (account.tags, account.organizational_unit) == (((label, "x"),), "Root")


@pytest.mark.parametrize(
    ("selection", "selected"),
    [
        ("", {"a", "b", "c"}),
        ('include: {accounts: ["000000000001"]}', {"a"}),
        ('include: {accounts: ["000000000001"], name_patterns: ["[b-z]"]}', {"a", "b", "c"}),
        ('exclude: {name_patterns: ["?"]}', set()),
        ('include: {name_patterns: ["*"]}, exclude: {accounts: ["000000000002"]}', {"a", "c"}),
    ],
)
def test_organization_selects_by_id_and_name(selection: str, selected: set[str], parse_config: Parse) -> None:
    (organization,) = parse_config(f"organizations: [{{name: o, member_role_name: R, {selection}}}]").organizations
    names = {"a": "000000000001", "b": "000000000002", "c": "000000000003"}
    assert {name for name, account_id in names.items() if organization.selects(Member(account_id, name))} == selected


QUEUE = "https://sqs.eu-west-1.amazonaws.com/999988887777/events"


def test_each_shard_has_a_queue_of_its_own() -> None:
    content = f"events: {{queue_url: '{QUEUE}-{{shard}}', profile: p}}".encode()
    for index in range(3):
        settings = parse(content, source="config.yaml", partition_of=partition_of, shard=index)
        assert settings.queue == (f"{QUEUE}-{index}", "eu-west-1", Access(profile="p"))


def test_several_shards_take_no_queue_in_common() -> None:
    content = f"events: {{queue_url: '{QUEUE}'}}".encode()
    with pytest.raises(ConfigError) as caught:
        parse(content, source="config.yaml", partition_of=partition_of, shard=1)
    (problem,) = caught.value.problems
    assert problem == (
        "config.yaml:1: events.queue_url: is one queue for all shards: "
        "add {shard} to its name, and send each event to every queue"
    )
    assert parse(content, source="config.yaml", partition_of=partition_of).queue


def test_the_region_of_a_queue_that_names_none_is_the_first_of_all() -> None:
    content = b"aws: {regions: [us-west-2, us-east-1]}\nevents: {queue_url: 'http://localhost:4566/000000000000/q'}"
    settings = parse(content, source="config.yaml", partition_of=partition_of)
    assert settings.queue == ("http://localhost:4566/000000000000/q", "us-west-2", Access())
