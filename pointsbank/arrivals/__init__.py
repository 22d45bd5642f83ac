"""Events as they arrive, for those who must tell a sender what to repair.

    request ─ Gathered: what became of each of its events ─┐
                                                           ├─ Arrivals ─ twice a second ─ tables `arrivals`, `unbooked`
    request ─ Gathered ────────────────────────────────────┘  (memory)   (one transaction a company, set-based)

What is booked stands in the journal. What is refused, or was booked before, leaves nothing there; it is noted here,
after the answer is settled and outside of the booking, so that no post waits for it or fails by it. It is a help, and
no record: what a process holds when it is killed, at most half a second of it, is lost; and it is bounded.
"""
