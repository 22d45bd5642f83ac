"""/admin: what HR and administrators see and do. Each part has a module and a catalogue of its own; `shell` leads from
one to the other."""
