"""Vietcombank (Ngân hàng TMCP Ngoại thương Việt Nam): the daily statement of the collection account, over SFTP."""
