"""What to do: actions that describe, apply and undo themselves."""
