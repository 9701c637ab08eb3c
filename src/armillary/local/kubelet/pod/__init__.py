"""One pod's life: what is wanted, what is seen, the plan, the worker that carries it out."""
