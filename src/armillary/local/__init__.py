"""One machine: a Kubernetes API of our own, a kubelet whose pods are processes, controllers."""
