"""Divides ground into contiguous parts of balanced weight: polygons with a number each in, a label for each out."""
