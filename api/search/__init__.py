"""One search box over everything the caller may see."""
