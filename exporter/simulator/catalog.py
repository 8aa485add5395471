"""What Support knows by code, and what customers and AWS write to each other."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Service:
    """An AWS service as Support lists it, and what its cases are about."""

    code: str
    name: str
    categories: tuple[str, ...]
    subjects: tuple[str, ...]


SEVERITY_LEVELS: Final = (
    ("low", "Low"),
    ("normal", "Normal"),
    ("high", "High"),
    ("urgent", "Urgent"),
    ("critical", "Critical"),
)
"""Code and name, mildest first."""

SERVICES: Final = (
    Service(
        "amazon-elastic-compute-cloud-linux",
        "Elastic Compute Cloud (EC2 - Linux)",
        ("instance-issue", "connectivity", "performance", "other"),
        ("Instances fail status checks after a stop and start", "Spot fleet lags"),
    ),
    Service(
        "service-eks",
        "Elastic Kubernetes Service (EKS)",
        ("cluster-issue", "node-groups", "networking", "other"),
        ("Nodes stay NotReady after the upgrade", "CoreDNS times out under load"),
    ),
    Service(
        "amazon-relational-database-service-aurora",
        "Aurora",
        ("performance", "failover", "backup-and-restore"),
        ("Failover took four minutes", "Replica lag grows every night"),
    ),
    Service(
        "amazon-simple-storage-service",
        "Simple Storage Service (S3)",
        ("access-denied", "performance", "other"),
        ("503 Slow Down on a single prefix", "Replication is behind by hours"),
    ),
    Service(
        "amazon-virtual-private-cloud",
        "Virtual Private Cloud (VPC)",
        ("peering", "endpoints", "other"),
        ("Endpoint is unreachable from one subnet", "Peering route disappears"),
    ),
    Service(
        "aws-lambda",
        "Lambda",
        ("function-errors", "concurrency", "other"),
        ("Init duration tripled since Tuesday", "Function is throttled below its reserved concurrency"),
    ),
    Service(
        "elastic-load-balancing",
        "Elastic Load Balancing",
        ("health-checks", "tls", "other"),
        ("Targets flap between healthy and unhealthy", "TLS handshakes fail for old clients"),
    ),
    Service(
        "aws-identity-and-access-management",
        "Identity and Access Management",
        ("policies", "federation"),
        ("Federated sign-in is refused", "Policy simulator disagrees with reality"),
    ),
    Service(
        "service-limit-increase",
        "Service Limit Increase",
        ("ec2-instances", "lambda-concurrency", "vpc"),
        ("Raise the vCPU limit for the sale", "More concurrent executions in eu-west-1"),
    ),
    Service(
        "general-info",
        "General Info and Getting Started",
        ("using-aws", "other"),
        ("Question about data residency", "Which documents cover the shared responsibility model"),
    ),
    Service(
        "account-management",
        "Account",
        ("organizations", "contact-information", "other"),
        ("Move an account between organizational units", "Change of the billing contact"),
    ),
    Service(
        "billing",
        "Billing",
        ("invoices-and-reporting", "payment-issue", "other"),
        ("Unexpected charge for data transfer", "Invoice shows the wrong cost centre"),
    ),
)

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
