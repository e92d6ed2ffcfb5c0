"""What slashservice costs, beside the C programs, measured in one run on one machine."""
