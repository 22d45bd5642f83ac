"""From events to awards: what a programme's rulebook says about a point event."""
