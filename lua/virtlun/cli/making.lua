--- What every command has that makes changes: signals that end it only between two steps, and the status that it ends
-- with.
--
-- The first Ctrl-C (or SIGTERM, SIGHUP) lets the step in flight come to its end, the second gives it up.

local virtlun = require "virtlun"
local progress = require "virtlun.view.progress"
local status = require "virtlun.cli.status"

local making = {}

local SILENT = { tell = function() end, close = function() end }

--- What a signal has given up before anything was begun.
local function not_begun(domain)
  return { failure = virtlun.problems { virtlun.problem { code = "stopped", path = domain, value = "0",
    expected = "1" } } }
end

--- fn() and the signal by which it was ended, or nil.
function making.interruptible(out, fn)
  out.has_begun = true
  return virtlun.interruptible(function() return fn(), virtlun.interrupted() end)
end

--- Makes a single operation: { result =, failure =, ending = what call(opts) returned }, and the signal by which it was
-- ended, or nil.  domain: its name.
function making.one(call, opts, domain, out)
  local shown = out.can_redraw and progress.new(out) or SILENT
  opts.stop = virtlun.interrupted
  function opts.on_progress(event) shown:tell(event) end
  return making.interruptible(out, function()
    local good, result, failure, ending = pcall(call, opts)
    shown:close()
    if good then return { result = result, failure = failure, ending = ending } end
    if not virtlun.interrupted() then error(result, 0) end
    return not_begun(domain)
  end)
end

--- The exit status of what was made.
function making.status(failed, changed, signal)
  if not failed then return status.OK end
  if signal then return status.SIGNAL + signal end
  return changed and status.PARTLY or status.FAILED
end

return making
