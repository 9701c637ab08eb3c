"""The Kubernetes API's client side: client, informers, keyed queue, controllers, leases, events."""
