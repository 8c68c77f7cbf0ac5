"""Figures: maps and charts as SVG, the same on a page and on paper. Pure: shapes and numbers in, text out."""
