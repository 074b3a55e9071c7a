"""The client of the Cloud Logging read API: the very bytes of entries, within the quota, complete or said not to be.

Knows nothing of tables, caches or notebooks. Over REST, which is exact: what the gRPC client makes of an entry loses
nanoseconds, large integers and unknown fields.
"""

from gpkit.cloud import quota
from gpkit.cloud.page import Page
from gpkit.cloud.reading import Incomplete, pages
from gpkit.cloud.retries import Limits, Pace
from gpkit.cloud.targets import Target, from_environment, target

__all__ = ["Incomplete", "Limits", "Pace", "Page", "Target", "from_environment", "pages", "quota", "target"]
