"""VietinBank (Ngân hàng TMCP Công Thương Việt Nam): the daily statement over SFTP, and the eWallet's word over REST."""
