"""The kinds of rules of staff, by themselves: a name costs no arrays."""

PIN, BOOST, BURY, BLOCK, QUOTA = "pin", "boost", "bury", "block", "quota"
# In place of ids, for an arm that runs without any but the blocks.
ALL = "all"
