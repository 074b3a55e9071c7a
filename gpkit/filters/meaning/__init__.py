"""What a filter means for one entry, and what can be known to be wrong with it."""
