"""Who may do what: passwords, sign-in sessions, API tokens, and the gate that every request passes."""
