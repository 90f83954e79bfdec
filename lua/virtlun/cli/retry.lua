--- The file of --retry-file: the domains that are still to be made, a line each.  It is written where some are left,
-- read by the same command again, and removed when none is left.

local virtlun = require "virtlun"
local files = require "virtlun.cli.files"

local retry = {}

local FIRST_LINE = "# virtlun retry file: what is still to be made, by uri and domain"
local DEFAULT = "-" -- stands for libvirt's default connection

--- A domain as a line: URIs have no blanks in them.
local function line_of(uri, name)
  return ("%s %s"):format((uri or "") ~= "" and uri or DEFAULT, name)
end

local ENOENT = 2 -- a file that nobody may read is there as well

local function is_there(path)
  local file, _, number = io.open(path)
  if file then file:close() end
  return file ~= nil or number ~= ENOENT
end

local function fail(path, fields)
  fields.file = path
  return nil, virtlun.problems { virtlun.problem(fields) }
end

--- The lines of the file, as a list and as a set; nil where there is no file; nil and problems where it is another one.
local function read(path)
  if not is_there(path) then return nil end
  local text, message = files.read(path)
  if not text then return fail(path, { code = "no_retry_file", a = message }) end
  if text:match("^[^\n]*") ~= FIRST_LINE then
    return fail(path, { code = "no_retry_file", a = "its first line is another" })
  end
  local lines = {}
  for line in text:gmatch("[^\n]+") do
    if line ~= FIRST_LINE then
      lines[#lines + 1] = line
      lines[line] = true
    end
  end
  return lines
end

--- Those of the domains that are still to be made: all where there is no file yet; nil, with what is wrong in found.
-- described: the domains of the recipes, also those that are not wanted now.
function retry.select(path, domains, described, args, found)
  local good, message = files.can_replace(path)
  if not good then
    found:append { virtlun.problem { code = "cannot_write", file = path, a = message } }
    return nil
  end
  local lines, failure = read(path)
  if failure then
    found:append(failure)
    return nil
  end
  if not lines then return domains end
  local function line_in(domain) return line_of(domain.uri or args.connect, domain.name) end
  local kept, known = {}, {}
  for _, domain in ipairs(described) do known[line_in(domain)] = true end
  for _, domain in ipairs(domains) do
    if lines[line_in(domain)] then kept[#kept + 1] = domain end
  end
  local unknown = 0
  for _, line in ipairs(lines) do
    if not known[line] then
      unknown = unknown + 1
      found:append { virtlun.problem { code = "retry_unknown", file = path, path = line } }
    end
  end
  if unknown == #lines then
    local problem = { code = "no_retry_file", file = path, a = "it names none of the described domains" }
    found:append { virtlun.problem(problem) }
    return nil
  end
  return kept
end

--- Writes what is still to be made after a run: what it did not make, and what of the file was no part of it.  Removes
-- the file where that is nothing.  True, or nil and problems, also where another file has come there meanwhile.
function retry.write(path, report)
  local was, failure = read(path)
  if failure then return nil, failure end
  local lines, is_told = { FIRST_LINE }, {}
  for _, entry in ipairs(report.domains) do
    local line = line_of(entry.uri, entry.domain)
    is_told[line] = true
    if entry.result ~= "done" then lines[#lines + 1] = line end
  end
  for _, line in ipairs(was or {}) do
    if not is_told[line] then lines[#lines + 1] = line end
  end
  local good, message
  if #lines > 1 then good, message = files.replace(path, table.concat(lines, "\n") .. "\n")
  elseif not is_there(path) then return true
  else good, message = os.remove(path)
  end
  if good then return true end
  return fail(path, { code = "cannot_write", a = message })
end

return retry
