"""The stand-in of the State Treasury: takes remittance orders as files over SFTP, and confirms them when told to."""
