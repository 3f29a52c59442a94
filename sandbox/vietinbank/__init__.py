"""The stand-in of VietinBank: an SFTP server with daily statements, told what to hold over a control port."""
