"""Kubernetes client side: typed resources, informers, keyed work queue, leader election."""
