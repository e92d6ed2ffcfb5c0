"""What each kernel is asked in its own way."""
