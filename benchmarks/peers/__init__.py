"""The same jobs done by several systems: one module for each, all with the functions ``run`` and ``read``.

``python -m peers run xpet scalar 1000`` does a job in the present directory, which must be empty, and prints one line
of JSON; ``read`` instead of ``run`` prints the digest of what was stored, read in another process.
"""
