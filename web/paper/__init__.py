"""Paper: documents in blocks, set by typst for printing. It knows words and figures, not where they come from."""
