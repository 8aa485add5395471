from exporter.config.settings import Settings, parse

REGIONS = {
    **dict.fromkeys(("us-east-1", "us-west-2", "eu-west-1"), "aws"),
    **dict.fromkeys(("cn-north-1", "cn-northwest-1"), "aws-cn"),
    "us-gov-west-1": "aws-us-gov",
}


def partition_of(region: str) -> str:
    if region not in REGIONS:
        raise ValueError(region)
    return REGIONS[region]


def parse_config(content: str | bytes, *, shard: int | None = None) -> Settings:
    encoded = content.encode() if isinstance(content, str) else content
    return parse(encoded, source="config.yaml", partition_of=partition_of, shard=shard)
