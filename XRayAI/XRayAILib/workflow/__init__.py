"""What a person does, step by step; panels and command line both drive these objects."""
