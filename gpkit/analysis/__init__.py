"""Analyses: tables in, tables out. No file, no clock, no network, no plotting."""
