"""A client of Heed. `Heed` has a method for each thing that an app does; `heed_client.schema` the forms."""

from heed_client.client import Heed, HeedError

__all__ = ["Heed", "HeedError"]
