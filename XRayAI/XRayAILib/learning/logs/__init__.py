"""What a training also writes for programs that show runs: TensorBoard and MLflow."""
