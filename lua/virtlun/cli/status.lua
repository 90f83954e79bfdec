--- Exit statuses of the command, and what each of them tells.

local status = { OK = 0, FAILED = 1, CHANGES = 2, PARTLY = 3, USAGE = 64 }

-- Ended by a signal, as shells tell it: this and the number of the signal.
status.SIGNAL = 128
status.INTERRUPTED = status.SIGNAL + 2

-- For help and the manual page.
status.MEANINGS = {
  { status.OK, "Done, or nothing to do." },
  { status.FAILED, "Something is wrong, or the answer was no." },
  { status.CHANGES, "There are changes (plan with --detailed-exitcode)." },
  { status.PARTLY, "It failed after something had been changed." },
  { status.USAGE, "The command line is wrong." },
  { status.INTERRUPTED, "Interrupted; what was done by then stays, and plan or show tells." },
}

return status
