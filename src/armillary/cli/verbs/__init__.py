"""One module a verb of `armillary`; each has a click command named `command`."""
