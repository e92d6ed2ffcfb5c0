"""What was done: the receipt, and the transaction that writes it."""
