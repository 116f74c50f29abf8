"""What the learning of landmarks is made of: heatmaps, their network, their points, and how good these are."""
