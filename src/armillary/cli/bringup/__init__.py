"""What `armillary up` does: prepare a directory, start the control plane, apply, watch, report."""
