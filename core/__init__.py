"""The ground of every other folder: errors, API frame, parsers, command frame, progress, the domain."""
