"""The stand-in of VNPT's payment gateway: takes MegaPay forms and INIT calls, and sends notifications."""
