"""Tests of what the screens show, without anything running."""
