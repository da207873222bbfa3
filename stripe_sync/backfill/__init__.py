"""Reading everything an account holds: steps, cursors, a budget of requests; resumable at any point."""
