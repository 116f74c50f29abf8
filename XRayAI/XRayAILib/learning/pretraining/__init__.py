"""Pretraining on images that nobody labelled: a part of each image is hidden, and a network learns to draw it.

Masked image modelling: He et al., "Masked autoencoders are scalable vision learners", CVPR 2022 (arXiv 2111.06377);
Xie et al., "SimMIM", CVPR 2022 (arXiv 2111.09886), which shows that plain grey in the place of hidden patches and an L1
loss on them alone also teach convolutional networks. The network is the very U-Net that is to be trained later, but for
its output; ``start: model:NAME`` takes its weights over.
"""
