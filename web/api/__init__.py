"""The HTTP API under `/api/v1`: one module a resource; the shapes stand in the `schemas` modules beside them."""
