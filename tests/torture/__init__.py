"""The long proofs, run by `make torture`: too slow for every commit, quick enough for a release."""
