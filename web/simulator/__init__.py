"""The HTTP door of the simulated Stripe: server, control API, pages, webhook delivery, journal.

What Stripe is lives in `stripe_sync.simulator`; here are sockets, threads, files and HTML.
"""
