"""What to do about a failure, in one line, for whoever is on call."""

from exporter.cases.model import Reason

_ADVICE = {
    Reason.ACCESS_DENIED: (
        "allow support:DescribeCases and support:DescribeCommunications on * "
        "in the policy of the role or user that it is read with"
    ),
    Reason.ASSUME_ROLE_DENIED: (
        "create the role, or let its trust policy name who assumes it, with sts:AssumeRole and the same external id; "
        "and allow the exporter sts:AssumeRole on it"
    ),
    Reason.CREDENTIALS: "give the exporter valid AWS credentials: environment, profile, or a role of its pod; check the clock",
    Reason.SUBSCRIPTION_REQUIRED: "nothing to do, or exclude it: its plan (below Business Support+) has no Support API",
    Reason.THROTTLED: "raise poll.interval, or find what else calls the Support API of this account",
    Reason.TIMEOUT: "check the network to AWS: a firewall that drops packets, a slow proxy; or raise poll.timeout",
    Reason.UNREACHABLE: "check DNS, egress to port 443 and proxies; add a second region to fail over",
    Reason.SERVER_ERROR: "wait: AWS answers with errors of its own; add a second region to fail over",
    Reason.MALFORMED: "check what stands between the exporter and AWS: the answer is not AWS's",
    Reason.INTERNAL: "report it with this line: it is a bug of the exporter, or an AWS error that is new to it",
}
_ALLOW_LIST_ACCOUNTS = "allow organizations:ListAccounts, in the management account or a delegated administrator"
_TAG_SESSION = "sts:TagSession"
_ALLOW_TAG_SESSION = (
    "allow sts:TagSession beside sts:AssumeRole, in the role's trust policy and in the exporter's own policy: "
    "EKS Pod Identity tags the sessions it starts"
)


def advice(reason: Reason, detail: str) -> str:
    """Return what to do about an account that cannot be read; one trap shows in what AWS said."""
    return _ALLOW_TAG_SESSION if _TAG_SESSION in detail else _ADVICE[reason]


def organization_advice(reason: Reason, detail: str) -> str:
    """Return what to do when the accounts of an organization cannot be listed."""
    return _ALLOW_LIST_ACCOUNTS if reason is Reason.ACCESS_DENIED else advice(reason, detail)
