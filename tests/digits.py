"""When a number agrees with a printed one: the library's own rule, which the page of reference numbers shows."""

from mlmlib.published.agreement import agrees, places, rounds_to

__all__ = ["agrees", "places", "rounds_to"]
