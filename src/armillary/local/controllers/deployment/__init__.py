"""Deployments: from one pod template to the next, a few pods at a time."""
