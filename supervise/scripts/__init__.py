"""What run scripts say, found out without running them."""
