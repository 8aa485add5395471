"""Which hosts answer for an AWS service in which region, and how they are signed for.

botocore resolves them, with all that users configure (`AWS_ENDPOINT_URL*`, FIPS, dual stack). Support is one global service per
partition: botocore sends every commercial region to us-east-1, although two others answer too; those are what fail-over is
made of.
"""

import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import botocore.session
import msgspec
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader, create_loader

from exporter.aws.chain import misconfigured, named, settings
from exporter.aws.errors import CONNECT_TIMEOUT, READ_TIMEOUT
from exporter.errors import ConfigError

COMMERCIAL_SUPPORT_REGIONS = frozenset({"us-east-1", "us-west-2", "eu-west-1"})
"""Regions of the commercial partition with a Support endpoint of their own (AWS General Reference)."""
_VARIANTS = {"-fips.": "AWS_USE_FIPS_ENDPOINT", ".api.": "AWS_USE_DUALSTACK_ENDPOINT"}
_ANY_CALL = {"organizations": "list_accounts", "sqs": "list_queues", "sts": "get_caller_identity", "support": "describe_cases"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service is, and the region that requests to it are signed for; `setting` is the user's that leads there."""

    region: str
    url: str
    setting: str = field(default="", compare=False)


class Endpoints:
    """Resolves regions; one is enough for a process, as it holds the data of botocore's loader."""

    def __init__(self, loader: Loader | None = None) -> None:
        """Raise ConfigError if botocore does not take what the user set in variables and in AWS's own files."""
        for name in ("AWS_DEFAULT_PROFILE", "AWS_PROFILE"):
            if os.environ.get(name) == "":
                del os.environ[name]  # botocore, and processes that it starts, would look for a profile without a name
        self._loader = loader
        self._resolved: dict[tuple[str, str], Endpoint] = {}
        self._partitions: dict[str, str] = {}
        self.notes: dict[str, None] = {}
        """What the user's settings have no effect on, a line for each."""
        try:
            self.core = self.new_session()
            self.session = boto3.Session(botocore_session=self.core)
            self.ca_bundle: str | None = self.core.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
            # As botocore has it: what the user configured, or else the certificates that come with it.
            self.tls = ssl.create_default_context(cafile=self.ca_bundle or str(files("botocore") / "cacert.pem"))
            # As botocore, from Python 3.13 on too: proxies that inspect TLS often have certificates that RFC 5280 would refuse.
            self.tls.verify_flags &= ~ssl.VERIFY_X509_STRICT
            for name in self.core.session_var_map:
                self.core.get_config_variable(name)
            self.core.get_component("credential_provider")
            of_organizations = ["organizations"] if "AWS_ENDPOINT_URL_ORGANIZATIONS" in os.environ else []
            for service in ("sts", "support", *of_organizations):  # Its model takes 2 MB.
                self._resolve(service, self.core.get_config_variable("region") or "us-east-1")
        except OSError as error:
            why = "contains no PEM certificates" if isinstance(error, ssl.SSLError) else f"cannot be read: {error.strerror}"
            raise ConfigError([f"{named(str(self.ca_bundle), settings(self.core))} {why}"]) from None
        except Exception as error:  # noqa: BLE001 - each setting has errors of its own
            raise ConfigError([misconfigured(error, settings(botocore.session.Session()))]) from None

    def new_session(self, profile: str | None = None, region: str | None = None) -> botocore.session.Session:
        """Return a session that shares botocore's data with others, and whose clients give up in reasonable time.

        Its region is that of the user's settings, or else the one that is given.
        """
        session = botocore.session.Session(profile=profile)
        if self._loader is None:
            self._loader = create_loader(session.get_config_variable("data_path"))
            self._loader.file_loader = _OwnServices()
        session.register_component("data_loader", self._loader)
        # botocore's own limits would take three minutes, as with IRSA where STS does not answer.
        retries: Any = {"total_max_attempts": 2}
        session.set_default_client_config(Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, retries=retries))
        if region and not session.get_config_variable("region"):
            session.set_config_variable("region", region)
        return session

    def partition_of(self, region: str) -> str:
        """Return the partition of a region; raise ValueError if none has such a region."""
        if not self._partitions:
            for partition in self.session.get_available_partitions():
                regions = self.session.get_available_regions("sts", partition_name=partition)
                self._partitions.update(dict.fromkeys(regions, partition))
        if region not in self._partitions:
            raise ValueError(f"{region} is not an AWS region")
        return self._partitions[region]

    def support(self, regions: Sequence[str]) -> tuple[Endpoint, ...]:
        """Return the Support endpoints that regions lead to, in their order, each once."""
        return tuple(dict.fromkeys(self.resolve("support", region) for region in regions))

    def resolve(self, service: str, region: str) -> Endpoint:
        """Return the endpoint of a service in a region.

        Where the user configured another URL for Support, every endpoint is there and only the signing region differs. It has
        no endpoint for FIPS (but in GovCloud, where its only one is) and none for IPv6, whatever botocore makes up.
        """
        key = (service, region)
        if key not in self._resolved:
            _, builtin = self._resolve(service, region, ignore_configured_endpoint_urls=True)
            signed_for, url = self._resolve(service, region)
            setting = _setting(service, url, builtin)
            if service == "support":
                if any(mark in builtin for mark in _VARIANTS):
                    plain = dict.fromkeys(("use_fips_endpoint", "use_dualstack_endpoint"), False)
                    _, builtin = self._resolve(service, region, **plain, ignore_configured_endpoint_urls=True)
                home = urlsplit(builtin).netloc.split(".")[1]
                signed_for = region if region in COMMERCIAL_SUPPORT_REGIONS else home
                if "endpoint_url" not in setting.lower():
                    if setting:
                        self.notes[f"{setting} has no effect for Support, which has no such endpoint"] = None
                    url, setting = builtin.replace(home, signed_for), ""
            self._resolved[key] = Endpoint(signed_for, url, setting)
        return self._resolved[key]

    def _resolve(self, service: str, region: str, **config: Any) -> tuple[str, str]:  # noqa: ANN401 - as botocore takes them
        """Have botocore sign a URL, and return the region and the URL: `client.meta` may name another host."""
        client: Any = self.session.client(  # type: ignore[call-overload]  # the overloads want literal names
            service,
            region_name=region,
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106 - nothing is sent that is signed with it
            config=Config(**config),
        )
        signed = urlsplit(client.generate_presigned_url(_ANY_CALL[service]))
        client.close()
        # A URL of Support is signed for the region that was asked for, wherever its one endpoint is.
        scope = parse_qs(signed.query)["X-Amz-Credential"][0].split("/")
        return scope[2], f"{signed.scheme}://{signed.netloc}{'' if signed.path == '/' else signed.path}"


