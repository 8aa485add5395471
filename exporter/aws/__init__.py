"""The border to AWS: the only place that imports botocore."""
