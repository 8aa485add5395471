"""Which hosts answer for AWS Support in which region, and how they are signed for.

Support is one global service per partition. botocore sends every commercial region to us-east-1, although the service also
answers in two others; those are what fail-over is made of.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.endpoint_provider import EndpointProvider
from botocore.exceptions import UnknownRegionError
from botocore.loaders import JSONFileLoader

COMMERCIAL_SUPPORT_REGIONS = frozenset({"us-east-1", "us-west-2", "eu-west-1"})
"""Regions of the commercial partition with a Support endpoint of their own (AWS General Reference)."""

_SERVICES = frozenset({"organizations", "sts", "support"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One door to a partition's Support service.

    Attributes:
        region: The region that requests to it are signed for.
        url: Where it is.
    """

    region: str
    url: str


class Endpoints:
    """Resolves regions by what botocore knows, and by the user's own `AWS_ENDPOINT_URL*` settings.

    Args:
        session: Tells those settings; the default session when left out. One is enough for a process.
    """

    def __init__(self, session: Session | None = None) -> None:
        self.session = session or Session()
        botocore_session = self.session._session  # noqa: SLF001 - boto3 has no public way to its loader
        loader = botocore_session.get_component("data_loader")
        loader.file_loader = _FewServices()
        self._rules = EndpointProvider(
            loader.load_service_model("support", "endpoint-rule-set-1"), loader.load_data("partitions")
        )
        self._configured = self._configured_url()

    def partition_of(self, region: str) -> str:
        """Return the partition of a region.

        botocore finds one for every name that looks like a region, so that a misspelt one is looked up too.

        Raises:
            ValueError: No partition has such a region.
        """
        try:
            partition: str = self.session.get_partition_for_region(region)
        except UnknownRegionError as error:
            raise ValueError(f"{region} is not an AWS region") from error
        if region not in self.session.get_available_regions("sts", partition_name=partition):
            raise ValueError(f"{region} is not an AWS region")
        return partition

    def support(self, regions: Sequence[str]) -> tuple[Endpoint, ...]:
        """Return the endpoints that regions lead to, in their order, each once.

        Where the user configured another URL for Support, every endpoint is there and only the signing region differs.
        """
        return tuple(dict.fromkeys(self._support(region) for region in regions))

    def _support(self, region: str) -> Endpoint:
        own = self.partition_of(region) == "aws" and region in COMMERCIAL_SUPPORT_REGIONS
        resolved = self._rules.resolve_endpoint(Region=region, UseFIPS=False, UseDualStack=False)
        schemes = resolved.properties.get("authSchemes", [{}])
        home: str = schemes[0].get("signingRegion", region)
        signing_region = region if own else home
        return Endpoint(signing_region, self._configured or resolved.url.replace(home, signing_region))

    def _configured_url(self) -> str | None:
        """Return the user's own URL for Support, from the environment or AWS's configuration files, or None."""
        client: Any = self.session.client
        ours, builtin = (
            client(
                "support",
                region_name="us-east-1",
                aws_access_key_id="none",
                aws_secret_access_key="none",  # noqa: S106 - nothing is ever sent with it
                config=config,
            ).meta.endpoint_url
            for config in (Config(), Config(ignore_configured_endpoint_urls=True))  # type: ignore[call-arg]  # the stubs lag behind
        )
        return None if ours == builtin else ours


class _FewServices(JSONFileLoader):
    """Keeps, of botocore's endpoints of some 300 services, those of ours: each session would hold 8 MB of them."""

    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 - what the file holds
        """Return what a file of botocore's data holds, or None when there is no such file."""
        data = super().load_file(file_path)
        if data is not None and file_path.endswith(f"{os.sep}endpoints"):
            for partition in data["partitions"]:
                partition["services"] = {name: partition["services"][name] for name in _SERVICES & partition["services"].keys()}
        return data
