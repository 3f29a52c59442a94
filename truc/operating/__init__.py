"""What operators do: look, replay, correct, give up, keep couriers off, and keep the drawers in order; all of it audited."""
