"""The transactional outbox: what happened, written with the change itself."""
