"""Vector tiles over HTTP: thin over data.hot, the ecosystem's protocol."""
