"""Models you can answer for: taken in from elsewhere, given away, compared, and refused with the reason.

``weights_file``
    What a file of weights is by its first bytes, and how what is not read is converted.
``description``, ``adapter``, ``foreign``
    A 2D model made elsewhere: what its inputs and outputs mean, the network that speaks as ours do, taking it in.
``onnx_file``, ``onnx_trial``, ``onnx_network``, ``onnx_export``
    ONNX: read as data, tried in a process of its own, at work, and written and checked for equality with torch.
``importing``, ``exporting``, ``packing``
    One of our own models from and to a folder or a zip archive.
``comparison``
    Several models side by side.
"""
