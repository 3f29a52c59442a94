"""ViettelPay (Viettel Money): takes fee payments on its own page, calls us three times, answers questions, refunds."""
