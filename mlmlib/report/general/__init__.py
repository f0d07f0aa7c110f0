"""What is said of a generalized mixed model: its summary, equations, tables and prose (chapters 16 to 18)."""
