"""Prometheus exporter for AWS Support cases."""

import os

__version__ = "0.1.0"
__revision__ = os.environ.get("AWS_SUPPORT_EXPORTER_REVISION", "unknown")
"""The source revision that an image was built from."""
