"""A plan runs: from the plan cache to the shards, by the short way where there is one."""
