"""Tests of the catalog of facts and what is generated from it."""
