"""The configuration as running: durations as in a file, defaults filled in, secrets masked, names first."""

from exporter.config.schema import as_yaml
from tests.config.parsing import parse_config

WRITTEN = """\
poll: {interval: 90s}
aws: {role_name: R, external_id: hush}
accounts: [{external_id: hush, role_arn: "arn:aws:iam::111122223333:role/R", name: a, id: "111122223333"}]
organizations: [{member_external_id: hush, name: acme}]
metrics: {first_response_exempt_services: []}
"""
SHOWN = """\
poll:
  interval: 1m30s
  timeout: 1m
  concurrency: 16
  max_staleness: 30m
aws:
  regions:
  - us-east-1
  role_name: R
  external_id: <secret>
  session_name: aws-support-exporter
  session_duration: 1h
  support_plan: enterprise
accounts:
- id: '111122223333'
  name: a
  role_arn: arn:aws:iam::111122223333:role/R
  use_own_credentials: false
  external_id: <secret>
organizations:
- name: acme
  use_own_credentials: false
  member_external_id: <secret>
  refresh_interval: 1h
  tags_refresh_interval: 1d
metrics:
  first_response_exempt_services: []
  cases:
    enabled: false
    subject: false
    limit: 1000
"""


def test_the_configuration_is_shown_as_it_runs() -> None:
    assert as_yaml(parse_config(WRITTEN).config) == SHOWN
