"""Which lines of the code the tests reach, in whatever process; see :mod:`helpers.reach.run`."""
