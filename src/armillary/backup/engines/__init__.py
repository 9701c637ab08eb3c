"""How a server's data becomes a backup and the reverse: one module an engine.

`contract` has the Protocol, `choose` finds the engine for a name.
"""
