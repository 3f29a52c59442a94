"""VNPAY 2.1.0: takes fee payments on its own page, tells us of them by IPN, answers questions and gives money back."""
