"""What the task "classification" is made of."""
