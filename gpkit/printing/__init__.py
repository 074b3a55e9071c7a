"""How much of what is put out is kept: of a long text the first and the last part, with a note of what is missing.

The kernel of a run, its notebook and its report hold to it alike. Imports little: the kernel loads it at its start.
"""
