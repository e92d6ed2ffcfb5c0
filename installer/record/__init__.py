"""The record of an installation: the receipt, and the transaction that writes it."""
