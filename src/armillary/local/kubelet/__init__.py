"""The process kubelet: pods as local processes, driven only through the Kubernetes API."""
