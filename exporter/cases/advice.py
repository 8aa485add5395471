"""What to do about a failure, in one line, for whoever is on call."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from exporter.cases.model import Reason

_TABLE = """
assume_role_denied
  AssumeRole: AccessDenied: not authorized to perform: [sts:TagSession] on resource: arn:aws:iam::111122223333:role/R => allow sts:TagSession beside sts:AssumeRole, in the trust policy of {role} and in the policy of {caller}: EKS Pod Identity tags the sessions it starts; or set disableSessionTags on its association
access_denied
  ListAccounts: [AWSOrganizationsNotInUseException] => give this entry of organizations a role_arn in the management account, or remove it: the account that was asked is in no organization
  [ListAccounts]: AccessDeniedException: not authorized to perform: organizations:ListAccounts on resource: * with an explicit deny in a [service control policy] => exempt {action} from the service control policy, or list with a role in the management account, which none of them binds
access_denied assume_role_denied
  AssumeRole: AccessDenied: not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/R with an explicit deny in a [service control policy|resource control policy] => exempt {action} from that policy of the organization: one that denies regions must leave out sts, support and organizations
  AssumeRole: AccessDenied: not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/R because no [permissions boundary] allows the sts:AssumeRole action => allow {action} in the permissions boundary of the role or user that asks, too: its policy alone is not enough
assume_role_denied
  AssumeRole: AccessDenied: not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/R because no [identity-based policy] allows the sts:AssumeRole action => allow sts:AssumeRole on {role} in the policy of {caller}, and deny it nowhere
  AssumeRole: AccessDenied: not authorized to perform: sts:AssumeRole because no [role trust policy|resource-based policy] allows the sts:AssumeRole action => the trust policy of {role} must allow sts:AssumeRole to {caller}, with the external id of the configuration, and deny it nowhere
  AssumeRole: [PackedPolicyTooLarge] => set disableSessionTags on the EKS Pod Identity association: its session tags go on from role to role, and are too large
  AssumeRole: [RegionDisabledException] => activate STS in one of aws.regions (IAM, account settings) for the account of {caller}, or add a region where it is active
  AssumeRole: AccessDenied: not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/R => create the role, or let the trust policy of {role} allow {caller} with the same external id, and allow {caller} sts:AssumeRole on it: AWS says the same to a missing role, a wrong external id and a missing permission
access_denied
  [ListAccounts]: AccessDeniedException => allow organizations:ListAccounts, in the management account or a delegated administrator: other member accounts cannot list
  DescribeCases: AccessDeniedException: not authorized to perform: support:DescribeCases with an [explicit deny in an identity-based policy] => remove the Deny of {action} from the policies of the role or user; if its sessions were revoked, the next poll starts a new one
  DescribeCases: AccessDeniedException: not authorized to perform: support:DescribeCases because no identity-based policy allows the support:DescribeCases action => allow support:DescribeCases and support:DescribeCommunications on * in the policy of the role or user that it is read with
credentials
  the default credential chain: AWS_WEB_IDENTITY_TOKEN_FILE names /nonexistent/t, which [cannot be read]: No such file or directory => have that file there, readable for the user that the exporter runs as, or correct the setting; it is tried again by itself
  the profile dev: [mfa_serial]: nobody is there to type a second factor: use credentials without => use a profile, user or role whose policies ask for no second factor
  the profile dev: sso_start_url: [not logged in]: run aws sso login, or aws login => log in on the exporter's host, or better use a role of its pod or instance, which renews itself
  the profile dev: [credential_process]: it fails, or prints something else than credentials => run that command as the user that the exporter runs as: it must end with 0 and print JSON with Version 1
  the default credential chain: [AWS_CONTAINER_CREDENTIALS]_FULL_URI: HTTP 403 => see that the EKS Pod Identity agent or the ECS agent runs, and that an association names the pod's service account; it is tried again by itself
  the default credential chain: [AssumeRoleWithWebIdentity]: AccessDenied => the trust policy of the role in the service account's annotation must name the cluster's OIDC provider, the namespace and the service account
  the default credential chain: [no credentials found]: set AWS_* variables, a profile, or a role of the pod or instance => give the exporter valid AWS credentials: a role with EKS Pod Identity or IRSA, or else a profile or AWS_* variables; an instance's role needs a hop limit of 2 for pods
  DescribeCases: [RequestTimeTooSkewed|RequestExpired] => set the clock of the exporter's host: AWS refuses what is signed more than five minutes off
  DescribeCases: [ExpiredToken]Exception => renew the session token that the exporter was given in its environment or a file; a role of its pod renews itself
  AssumeRole: [InvalidClientTokenId|UnrecognizedClient] => give the exporter another access key: this one was deleted or deactivated, or is of another partition
  the credentials [belong to account] 111122223333, not to 444455556666 => correct the account's id, or give it a role_arn or a profile of its own
  AssumeRole: IncompleteSignature => give the exporter valid AWS credentials: environment, profile, or a role of its pod; check the clock
