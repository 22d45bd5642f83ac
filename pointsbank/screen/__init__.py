"""What the big screen (大屏) of a programme shows."""
