"""The local Cloud Logging read API: ``entries:list`` over REST, ``ListLogEntries`` and ``TailLogEntries`` over gRPC.

Started as a process (``python -m gpkit.local.cloud_logging``), imported by nobody. It stands in for the service, so it
follows the service's published reference; where that is silent a comment says that the behaviour is inferred.
"""
