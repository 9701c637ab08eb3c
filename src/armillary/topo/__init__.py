"""Topology records and locks in etcd, with Vitess's paths and messages."""
