"""The stand-in of the national payment platform: takes INIT, lets it be paid on command, tells of it, answers QUERY."""
