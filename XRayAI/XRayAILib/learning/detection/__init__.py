"""What the learning of boxes is made of: targets, network, loss, decoding, fusion, and how good the boxes are."""
