"""De-identification of folders and projects, in processes of its own."""
