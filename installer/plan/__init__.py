"""Plans: actions that describe, apply and undo themselves, and how they are composed."""
