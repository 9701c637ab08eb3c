"""One frozen settings class for each process, and the flags that fill it. Pure but for `read`."""
