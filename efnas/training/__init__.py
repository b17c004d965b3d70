"""What changes weights: the loop, its steps, the loss, the schedule, the plan, stopping."""
