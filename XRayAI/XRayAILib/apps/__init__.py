"""The command line and the job process."""
