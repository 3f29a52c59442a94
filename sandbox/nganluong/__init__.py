"""The stand-in of Ngân Lượng: takes orders, lets them be paid on command, answers questions by token."""
