"""The stand-in of Vietcombank: an SFTP server with daily statements, told what to hold over a control port."""
