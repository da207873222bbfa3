"""When each topic of work is to be woken next, kept in the database so that any number of schedulers agree."""
