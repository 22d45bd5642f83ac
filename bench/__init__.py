"""Measurements, each beside a floor taken in the same run. `python -m bench`; nothing here is a test."""
