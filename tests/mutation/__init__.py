"""Mutation testing of the derivation: does a test fail for every small change to the code?

`python -m tests.mutation` changes one thing at a time in `stripe_sync/derive` (a comparison, an operator, a constant, a
condition, a returned value, a statement left out) and runs the tests that reach the changed function. What no test
notices is a survivor; each must stand in the file `survivors` beside this one, with the reason why it may live.
"""
