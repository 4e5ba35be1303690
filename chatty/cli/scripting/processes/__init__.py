"""Child processes: started as a shell would, watched, and ended with all that they started."""
