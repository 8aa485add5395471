"""What a configuration comes to for each account, member of an organization, and queue."""

import pytest

from exporter.cases.model import Access, Account, Member
from exporter.cases.policy import Policy
from exporter.config.schema import Config
from exporter.config.settings import ResolvedAccount, ResolvedOrganization, Settings
from exporter.errors import ConfigError
from tests.config.parsing import parse_config

ROLE = "arn:aws:iam::111122223333:role/R"
HUB = "arn:aws:iam::999988887777:role/H"


def organization_of(entry: str, aws: str = "{role_name: R}") -> ResolvedOrganization:
    (organization,) = parse_config(f"aws: {aws}\norganizations: [{{name: o, {entry}}}]").organizations
    return organization


@pytest.mark.parametrize("content", ["{}", "accounts: []\norganizations: []\n"])
def test_nothing_equals_the_defaults(content: str) -> None:
    assert parse_config(content) == Settings(Config())


@pytest.mark.parametrize(
    ("aws", "entry", "access"),
    [
        ("{}", "", Access()),
        ("{role_name: N}", "use_own_credentials: true", Access()),
        ("{role_name: N}", "profile: p", Access(profile="p")),
        ("{role_name: N, external_id: ee}", f"role_arn: {ROLE}", Access((ROLE,))),
        ("{}", f"role_arn: {ROLE}, external_id: xx", Access((ROLE,), "xx")),
        ("{}", f"role_chain: [{HUB}, {ROLE}], external_id: xx", Access((HUB, ROLE), "xx")),
        ("{role_name: monitoring/R}", "", Access((ROLE.replace("role/", "role/monitoring/"),))),
        ("{role_name: R, external_id: ee}", "", Access((ROLE,), "ee")),
        ("{role_name: R, external_id: ee}", "external_id: xx", Access((ROLE,), "xx")),
        ("{role_name: R}", "use_own_credentials: false", Access((ROLE,))),
        ("{regions: [cn-north-1], role_name: R}", "", Access((ROLE.replace("aws", "aws-cn"),))),
    ],
)
def test_credentials_come_as_the_entry_says_and_else_by_the_role_name(aws: str, entry: str, access: Access) -> None:
    (account,) = parse_config(f'aws: {aws}\naccounts: [{{id: "111122223333", {entry}}}]\n').accounts
    assert account.access == access


def test_an_account_is_filled_in() -> None:
    first, second = parse_config("""
aws: {regions: [us-west-2, us-east-1], role_name: R}
accounts: [{id: "111122223333", use_own_credentials: true, labels: {b: x, a: "1"}}, {id: "222233334444", name: payments}]
""").accounts
    assert first == ResolvedAccount(
        Account("111122223333", "111122223333", "us-west-2", "aws", labels=(("a", "1"), ("b", "x"))),
        ("us-west-2", "us-east-1"),
        Access(),
    )
    assert second.account.name == "payments"


def test_targets_are_those_of_the_closest_plan_with_the_closest_override_of_each_severity() -> None:
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
    assert settings.first_response_targets == {60.0, 300.0, 1800.0, 3600.0, 14400.0, 43200.0}


@pytest.mark.parametrize(
    ("cases", "limit", "subjects"),
    [
        ("{}", None, False),
        ("{subject: true, limit: 5}", None, False),
        ("{enabled: true, limit: 5}", 5, False),
        ("{enabled: true, subject: true, limit: 0}", 0, True),
    ],
)
def test_a_policy_has_single_cases_only_where_they_are_enabled(*, cases: str, limit: int | None, subjects: bool) -> None:
    settings = parse_config(f"poll: {{max_staleness: 40m}}\nmetrics: {{cases: {cases}}}")
    assert settings.policy == Policy(2400, limit, subjects)


def test_a_member_of_an_organization_is_filled_in() -> None:
    organization = organization_of("profile: p, labels: {team: core}", "{role_name: R, external_id: ee}")
    assert organization.access == Access(profile="p")
    assert organization.member(Member("111122223333", "payments")) == ResolvedAccount(
        Account("111122223333", "payments", "us-east-1", "aws", "o", (("team", "core"),)),
        ("us-east-1",),
        Access((ROLE,), "ee", "p"),
    )
    own = organization_of("member_role_name: M, member_external_id: mm", "{role_name: R, external_id: ee}")
    assert own.member(Member("111122223333", "")).access == Access(("arn:aws:iam::111122223333:role/M",), "mm")


@pytest.mark.parametrize(
    ("tag", "label"),
    [("team", "team"), ("cost-center", "cost_center"), ("CostCenter", "cost_center"), ("aws:x/Y 1", "aws_x_y_1"), ("é", "_")],
)
def test_tags_become_labels_as_with_kube_state_metrics(tag: str, label: str) -> None:
    found = Member("111122223333", "a", path="Root", tags={tag: "x", "other": None, "third": "y"})
    account = organization_of(f"tags: ['{tag}', other]").member(found).account
    assert (account.tags, account.organizational_unit) == (((label, "x"),), "Root")


@pytest.mark.parametrize(
    ("selection", "selected"),
    [
        ("", "abc"),
        ('include: {accounts: ["000000000001"]}', "a"),
        ('include: {accounts: ["000000000001"], name_patterns: ["[b-z]"]}', "abc"),
        ('exclude: {name_patterns: ["?"]}', ""),
        ('include: {name_patterns: ["*"]}, exclude: {accounts: ["000000000002"]}', "ac"),
    ],
)
def test_an_organization_selects_by_id_and_name(selection: str, selected: str) -> None:
    members = [Member(f"{number:012}", name) for number, name in enumerate("abc", start=1)]
    assert "".join(member.name for member in members if organization_of(selection).selects(member)) == selected


QUEUE = "https://sqs.eu-west-1.amazonaws.com/999988887777/events"


def test_each_shard_has_a_queue_of_its_own() -> None:
    for shard in range(3):
        settings = parse_config(f"events: {{queue_url: '{QUEUE}-{{shard}}', profile: p}}", shard=shard)
        assert settings.queue == (f"{QUEUE}-{shard}", "eu-west-1", Access(profile="p"))


def test_several_shards_take_no_queue_in_common() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(f"events: {{queue_url: '{QUEUE}'}}", shard=1)
    assert str(caught.value) == (
        "config.yaml:1: events.queue_url: is one queue for all shards: "
        "add {shard} to its name, and send each event to every queue"
    )
    assert parse_config(f"events: {{queue_url: '{QUEUE}'}}").queue


def test_the_region_of_a_queue_that_names_none_is_the_first_of_all() -> None:
    url = "http://localhost:4566/000000000000/q"
    settings = parse_config(f"aws: {{regions: [us-west-2, us-east-1]}}\nevents: {{queue_url: '{url}'}}")
    assert settings.queue == (url, "us-west-2", Access())
