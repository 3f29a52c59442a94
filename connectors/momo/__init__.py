"""MoMo (ví điện tử MoMo): takes fee payments by wallet, tells us of them by IPN, and gives a daily statement."""
