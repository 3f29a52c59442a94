"""Ngân Lượng (cổng thanh toán Ngân Lượng): takes fee payments on its checkout page, and is asked how they ended."""
