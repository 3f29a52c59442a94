"""What operators do: look, replay, correct, give up, keep couriers off. All of it is audited."""
