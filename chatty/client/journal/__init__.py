"""What a room was told and has not answered yet, kept in a file for the next run of a program that is killed."""
