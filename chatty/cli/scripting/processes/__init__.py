"""Child processes: started like a shell does, watched, and ended with all that they started."""
