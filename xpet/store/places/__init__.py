"""The kinds of place a store can be in; use them through :mod:`xpet.store.place`."""
