"""Models you can answer for: written, checked, given away, taken in, compared, and refused with the reason.

``manifest``, ``folder``, ``bundle``, ``metadata``
    What a model folder says and how it is written whole: sums, MONAI's configuration in plain words.
``weights_file``
    What a file of weights is by its first bytes, and how what is not read is converted.
``description``, ``foreign``, ``foreign_card``
    A 2D model made elsewhere: what it takes and gives, and how it is taken in.
``foreign_networks``, ``adapter``, ``outputs``, ``foreign_task``
    Such a model at work: the network that its weights are of, and what makes it speak as ours do.
``onnx_file``, ``onnx_trial``, ``onnx_network``, ``onnx_export``
    ONNX: read as data, tried in a process of its own, at work, and written and checked for equality with torch.
``importing``, ``exporting``, ``packing``
    A model from and to a folder or a zip archive.
``comparison``
    Several models side by side.
"""
