"""The stand-in of VNPAY: opens pay pages, lets them be paid on command, sends IPNs, answers querydr and refund."""
