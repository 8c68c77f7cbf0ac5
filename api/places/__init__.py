"""Spatial questions over HTTP: what lies where, how far, in whose ground."""
