"""What ViettelPay's messages mean to us, and ours to ViettelPay."""
