"""Buildings, households and residents over HTTP; personal fields masked."""
