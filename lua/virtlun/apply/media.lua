--- Media of a running domain's CD drives: insert, replace and eject as one state machine.
--
-- A drive is looked at, the ordinary call is made, the drive is looked at again.  What libvirt gets is the host's own
-- element with only the medium changed.  What is then still not so is named by quirks.lua, and has one remedy here.

local changes = require "virtlun.plan.changes"
local core = require "virtlun.core"
local problems = require "virtlun.problems"
local quirks = require "virtlun.plan.quirks"
local replace = require "virtlun.apply.replace"
local tray = require "virtlun.apply.tray"

local media = {}

--- Whether the drive is to be empty.
local function empties(change)
  local field = changes.field(change, "source")
  return field ~= nil and not field.after
end

-- A job: the change, what the drive was like before the call that is being made (was), its element as it is to be
-- (after), with its tray shut, and the document as it was when all began. -----------------------------------------

local function new_job(host, change, opts)
  local after, found = tray.set(host, change, change.before.tray, "closed", host:element("live", change))
  if not after then return nil, found end
  local text, document = host:whole("live")
  if not text then return nil, document end
  return { host = host, change = change, opts = opts, was = change.before, after = after, xml = text,
    document = document }
end

--- The element as it was when all began, with its tray shut.
local function before(job)
  local element, found = core.element(job.xml, job.document, job.change.current)
  return tray.set(job.host, job.change, job.change.before.tray, "closed", element, problems.list(found))
end

--- nil and problems: a call's own problem under another code, and what is to be told beside it.
local function fail(job, code, failure, more)
  local cause, told = failure[1].cause, more and { job.host:problem(job.change, more) }
  if not cause then return nil, failure:append(told or {}) end
  return job.host:fail(job.change, { code = code, a = cause.message, cause = cause }, told)
end

-- Calls -------------------------------------------------------------------------------------------------------

--- The drive as it was last seen; nil if it was not there.
local function drive_of(job)
  for _, device in ipairs(job.host.live.document:tables()) do
    if device.kind == job.change.kind and device.dev == job.change.before.dev then return device end
  end
end

--- Sends an element.  libvirt moves trays by itself: it takes none that is not as it stands (12.8.0), or at least none
-- that is said to be open (9.0.0).
-- is: how it is in the element, shut if unsaid.
local function update(job, element, is)
  local drive = drive_of(job)
  local sent, found = tray.set(job.host, job.change, is, drive and drive.tray or "closed", element)
  if not sent then return nil, found end
  return job.host:write("update_device", sent, { live = true }, job.opts.force)
end

--- Takes out whatever is in the drive, also what libvirt only believes to be in it.
local function eject(job)
  local text, document = job.host:whole("live")
  if not text then return nil, document end
  local difference, model = tray.difference_of(job.host, job.change, document, { source = false })
  if not difference then return true end
  if difference.action ~= "change" then return job.host:fail(job.change, { code = "host_changed" }) end -- it has gone
  local element, found = core.element(text, document, difference, model)
  if not element then return nil, problems.list(found) end
  local drive = drive_of(job)
  local good, failure = update(job, element, drive and drive.tray)
  job.emptied = job.emptied or good
  return good, failure
end

--- What the drive is like after a call that failed: see quirks.list.
local function look(job, failure)
  local seen, drive = { code = failure[1].cause.code, was_open = job.was.tray == "open" }, drive_of(job)
  if not drive then return seen end
  seen.there, seen.same, seen.open = true, changes.same(drive.source, job.was.source), drive.tray == "open"
  return seen
end

--- Looks at the drive again, and once more where that was refused: what a call has left half-done is only seen so.
local function refresh(host)
  local seen, lost = host:refresh("live")
  if seen or host:is_unanswered(lost) then return seen, lost end
  return host:refresh("live")
end

--- Makes a call: true; or nil, problems, and the name of what is seen, where it has one.
local function try(job, call, ...)
  local good, failure = call(job, ...)
  local seen, lost = refresh(job.host)
  if not seen then return nil, failure or lost end
  if good then return true end
  if not failure[1].cause then return nil, failure end
  return nil, failure, quirks.name_of("media", look(job, failure))
end

--- Empties the drive, so that whatever it is to have can be put in.  What is seen to be empty is, whatever was said.
local function try_eject(job)
  local good, failure, what = try(job, eject)
  local drive = drive_of(job)
  if not good and drive and not drive.source then good, job.emptied = true, true end
  if good then job.was = {} end
  return good, failure, what
end

--- The drive goes, and comes back as another element says; where that cannot be, as it was.
local function reattach(job, element)
  local host = job.host
  local as_it_was, found = before(job)
  if not as_it_was then return nil, found end
  local good, failure, ended, why = replace.by(host, job.change, element, as_it_was, job.opts)
  if not good and not ended then return nil, failure end
  if ended == "unseen" then return fail(job, "host_refused", failure, { code = "unseen" }) end
  if ended == "lost" then return fail(job, "host_refused", failure, { code = "lost", a = why }) end
  -- What the guest had open in the drive is gone either way, which is told too.
  host.notes:append { host:problem(job.change, { code = "replaced" }) }
  if good then return true end
  return fail(job, "host_refused", failure, { code = job.change.before.source and "restored" or "left_empty" })
