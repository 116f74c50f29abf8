"""Where the weights of a training begin, and how gently they are changed.

- ``start_weights(network, config, project, ...)`` fills a new network from ``config.start``, see :mod:`.begin`;
- ``parameter_groups(network, config)`` and ``frozen(network, config, epoch)`` are for the optimizer and the loop, see
  :mod:`.tuning`.
"""
