"""Search for settings of a training that do better on the validation part."""
