"""A failure of botocore's credential chain is one sentence that names the setting, and passes without a person."""

from pathlib import Path

import pytest
from botocore.utils import ContainerMetadataFetcher

from exporter.aws.endpoints import Endpoints
from exporter.aws.errors import refused
from exporter.cases.advice import KINDS
from exporter.cases.model import Access, Reason
from exporter.errors import ConfigError
from tests.aws.conftest import ROLE, Sent, SetEnv, Wire, failure_of
from tests.support.fetch import free_port

TOKEN, AGENT = "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"
AGENT_TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"  # noqa: S105 - a variable's name
NO_FILE = "cannot be read: No such file or directory"
MFA = "mfa_serial: nobody is there to type a second factor: use credentials without"
FAILS = "credential_process: it fails, or prints something else than credentials"
NO_JSON = "the answer is not JSON with credentials"
NOT_RUN = "cannot be run: No such file or directory"
NO_SOURCE = 'The source_profile "nobody" referenced in the profile "dev" does not exist.'
NONE = "no credentials found: set AWS_* variables, a profile, or a role of the pod or instance"
PROCESS = "credential_process ="
SSO = "sso_account_id = 111122223333\nsso_role_name = x\nsso_region = us-east-1\nsso_start_url = https://x.awsapps.com/start"
OTHER_PROFILES = f"""
[profile hub]
role_arn = {ROLE}
source_profile = base
mfa_serial = HUSH
[profile base]
aws_access_key_id = AKIAHUSH
aws_secret_access_key = HUSH
"""
DEV, DEFAULT = "the profile dev", "the default credential chain"

IN_PROFILE = [
    ("", NONE),
    (f"{PROCESS} /bin/echo HUSH", f"credential_process: {NO_JSON}"),
    (f"{PROCESS} /bin/printf '\\377'", f"credential_process: {NO_JSON}"),
    (f'{PROCESS} /bin/echo \'{{"Version": 1, "AccessKeyId": "HUSH"}}\'', FAILS),
    (f"{PROCESS} /bin/sh -c 'echo HUSH >&2; exit 3'", FAILS),
    (f"{PROCESS} /bin/echo [1]", "credential_process: no credentials: AttributeError"),
    (f"{PROCESS} /nonexistent/it --key HUSH", f"credential_process names /nonexistent/it, which {NOT_RUN}"),
    (f"web_identity_token_file = /none\nrole_arn = {ROLE}", f"web_identity_token_file names /none, which {NO_FILE}"),
    (f"role_arn = {ROLE}\nsource_profile = base\nmfa_serial = HUSH", MFA),
    (f"role_arn = {ROLE}\nsource_profile = hub", MFA),
    (f"role_arn = {ROLE}\nsource_profile = nobody", NO_SOURCE),
    ("aws_access_key_id = HUSH", "Partial credentials found in config-file, missing: aws_secret_access_key"),
    (SSO, "sso_start_url: not logged in: run aws sso login, or aws login"),
]
IN_ENVIRONMENT = [
    ({"AWS_ROLE_ARN": ROLE, TOKEN: "/nonexistent/t"}, f"{TOKEN} names /nonexistent/t, which {NO_FILE}"),
    ({AGENT: "{agent}", AGENT_TOKEN: "/none"}, f"{AGENT_TOKEN} names /none, which {NO_FILE}"),
    ({AGENT: "{agent}", AGENT_TOKEN: "{dir}/a"}, f"{AGENT}: {AGENT_TOKEN} names {{dir}}/a, which contains more than one line"),
    ({AGENT: "{agent}/denied"}, f"{AGENT}: HTTP 403"),
    ({AGENT: "{agent}/text"}, f"{AGENT}: {NO_JSON}"),
    ({AGENT: "http://127.0.0.1:{closed}/x"}, f"{AGENT}: 127.0.0.1:{{closed}}: cannot connect: Connection refused"),
    ({AGENT: "http://agent.example/x"}, f"{AGENT}: agent.example is neither local nor https"),
    ({"AWS_ACCESS_KEY_ID": "AKIAHUSH"}, "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"),
    ({}, NONE),
]
LACKS = [
    *(({"AWS_CONFIG_FILE": f"[profile dev]\n{text}\n{OTHER_PROFILES}"}, f"{DEV}: {said}") for text, said in IN_PROFILE),
    *((variables, f"{DEFAULT}: {said}") for variables, said in IN_ENVIRONMENT),
]


