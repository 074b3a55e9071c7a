"""Filters written: the one normal form, and composition from parts."""
