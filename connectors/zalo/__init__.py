"""Zalo Notification Service: one template message to one citizen, over REST."""
