"""The State Treasury (Kho bạc Nhà nước): orders that remit what was collected, and confirmations, over SFTP."""
