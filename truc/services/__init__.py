"""What the hub does for its users: each service is one store change and the messages it causes, in one transaction."""
