"""Start the local stack in a process of its own, and stop it; and the Cloud Logging read API beside it.

Each process is gone when its parent is: it watches its standard input and its parent's pid. Times are in seconds.
"""

from gpkit.stack.faults import find_faults
from gpkit.stack.handle import Stack
from gpkit.stack.logging_api import LoggingApi, cloud_logging
from gpkit.stack.starting import local_stack, start

__all__ = ["LoggingApi", "Stack", "cloud_logging", "find_faults", "local_stack", "start"]
