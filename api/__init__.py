"""The room that speaks HTTP: requests, people, use cases, jobs; the only room that decides in what order."""
