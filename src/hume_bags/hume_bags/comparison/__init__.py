"""`hume compare`: success of recorded runs beside each other."""
