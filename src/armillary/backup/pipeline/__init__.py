"""Bytes from a running tool into storage and back, in bounded memory, checked on the way.

`stripes` is the geometry, `codec` the compression, `write` and `read` move the data, `pipes` talks
to processes.
"""
