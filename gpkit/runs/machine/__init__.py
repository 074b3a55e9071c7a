"""Processes of this machine: forked, marked, measured, ended; and the kernel among them."""
