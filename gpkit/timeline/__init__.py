"""What happened to each connection, told from log entries, and put beside our own attempts.

rows = gpkit.timeline.connections(entries.frame)
rows = gpkit.timeline.connections_of("entries.parquet")    more entries than fit into memory
joined = gpkit.timeline.join(attempts, rows)
gpkit.timeline.clock_offset(attempts)      lowest and highest possible offset of the server's clock
gpkit.timeline.rates(entries.frame)        upgrades and errors by window and revision
gpkit.timeline.boot_loops(entries.frame)   revisions that never start
"""

from gpkit.timeline.clients import client_family
from gpkit.timeline.connections import connections, connections_of, write_connections
from gpkit.timeline.events import server_events
from gpkit.timeline.instances import boot_loops, instances
from gpkit.timeline.joining import join, unclaimed
from gpkit.timeline.offset import Drift, clock_drift, clock_offset, order
from gpkit.timeline.rates import by_window, rates

__all__ = [
    "Drift",
    "boot_loops",
    "by_window",
    "client_family",
    "clock_drift",
    "clock_offset",
    "connections",
    "connections_of",
    "instances",
    "join",
    "order",
    "rates",
    "server_events",
    "unclaimed",
    "write_connections",
]
