"""The command line, one file a command; nothing here is loaded before its command is asked for."""
