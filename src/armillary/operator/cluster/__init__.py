"""PlanetScaleCluster and VitessCluster: from one resource to all that belongs to a cluster."""
