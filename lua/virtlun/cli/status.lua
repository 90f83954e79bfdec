--- Exit statuses of the command.

return { OK = 0, FAILED = 1, CHANGES = 2, PARTLY = 3, USAGE = 64 }