@pytest.mark.parametrize(("variables", "said"), LACKS, ids=[said[:60] for _, said in LACKS])
async def test_what_is_lacking_is_told(
    variables: dict[str, str], said: str, tmp_path: Path, env: SetEnv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ContainerMetadataFetcher, "SLEEP_TIME", 0)

    def agent(sent: Sent) -> bytes:
        return sent.target.removeprefix("/").encode() or b"HUSH"

    env("HOME", tmp_path)
    (tmp_path / "a").write_text("HUSH\nHUSH")
    async with Wire(agent, head=b"403 HUSH" if "denied" in str(variables) else b"200 OK") as wire:
        words = {"agent": wire.url, "dir": tmp_path, "closed": free_port()}
        for name, value in variables.items():
            env(name, value if name == "AWS_CONFIG_FILE" else value.format(**words))
        failure = await failure_of(Access(profile="dev" if said.startswith(DEV) else None))
    assert failure.detail == said.format(**words)
    assert (failure.reason, failure.passes) == (Reason.CREDENTIALS, True)
    assert "HUSH" not in f"{failure}{failure.__cause__}"


def test_the_examples_of_the_table_of_advice_are_what_is_said() -> None:
    codes = ("AccessDenied", "ExpiredTokenException", "IDPCommunicationError")
    said = {refused(f"{DEFAULT}: AssumeRoleWithWebIdentity", 403, code, "").detail for code in codes}
    said |= {each for _, each in LACKS} | {f"{DEFAULT}: no answer in time"}  # said by who waits: test_credentials
    examples = {kind.example for kind in KINDS if kind.reason is Reason.CREDENTIALS}
    assert {example for example in examples if example.startswith((DEV, DEFAULT))} <= said


WITH_A_PASSWORD = "AWS_ENDPOINT_URL: its value is not valid (not shown, as it may contain a password)"  # noqa: S105 - a sentence
REFUSED_AT_START = [
    ("AWS_PROFILE", "dev", "AWS_PROFILE: there is no profile dev in AWS's config and credentials files"),
    ("AWS_CONFIG_FILE", "[default]\nregion = us-east-1\naws_secret_access_key HUSH\n", "{config}:3: cannot be parsed"),
    ("AWS_CONFIG_FILE", "\xff\xfe\0HUSH", "{config}: cannot be parsed"),
    ("AWS_CONFIG_FILE", "[default]\nretry_mode = bar\n", 'retry_mode: Invalid value provided to "mode": "bar" must be one of'),
    (
        "AWS_CONFIG_FILE",
        "[default]\nservices = ours\n[services ours]\nsts =\n  endpoint_url = foo\n",
        "an AWS_* variable, or AWS's config file: Invalid endpoint: foo",
    ),
    ("AWS_CONFIG_FILE", "[default]\nca_bundle = /none", f"ca_bundle names /none, which {NO_FILE}"),
    ("AWS_MAX_ATTEMPTS", "b", "AWS_MAX_ATTEMPTS: invalid literal for int() with base 10: 'b'"),
    ("AWS_DEFAULTS_MODE", "foo", "AWS_DEFAULTS_MODE: Client configured with invalid defaults mode: foo."),
    ("AWS_DEFAULT_REGION", "-1", "AWS_DEFAULT_REGION: Provided region_name '-1' doesn't match a supported format."),
    ("AWS_ENDPOINT_URL", "foo", "AWS_ENDPOINT_URL: Invalid endpoint: foo"),
    ("AWS_ENDPOINT_URL", "https://a:HUSH@b c", WITH_A_PASSWORD),
    ("AWS_ENDPOINT_URL", "a:HUSH@127.0.0.1:1", WITH_A_PASSWORD),
    ("AWS_ENDPOINT_URL", "http://a:HUSH/x@127.0.0.1:1", WITH_A_PASSWORD),
    ("AWS_ENDPOINT_URL_SUPPORT", "foo:bar", "AWS_ENDPOINT_URL_SUPPORT: Invalid endpoint: foo:bar"),
    ("AWS_ENDPOINT_URL_ORGANIZATIONS", "foo", "AWS_ENDPOINT_URL_ORGANIZATIONS: Invalid endpoint: foo"),
    ("AWS_CA_BUNDLE", "/etc/passwd", "AWS_CA_BUNDLE names /etc/passwd, which contains no PEM certificates"),
    ("REQUESTS_CA_BUNDLE", "/none", f"REQUESTS_CA_BUNDLE names /none, which {NO_FILE}"),
]


@pytest.mark.parametrize(("variable", "value", "said"), REFUSED_AT_START)
def test_what_botocore_does_not_take_is_one_line(variable: str, value: str, said: str, tmp_path: Path, env: SetEnv) -> None:
    env("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "10")  # "10" is in what is said of AWS_MAX_ATTEMPTS, too
    env(variable, value)
    with pytest.raises(ConfigError) as refused:
        Endpoints()
    (problem,) = refused.value.problems
    assert problem.startswith(said.replace("{config}", str(tmp_path / "config")))
    assert "HUSH" not in problem
    assert len(problem.splitlines()) == 1
