"""Analyses: questions whose answers are kept, alerts of the live watch, schedules, and the map of hot spots of the one screen."""
