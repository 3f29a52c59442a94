"""The ground: what sets up and keeps up the processes of one installation."""
