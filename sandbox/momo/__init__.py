"""The stand-in of MoMo: takes orders, lets them be paid on command, sends IPNs and gives a daily statement."""
