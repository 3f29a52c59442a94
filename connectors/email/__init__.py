"""E-mail: one message to one citizen, through the province's mail relay, over SMTP."""
