"""COCO: instances, keypoints and run lengths."""
