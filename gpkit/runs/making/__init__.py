"""Runs being made: the warm parent, the supervisor, the worker, and the commands that start them."""
