"""The web room speaks HTML: data that is already in scope goes in, pages come out; it asks nobody and stores nothing."""
