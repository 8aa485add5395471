"""What Support knows by code, and what customers and AWS write to each other."""

from typing import Final

SEVERITY_CODES: Final = ("low", "normal", "high", "urgent", "critical")

SERVICES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("amazon-elastic-compute-cloud-linux", ("instance-issue", "connectivity", "performance", "other")),
    ("service-eks", ("cluster-issue", "node-groups", "networking", "other")),
    ("amazon-relational-database-service-aurora", ("performance", "failover", "backup-and-restore")),
    ("amazon-simple-storage-service", ("access-denied", "performance", "other")),
    ("amazon-virtual-private-cloud", ("peering", "endpoints", "other")),
    ("aws-lambda", ("function-errors", "concurrency", "other")),
    ("elastic-load-balancing", ("health-checks", "tls", "other")),
    ("aws-identity-and-access-management", ("policies", "federation")),
    ("general-info", ("using-aws", "other")),
    ("service-limit-increase", ("ec2-instances", "lambda-concurrency", "vpc")),
    ("account-management", ("organizations", "contact-information", "other")),
    ("billing", ("invoices-and-reporting", "payment-issue", "other")),
)
"""Service codes, each with its category codes."""

TECHNICAL_SERVICES: Final = SERVICES[:-3]
"""Those for which AWS promises a first response."""

QUOTA_INCREASES: Final = SERVICES[-3:-2]

SUBJECTS: Final = ("Unexpected behaviour of {}", "Question about {}")
"""Subject lines; the service's code is filled in."""

ACCOUNT_NAMES: Final = (
    *("payments", "checkout", "data-platform", "identity", "search", "catalogue", "logistics", "mobile-backend"),
    *("machine-learning", "network", "observability", "sandbox", "warehouse", "notifications", "pricing", "content"),
)

DESCRIPTIONS: Final = (
    "We have seen this since this morning in production. Nothing was deployed. Please find the request ids below.",
    "This blocks a release that is due this week. We followed the troubleshooting guide and ended up here.",
    "It happens about every tenth time. A colleague on copy has collected the logs and can share them.",
    "Could you please look at the resource from your side? From ours everything looks the way it should.",
)

NOTICES: Final = (
    "We have noticed unusual activity in your account and would like you to review the resources named below.",
    "We are about to retire the hardware below one of your instances. Please tell us when it may be restarted.",
)
"""How cases begin that AWS opens."""

CLOSING: Final = "This solved it, thank you. We close the case."
INTERIM_UPDATES: Final = (
    "We are still looking into this and will come back to you. There is nothing for you to do in the meantime.",
    "I have handed this over to the service team, and will write again as soon as I hear from them.",
)

ANSWERS: Final = (
    "Thank you for contacting us. I have started to look into this and will come back with my findings.",
    "I have reviewed the metrics and see the same pattern. Could you tell us whether it follows a deployment?",
    "The service team has identified the cause and is rolling out a change. Please check again in an hour.",
    "I could reproduce this with the configuration that you shared. There is a workaround, described below.",
)

REPLIES: Final = (
    "Thank you, we have tried this and it got better, but it is not gone yet.",
    "We have attached the logs. The times in them are UTC.",
    "No deployment on our side. It started by itself and stopped after twenty minutes.",
    "We have rolled out the workaround and will watch it over night.",
)

MAILBOXES: Final = ("platform-oncall", "cloud-operations", "site-reliability", "service-desk")
"""Shared mailboxes at example.com: no person is meant."""
