"""Wire messages with Vitess's and etcd's names and field numbers: `.proto` sources and generated code.

Regenerate with `python tools/generate_pb.py` after changing a `.proto` file. Nothing here is written
by hand but the `.proto` files. They have the calls that one of our programs answers or makes, and what
these need; a field that is not there passes through a record unharmed.
"""