subscription_required
  DescribeCases: SubscriptionRequiredException => nothing to do, or exclude it: its plan (below Business Support+) has no Support API
throttled
  [ListAccounts]: TooManyRequestsException => raise refresh_interval, or find what else calls AWS Organizations: its quota is shared by the whole organization
  DescribeCases: ThrottlingException => raise poll.interval, or find what else calls that API in this account
timeout
  the default credential chain: [no answer in time] => find out what hangs: a credential_process, the metadata service, or an agent; it is not asked again before it ends
  DescribeCases: no answer from support.us-east-1.amazonaws.com:443 within 20 s => check the network to AWS: a firewall that drops packets, a slow proxy; or raise poll.timeout
unreachable
  AssumeRole: sts-fips.cn-north-1.amazonaws.com.cn:443: cannot resolve sts-fips.cn-north-1.amazonaws.com.cn: Name or service not known ([AWS_USE_FIPS|AWS_USE_DUALSTACK|use_fips|use_dualstack]_ENDPOINT leads to sts-fips.cn-north-1.amazonaws.com.cn:443) => unset the variable, or take a region that has such an endpoint: not every service has one in every region
  AssumeRole: sts.us-east-1.amazonaws.com:443: [certificate not trusted] (self-signed certificate in certificate chain): set AWS_CA_BUNDLE => set AWS_CA_BUNDLE to a PEM file with AWS's CAs and that of the proxy that inspects TLS; if the name or the date is wrong, find out who answers
  AssumeRole: sts.us-east-1.amazonaws.com:443: the proxy answers [HTTP 407] (HTTPS_PROXY leads through proxy.example:3128) => write the user and password that the proxy asks for into its URL, or except the host with NO_PROXY
  AssumeRole: sts.us-east-1.amazonaws.com:443: cannot connect to the proxy: Connection refused ([HTTPS_PROXY|https_proxy|HTTP_PROXY|http_proxy] leads through proxy.example:3128) => check that the proxy is there and lets CONNECT to this host pass, or except the host with NO_PROXY
  AssumeRole: gateway.example:443: cannot connect: Connection refused ([AWS_ENDPOINT_URL|endpoint_url] leads to gateway.example:443) => correct the URL, or see that its host is up and can be reached from the exporter
  AssumeRole: sts.us-east-1.amazonaws.com:443: cannot connect: Connection refused => check DNS, egress to port 443 and proxies; add a second region to fail over
server_error
  DescribeCases: InternalServerError => wait: AWS answers with errors of its own; add a second region to fail over
malformed
  AssumeRole: HTTP 404 ([AWS_ENDPOINT_URL|endpoint_url]_STS leads to gateway.example:443) => correct it: another service, or none of AWS's, answers there
  DescribeCases: the answer is not JSON (9 bytes) => check what stands between the exporter and AWS: the answer is not AWS's
internal
  DescribeCases: BrandNewException => report it with this line: it is a bug of the exporter, or an AWS error that is new to it
"""  # noqa: E501 - a line is a kind
_CALLER = "the exporter's own identity (`check` shows it)"


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to fail for a reason: the pattern that tells it, what to do, and a detail as it is really said."""

    reason: Reason
    says: str
    advice: str
    example: str


def _kinds() -> Iterator[Kind]:
    """Read the table: for each kind a detail, with what tells it from others in brackets, and the advice."""
    for reasons, block in re.findall(r"^(\w.*)\n((?: .*\n)+)", _TABLE, re.MULTILINE):
        for said, advised in (line.strip().split(" => ") for line in block.splitlines()):
            says = ".*".join(f"(?:{part})" for part in re.findall(r"\[(.*?)\]", said))
            example = re.sub(r"\[(.*?)(?:\|.*?)?\]", r"\1", said)
            yield from (Kind(Reason(reason), says, advised, example) for reason in reasons.split())


KINDS = tuple(_kinds())
"""The first of a reason's kinds whose pattern is found counts; the last of each reason fits all."""


def advice(reason: Reason, detail: str, caller: str = "") -> str:
    """Return what to do about a failure; `caller` is the exporter's own ARN, if that is known."""
    kind = next(kind for kind in KINDS if kind.reason is reason and re.search(kind.says, detail))
    role, action = (re.search(named, detail) for named in (r"(?<=on resource: )arn:\S+", r"(?<=perform: )[\w:-]+"))
    names = {"role": role[0] if role else "the role", "action": action[0] if action else "the action"}
    return kind.advice.format(**names, caller=caller or _CALLER)
