"""Giving a shard its primary: planned, emergency and initial. observe -> plan -> apply."""
