"""Static analysis of rulesets: what can be proved about rules without any conversation.

A condition becomes a formula over variables (`lower`), each with a domain cut into cells (`spaces`); formulas are
searched for an assignment (`search`), or handed to z3 where that is installed (`solver`). One finding a module.
"""
