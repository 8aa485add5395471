"""What customers and AWS write to each other, and what a fleet's accounts are called."""

from typing import Final

ACCOUNT_NAMES: Final = (
    "payments",
    "checkout",
    "data-platform",
    "identity",
    "search",
    "catalogue",
    "logistics",
    "mobile-backend",
    "machine-learning",
    "network",
    "observability",
    "sandbox",
    "warehouse",
    "notifications",
    "pricing",
    "content",
)

SUBJECTS: Final = {
    "amazon-elastic-compute-cloud-linux": ("Instances fail status checks after a stop and start", "Spot fleet lags"),
    "service-eks": ("Nodes stay NotReady after the upgrade", "CoreDNS times out under load"),
    "amazon-relational-database-service-aurora": ("Failover took four minutes", "Replica lag grows every night"),
    "amazon-simple-storage-service": ("503 Slow Down on a single prefix", "Replication is behind by hours"),
    "amazon-virtual-private-cloud": ("Endpoint is unreachable from one subnet", "Peering route disappears"),
    "aws-lambda": ("Init duration tripled since Tuesday", "Function is throttled below its reserved concurrency"),
    "elastic-load-balancing": ("Targets flap between healthy and unhealthy", "TLS handshakes fail for old clients"),
    "aws-identity-and-access-management": ("Federated sign-in is refused", "Policy simulator disagrees with reality"),
    "service-limit-increase": ("Raise the vCPU limit for the sale", "More concurrent executions in eu-west-1"),
    "general-info": ("Question about data residency", "Which documents cover the shared responsibility model"),
    "account-management": ("Move an account between organizational units", "Change of the billing contact"),
    "billing": ("Unexpected charge for data transfer", "Invoice shows the wrong cost centre"),
}
"""Subject lines by service code."""

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
