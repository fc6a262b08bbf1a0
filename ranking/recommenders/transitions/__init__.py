"""Item to item by succession: what people turned to soon after what."""
