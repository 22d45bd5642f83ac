"""The demo: a graduates' training programme of 2021, in Chinese, sent as any client would send it."""
