"""Which endpoints regions lead to, and that the user's own come first."""

import pytest

from exporter.aws.endpoints import Endpoint, Endpoints
from tests.aws.conftest import SetEnv

HOMES = {
    "aws": ("ap-southeast-2", "us-east-1", "amazonaws.com"),
    "aws-cn": ("cn-northwest-1", "cn-north-1", "amazonaws.com.cn"),
    "aws-us-gov": ("us-gov-east-1", "us-gov-west-1", "amazonaws.com"),
    "aws-iso": ("us-iso-west-1", "us-iso-east-1", "c2s.ic.gov"),
    "aws-iso-b": ("us-isob-east-1", "us-isob-east-1", "sc2s.sgov.gov"),
    "aws-iso-e": ("eu-isoe-west-1", "eu-isoe-west-1", "cloud.adc-e.uk"),
    "aws-iso-f": ("us-isof-south-1", "us-isof-south-1", "csp.hci.ic.gov"),
    "aws-eusc": ("eusc-de-east-1", "eusc-de-east-1", "amazonaws.eu"),
}
OWN = "http://127.0.0.1:4566"


@pytest.fixture(scope="module")
def endpoints() -> Endpoints:
    """Return what resolves regions for a user without settings of AWS."""
    return Endpoints()


def test_each_partition_that_botocore_knows_has_a_home_that_its_regions_lead_to(endpoints: Endpoints) -> None:
    assert set(endpoints.session.get_available_partitions()) == set(HOMES)
    for partition, (region, home, domain) in HOMES.items():
        assert endpoints.partition_of(region) == partition
        assert endpoints.support([region, home]) == (Endpoint(home, f"https://support.{home}.{domain}"),)


def test_the_commercial_partition_has_three_endpoints_and_every_region_leads_to_one_of_them(endpoints: Endpoints) -> None:
    regions = endpoints.session.get_available_regions("sts")
    assert len(regions) > 25
    assert endpoints.support(["us-west-2", "eu-west-1", *regions]) == tuple(
        Endpoint(region, f"https://support.{region}.amazonaws.com") for region in ("us-west-2", "eu-west-1", "us-east-1")
    )


@pytest.mark.parametrize("region", ["us-esat-1", "", "US-EAST-1", "us-east-1a", "aws-global"])
def test_unknown_regions_are_refused(region: str, endpoints: Endpoints) -> None:
    with pytest.raises(ValueError, match=f"^{region} is not an AWS region$"):
        endpoints.partition_of(region)


def test_sts_is_asked_in_the_region_itself_and_organizations_at_home(endpoints: Endpoints) -> None:
    sts, home = endpoints.resolve("sts", "cn-northwest-1"), endpoints.resolve("organizations", "us-gov-east-1")
    assert sts == Endpoint("cn-northwest-1", "https://sts.cn-northwest-1.amazonaws.com.cn")
    assert home == Endpoint("us-gov-west-1", "https://organizations.us-gov-west-1.amazonaws.com")


GENERAL, ONLY_SUPPORT, IN_FILE = "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SUPPORT", "endpoint_url of the AWS configuration file"
OF_SUPPORT = "[default]\nservices = ours\n[services ours]\nsupport =\n  endpoint_url = {}\n"
GATEWAY = "https://support-fips.corp.example"


@pytest.mark.parametrize(
    ("variables", "url", "setting"),
    [
        ({GENERAL: OWN}, OWN, GENERAL),
        ({GENERAL: "http://127.0.0.1:1", ONLY_SUPPORT: OWN}, OWN, ONLY_SUPPORT),
        ({GENERAL: f"{OWN}/proxy/aws/"}, f"{OWN}/proxy/aws/", GENERAL),
        ({GENERAL: OWN, "AWS_USE_FIPS_ENDPOINT": "true"}, OWN, GENERAL),
        ({"AWS_CONFIG_FILE": f"[default]\nendpoint_url = {OWN}\n"}, OWN, IN_FILE),
        ({"AWS_CONFIG_FILE": OF_SUPPORT.format(GATEWAY)}, GATEWAY, IN_FILE),
        ({"AWS_ENDPOINT_URL_STS": OWN}, None, ""),
        ({GENERAL: OWN, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, None, ""),
    ],
)
def test_the_users_own_url_is_used_for_fail_over_too(
    variables: dict[str, str], url: str | None, setting: str, env: SetEnv
) -> None:
    for name, value in variables.items():
        env(name, value)
    endpoints = Endpoints()
    found = endpoints.support(["us-east-1", "eu-west-1", "ap-southeast-2"])
    assert [(each.region, each.url, each.setting) for each in found] == [
        (region, url or f"https://support.{region}.amazonaws.com", setting) for region in ("us-east-1", "eu-west-1")
    ]
    assert not endpoints.notes


FIPS, DUAL_STACK = "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"


@pytest.mark.parametrize(
    ("variables", "region", "sts", "support"),
    [
        ([], "us-east-1", "sts.us-east-1.amazonaws.com", ""),
        ([FIPS], "us-east-1", "sts-fips.us-east-1.amazonaws.com", FIPS),
        ([FIPS], "us-gov-west-1", "sts.us-gov-west-1.amazonaws.com", ""),
        ([DUAL_STACK], "us-east-1", "sts.us-east-1.api.aws", DUAL_STACK),
        ([FIPS, DUAL_STACK], "us-east-1", "sts-fips.us-east-1.api.aws", f"{FIPS} and {DUAL_STACK}"),
    ],
)
def test_fips_and_dual_stack_are_the_users_choice(
    variables: list[str], region: str, sts: str, support: str, env: SetEnv
) -> None:
    for name in variables:
        env(name, "true")
    endpoints = Endpoints()
    assert endpoints.resolve("sts", region).url == f"https://{sts}"
    for service in ("organizations", "sqs"):
        assert endpoints.resolve(service, region).url == f"https://{sts.replace('sts', service)}"
    assert not endpoints.notes
    assert endpoints.resolve("support", region).url == f"https://support.{region}.amazonaws.com"
    assert [*endpoints.notes] == [f"{support} has no effect for Support, which has no such endpoint"] * bool(support)
