"""Hot spots: analyses that are asked for, worked out by the worker, and read as they were stored."""