def _setting(service: str, url: str, builtin: str) -> str:
    """Return which of the user's settings leads to a URL, or nothing if it is where AWS has the service by default."""
    for name in (f"AWS_ENDPOINT_URL_{service.upper()}", "AWS_ENDPOINT_URL"):
        if urlsplit(os.environ.get(name, "")).netloc == urlsplit(url).netloc:
            return name
    if url != builtin:
        return "endpoint_url of the AWS configuration file"
    variants = (name for mark, name in _VARIANTS.items() if mark in url)
    return " and ".join(name if name in os.environ else name.removeprefix("AWS_").lower() for name in variants)


class _OwnServices(JSONFileLoader):
    """Reads, of botocore's endpoints of some 300 services, those of ours: the rest would take 7 MB at start."""

    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 - what the file holds
        path = Path(f"{file_path}.json")
        if path.name != "endpoints.json" or not path.is_file():
            return super().load_file(file_path)
        read: Any = msgspec.json.decode
        content, partitions = read(path.read_bytes(), type=dict[str, msgspec.Raw]), []
        for partition in read(content["partitions"], type=list[dict[str, msgspec.Raw]]):
            services = read(partition.pop("services"), type=dict[str, msgspec.Raw])
            own = {name: read(services[name]) for name in _ANY_CALL.keys() & services.keys()}
            partitions.append({name: read(value) for name, value in partition.items()} | {"services": own})
        return {"version": read(content["version"]), "partitions": partitions}
