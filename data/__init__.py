"""The room that speaks SQL: what is stored and who may see it. It knows no HTTP and draws nothing."""
