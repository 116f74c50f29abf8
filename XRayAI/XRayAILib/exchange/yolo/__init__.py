"""YOLO: boxes, outlines, keypoints and turned boxes."""
