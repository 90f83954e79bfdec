--- Tells who listens of every libvirt call, its duration and its failure: virtlun.log(fn), or VIRTLUN_TRACE on stderr.

local trace = {}

local listener

local function to_stderr(call, seconds, failure)
  io.stderr:write(("virtlun: %8.3f ms  %s%s\n"):format(seconds * 1000, call, failure and "  " .. failure.message or ""))
end

if os.getenv("VIRTLUN_TRACE") then listener = to_stderr end

--- fn(call, seconds, failure) or nil.
function trace.set(fn)
  listener = fn
end

--- Calls fn(...) under the name `call`; now() gives seconds.
function trace.call(now, call, fn, ...)
  if not listener then return fn(...) end
  local start = now()
  local result, failure = fn(...)
  listener(call, now() - start, result == nil and failure or nil)
  return result, failure
end

return trace
