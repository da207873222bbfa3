"""What an AI drafter may know about the customer it answers."""
