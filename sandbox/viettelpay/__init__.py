"""The stand-in of ViettelPay: opens pay pages, asks and tells the hub about payments, answers questions, refunds."""
