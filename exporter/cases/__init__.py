"""What support cases mean: pure functions over frozen values, standard library only."""
