"""What a merchant's customer may ask for: everything that is kept of them, or that nothing is."""