end

--- Whether the medium is in the drive again that was in it when all began.
local function has_its_medium(job)
  local drive = drive_of(job)
  return drive ~= nil and changes.same(drive.source, job.change.before.source)
end

--- Puts back what was in the drive when all began, and tells how that went.
local function put_back(job)
  local element, failure = before(job)
  if not element then return { code = "not_restored", a = failure[1].message } end
  local good, what
  good, failure, what = try_eject(job)
  if good and not job.change.before.source then return { code = "left_empty" } end
  if good then good, failure, what = try(job, update, element) end
  if what == "tray_unknown" and job.opts.reattach ~= false then good, failure = reattach(job, element) end
  if good and job.host:refresh("live") and has_its_medium(job) then return { code = "restored" } end
  for _, problem in ipairs(failure or {}) do
    if problem.code == "lost" then return { code = "lost", a = problem.message } end
  end
  return { code = "not_restored", a = failure and failure[1].message or "the host took it but does not have it" }
end

-- Remedies: what is done when the ordinary call has failed so --------------------------------------------------

local remedies = {}

--- What virtlun itself has taken out is put back.
function remedies.locked(job, failure)
  return fail(job, "tray_locked", failure, job.emptied and put_back(job))
end

--- Empties the drive, which makes the document true again, and puts back what was in it.
function remedies.half_done(job, failure)
  return fail(job, "host_refused", failure, put_back(job))
end

--- Whether the drive cannot even be emptied, so that the new medium is not what was refused.  If it can, what the
-- question took out is put back.  Who has nothing in it loses nothing by being replaced.
local function is_stuck(job)
  if not job.was.source then return true end
  local good, _, what = try_eject(job)
  if good or job.emptied then return false, put_back(job) end
  return what == "tray_unknown"
end

--- Replaces the drive by one with the new medium.
function remedies.tray_unknown(job, failure)
  if empties(job.change) then return fail(job, "cannot_eject", failure) end
  local stuck, told = is_stuck(job)
  if not stuck then return fail(job, "host_refused", failure, told) end
  if job.opts.reattach ~= false then return reattach(job, job.after) end
  return fail(job, "needs_reattach", failure, job.emptied and put_back(job))
end

-- What tells already how the medium is, or that its drive goes.
local is_about_medium = { not_restored = true, lost = true, unseen = true, away_later = true }

--- Whether a drive that virtlun has emptied is still there without its medium, and nothing tells so.
local function is_left_empty(job, failure)
  for _, problem in ipairs(failure) do
    if is_about_medium[problem.code] then return false end
  end
  return job.emptied and drive_of(job) ~= nil and not has_its_medium(job)
end

--- What a call that failed comes to.  A drive that is seen to be as described is right, whatever was said of it, unless
-- virtlun itself has emptied it.
local function mend(job, failure, what)
  if what and not job.emptied and not job.host:change("live", job.change.desired) then return true end
  local remedy = remedies[what]
  if not remedy then
    if not job.emptied then return fail(job, "host_refused", failure) end
    remedy = remedies.half_done
  end
  local good, again = remedy(job, failure)
  local seen, lost = job.host:refresh("live")
  if not good and seen and is_left_empty(job, again) then
    again:append { job.host:problem(job.change, put_back(job)) }
  end
  return good and seen, again or lost
end

-- The machine -------------------------------------------------------------------------------------------------

local function send(job)
  local good, failure, what = try(job, update, job.after)
  if good then return true end
  return mend(job, failure, what)
end

--- The same medium again does nothing to an open tray or another format: the drive is emptied first (facts 7).
local function reseat(job)
  local good, failure, what = try_eject(job)
  if not good then return mend(job, failure, what) end
  good, failure = send(job)
  if not good or has_its_medium(job) then return good, failure end
  local told = { job.host:problem(job.change, put_back(job)) }
  return job.host:fail(job.change, { code = "not_made", a = "its medium is not in it again" }, told)
end

--- What does not touch the medium is one call.
local function adjust(job)
  local good, failure = update(job, job.after)
  if not good then return fail(job, "host_refused", failure) end
  return job.host:refresh("live")
end

local function run(job)
  local change = job.change
  if changes.field(change, "source") then return send(job) end
  if not changes.field(change, "format") and not changes.field(change, "tray") then return adjust(job) end
  return (change.before.source and reseat or send)(job)
end

--- Makes a running CD drive have the medium that is described.  opts: force (a locked tray), reattach = false (never
-- replace the drive by another).  true, or nil and problems.  No signal breaks it: what is between two calls would be
-- lost.
function media.change(host, change, opts)
  local job, found = new_job(host, change, opts)
  if not job then return nil, found end
  return host.dom.unbroken(run, job)
end

return media
