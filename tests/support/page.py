"""A page of metrics, to be asked for values."""

import gzip
from functools import cached_property

from prometheus_client.parser import text_string_to_metric_families

from exporter.metrics import exposition
from exporter.metrics.exposition import TextFormat


def plain(page: exposition.Page, text_format: TextFormat = TextFormat.PROMETHEUS) -> str:
    return gzip.decompress(page[text_format]).decode()


class Page:
    """A page of metrics, parsed when it is first asked for anything."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def samples(self) -> list[tuple[str, dict[str, str], float]]:
        """Name, labels and value of every sample, in the order of the page."""
        return [
            (sample.name, sample.labels, sample.value)
            for family in text_string_to_metric_families(self.text)
            for sample in family.samples
        ]

    def of(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """Return the samples with that name and at least those labels."""
        return [(found, value) for sample, found, value in self.samples if sample == name and labels.items() <= found.items()]

    def values(self, name: str, **labels: str) -> list[float]:
        return [value for _, value in self.of(name, **labels)]

    def total(self, name: str, **labels: str) -> float:
        return sum(self.values(name, **labels))

    def label_values(self, name: str, label: str) -> set[str]:
        return {found[label] for found, _ in self.of(name)}

    def by_account(self, name: str, **labels: str) -> dict[str, float]:
        """Return the sum of those values for each account that has any."""
        totals: dict[str, float] = {}
        for found, value in self.of(name, **labels):
            totals[found["account_id"]] = totals.get(found["account_id"], 0) + value
        return totals

    def up(self) -> dict[str, float]:
        return self.by_account("aws_support_account_up")

    def open_cases(self) -> dict[str, float]:
        """Return how many open cases are shown of each account for which a number is shown."""
        return self.by_account("aws_support_account_open_cases")

    def reasons(self, account_id: str) -> dict[str, float]:
        """Return how many polls of an account failed, by reason."""
        counts = self.of("aws_support_account_poll_errors_total", account_id=account_id)
        return {found["reason"]: value for found, value in counts}
