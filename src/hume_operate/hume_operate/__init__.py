"""What an operator does with a running stack: tasks, stops, resets, labels, and a view of what goes on."""
