-- What can go wrong with a call, for host.fault: a function of the call that says what is to become of it, nil where
-- nothing is wrong.
--
-- A call has name ("attach", "detach", "update", "define", a word for power, "xml", "facts" ...), text (as in
-- host.calls), number (among the calls of its sort), writes (whether it changes anything), scope, domain and host.
-- What becomes of it: { refuse = error code, message = }; { deny = error code, message = }: it is made, and refused all
-- the same; { lose = "before" or "after" }: the daemon dies before the call is made, or when it is made and nobody has
-- been told; { silent = "before" or "after" }: nobody answers in time; { first = function(call) }: somebody else is
-- quicker, then it is made; { ignore = true }: success is told, and nothing is done.
local faults = {}

local JOB_SECONDS = 30 -- libvirt's patience with a domain that is busy

-- The nth call that changes something gets a verdict.
function faults.at(number, verdict)
  return function(call)
    if call.writes and call.number == number then return verdict end
  end
end

-- The nth call that only asks gets a verdict.
function faults.asking(number, verdict)
  return function(call)
    if not call.writes and call.number == number then return verdict end
  end
end

-- From the nth call that changes something on, so many find the domain busy (facts 8).
function faults.busy(number, count)
  return function(call)
    if not call.writes or call.number < number or call.number >= number + count then return nil end
    call.host:advance(JOB_SECONDS)
    return { refuse = 68, message = "Timed out during operation: cannot acquire state change lock" }
  end
end

-- Nothing.
function faults.none() return nil end

-- Whichever of the faults has something to say first.
function faults.all(list)
  return function(call)
    for _, fault in ipairs(list) do
      local verdict = fault(call)
      if verdict then return verdict end
    end
  end
end

return faults
