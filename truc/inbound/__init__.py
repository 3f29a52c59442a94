"""The HTTP gateway: partners call back here, and the one-stop software calls the hub here."""
