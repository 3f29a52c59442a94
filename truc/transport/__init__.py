"""How bytes travel: REST, SOAP and SFTP, each with its library's errors translated once."""
