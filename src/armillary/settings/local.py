"""Settings of the one-machine components; `armillary up` writes them to DIR/run/state.json."""
