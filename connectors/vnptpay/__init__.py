"""VNPT's payment gateway: the MegaPay form with its notifications, or the INIT API where the connection says so."""
