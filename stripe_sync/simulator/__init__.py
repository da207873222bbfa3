"""A simulated Stripe, pure: the API of version 2026-10-28.endive, its events and its faults, without a socket.

Laws of this package:

1. No clock, no chance, no I/O. `now` is an argument (epoch seconds), and every random choice comes from a
   `random.Random` seeded by the simulator's seed and the number of the operation, so that the same operations
   in the same order always give the same world, to the last id.
2. A stored object is never mutated: a change stores a new one. Events, pages and answers may therefore share
   what they show, and need no deep copies.
3. Reads change nothing and draw nothing.
4. What a merchant does in Stripe's Dashboard is an operation (`operations/`); each one emits the events that
   Stripe would, in Stripe's order. Nothing else changes a world.

`web/simulator/` is the HTTP door to it; a harness may drive `SimulatedStripe` in its own process just as well.
"""
