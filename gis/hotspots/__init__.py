"""Methods that find hot spots, one file each: arrays in, tables on the same rows out."""
