"""Live boards and screens: server-sent events to many clients at once, without a thread for each.

    request ─ parse, authorise, first page ─┐
                                            ├─ Watch ── states, ten times a second; a page where one changed
    Connection (a socket taken over) ───────┤           (one thread of the worker, which waits for the ledger)
    Line (a response that a thread writes) ─┘
          └─ Connections ── heads, events, heartbeats, dead clients
                            (one thread of the worker, which waits for sockets and nothing else)

`watching` knows what is watched (`boards` is one subject of it) and no sockets, `connections` knows sockets and not
what they show; `answering` makes a request a stream, `text` is what goes over the wire.
"""
