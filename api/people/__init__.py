"""People: how they sign in, what they may, who administers them."""
