"""What Support knows by code: services with their categories, and severity levels."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Service:
    """An AWS service as Support lists it."""

    code: str
    name: str
    categories: tuple[str, ...]


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
    ),
    Service("service-eks", "Elastic Kubernetes Service (EKS)", ("cluster-issue", "node-groups", "networking", "other")),
    Service("amazon-relational-database-service-aurora", "Aurora", ("performance", "failover", "backup-and-restore")),
    Service("amazon-simple-storage-service", "Simple Storage Service (S3)", ("access-denied", "performance", "other")),
    Service("amazon-virtual-private-cloud", "Virtual Private Cloud (VPC)", ("peering", "endpoints", "other")),
    Service("aws-lambda", "Lambda", ("function-errors", "concurrency", "other")),
    Service("elastic-load-balancing", "Elastic Load Balancing", ("health-checks", "tls", "other")),
    Service("aws-identity-and-access-management", "Identity and Access Management", ("policies", "federation")),
    Service("service-limit-increase", "Service Limit Increase", ("ec2-instances", "lambda-concurrency", "vpc")),
    Service("general-info", "General Info and Getting Started", ("using-aws", "other")),
    Service("account-management", "Account", ("organizations", "contact-information", "other")),
    Service("billing", "Billing", ("invoices-and-reporting", "payment-issue", "other")),
)
