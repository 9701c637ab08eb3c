"""Wire messages with Vitess's and etcd's names and field numbers: `.proto` sources and generated code.

Regenerate with `python tools/generate_pb.py` after changing a `.proto` file. Nothing here is written
by hand but the `.proto` files.
"""
