"""VietinBank (Ngân hàng TMCP Công Thương Việt Nam): the daily statement of the collection account, over SFTP."""
