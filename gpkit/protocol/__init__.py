"""The golden path, pure: credentials, envelopes, event order, close codes, outcomes.

Never opens a socket, reads a file or looks at a clock. What the wire says goes in, what it means comes out, and
nothing that a server sends can make these functions raise. Each behaviour that is a table is written as one, which
the probe, the local service, the docs and the tests all read.
"""
