"""Operations on borders that keep a coverage exact: pure functions, each certified before it answers or refused with a place."""
