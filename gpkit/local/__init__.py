"""The local stack: started as a process (``python -m gpkit.local``), imported by nobody."""
