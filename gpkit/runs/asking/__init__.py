"""What is asked for, checked before anything starts: parameters, and the plan of a run."""
