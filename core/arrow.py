"""Arrow's arrays and tables, without pandas: `from core.arrow import pa`.

At its first array pyarrow asks for pandas, wherever that is installed: 55 MB and a quarter of a second in
every command that reads or writes a table. It is told once that there is none, and asks no more.
"""

import pyarrow as pa

from core.refusing import without

__all__ = ["pa"]

with without("pandas"):
    pa.array([0])
