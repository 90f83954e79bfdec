-- Measures virtlun against the floors of floor.c and prints one table of ratios and goals: `make bench`.
-- Usage: lua run.lua [N ...]   measures for these numbers of CD drives instead of 1 to 100,000.
--
-- Times are CPU time, input that exists already is not part of them, and the collector runs as it does for any user.
-- virtlun and its floor take turns: a ratio is taken inside each round, and what is printed is the median of them.
-- The floor of generating is snprintf of C structs into one buffer, that of parsing SAX2 filling plain Lua tables, that
-- of planning core.model and core.document: what it costs to read both sides.
-- Before anything is measured, virtlun and the floors are made to show that they do the same job.
local core = require("virtlun.core")
local floor = require("floor")
local plan = require("virtlun.plan")

local SIZES = { 1, 100, 1000, 10000, 100000 }
local LARGEST_RATIO_SIZE = 10000 -- the goals for time hold up to here; above, growth and memory count
local MEMORY_SIZE = 100000 -- also the largest that fits: controllers end at 99
local GROWTH_FROM, GROWTH_TO = 1000, 100000
local ROUNDS = 7
local FEWEST_BEYOND = 1000 -- below, what a plan costs at all is not spread over enough drives
local SHORTEST = 0.02 -- seconds that one measurement must take at least, else the work is repeated inside it
local STARTS = 200 -- processes of each kind that are started one after the other
local DRIVES_PER_CONTROLLER = 1000

-- The workload ------------------------------------------------------------------------------------------------------

local function dev_name(number)
  local name = ""
  number = number + 1
  while number > 0 do
    name = string.char(97 + (number - 1) % 26) .. name
    number = (number - 1) // 26
  end
  return "sd" .. name
end

local function drive(i)
  local place = i % DRIVES_PER_CONTROLLER
  return {
    kind = "cdrom",
    dev = dev_name(i),
    source = ("/var/lib/libvirt/images/cd%06d.iso"):format(i),
    address = { controller = i // DRIVES_PER_CONTROLLER, target = place % 256, unit = place // 256 * 100 },
  }
end

-- The description of a domain with the drives first .. first + count - 1 and the controllers that these need.
local function domain(first, count)
  local described = { kind = "domain", name = "bench" }
  for i = first // DRIVES_PER_CONTROLLER, (first + count - 1) // DRIVES_PER_CONTROLLER do
    described[#described + 1] = { kind = "controller", index = i, model = "virtio-scsi" }
  end
  for i = first, first + count - 1 do described[#described + 1] = drive(i) end
  return described
end

local function tables(n) return domain(0, n) end

local function in_document(devices)
  return "<domain>\n<name>bench</name>\n<devices>\n" .. devices .. "</devices>\n</domain>\n"
end

-- The document of that domain, made piece by piece so that making it takes less memory than reading it.
local function document(n)
  local pieces = {}
  for first = 0, n - 1, DRIVES_PER_CONTROLLER do
    local piece = domain(first, math.min(DRIVES_PER_CONTROLLER, n - first))
    pieces[#pieces + 1] = floor.generate(floor.structs(piece), true)
  end
  return in_document(table.concat(pieces))
end

-- One drive in a hundred, at least one, has another disc.
local function changed_tables(n)
  local described = tables(n)
  for i = #described, 1, -100 do
    if described[i].kind == "cdrom" then described[i].source = described[i].source .. ".new" end
  end
  return described
end

local function changes_of(n) return (n + 99) // 100 end

-- All drives have another disc.
local function other_tables(n)
  local described = tables(n)
  for _, device in ipairs(described) do device.source = device.source and device.source .. ".new" end
  return described
end

-- An operation that plans for a domain that is shut off, and as its floor the reading of what it plans from.  describe
-- and write give the description and the document.
local function planning(name, describe, write, beyond)
  return {
    name = name, timed_only = true, beyond = beyond,
    prepare = function(n)
      local described, xml = describe(n), write(n)
      local facts = { state = "shut off", persistent = true }
      return function() return assert(plan.make(described, { config = xml }, facts)) end,
        function() return core.model(described), assert(core.document(xml)) end
    end,
  }
end

-- The operations ----------------------------------------------------------------------------------------------------

-- Each makes its input for n drives and returns what virtlun does with it and, if there is one, what the floor does;
-- `keep` tells that the caller wants the result, not only the time.
local operations = {
  {
    name = "generate",
    ratio = 3,
    prepare = function(n)
      local described = tables(n)
      local structs = floor.structs(described)
      return function() return assert(core.xml(described)) end, function(keep) return floor.generate(structs, keep) end
    end,
  },
  {
    name = "parse",
    ratio = 1.6,
    prepare = function(n)
      local xml = document(n)
      return function() return assert(core.read(xml)) end, function() return floor.parse(xml) end
    end,
  },
  {
    name = "check",
    nanoseconds = 400,
    prepare = function(n)
      local described = tables(n)
      return function() return assert(core.check(described)) end
    end,
  },
  {
    name = "check, of a model",
    timed_only = true,
    prepare = function(n)
      local model = core.model(tables(n))
      return function() return model:check() end
    end,
  },
  {
    name = "diff, 1 % changed",
    nanoseconds = 1000,
    prepare = function(n)
      local desired, host = core.model(changed_tables(n)), core.document(document(n))
      return function() return core.diff(desired, host) end -- the first one makes the document's index
    end,
  },
  planning("plan, nothing differs", tables, document, 3000),
  planning("plan, 1 % changed", changed_tables, document, 3000),
  planning("plan, all changed", other_tables, document, 3000),
  planning("plan, all new", tables, function() return in_document("") end, 3000),
}

local function operation_named(name)
  for _, operation in ipairs(operations) do
    if operation.name == name then return operation end
  end
  error("no operation " .. name)
end

-- Doing the same job ------------------------------------------------------------------------------------------------

-- The path of the first difference between two values, or nil.
local function difference(a, b, path)
  if type(a) ~= "table" or type(b) ~= "table" then return a ~= b and path or nil end
  for key, value in pairs(a) do
    local found = difference(value, b[key], path .. "." .. tostring(key))
    if found then return found end
  end
  for key in pairs(b) do
    if a[key] == nil then return path .. "." .. tostring(key) end
  end
end

local function assert_same(what, a, b)
  local path = difference(a, b, "domain")
  if path then error(what .. " differ at " .. path .. ": their ratio would compare different jobs") end
end

local function assert_same_jobs()
  local n = 2500
  local described = tables(n)
  local xml = in_document(floor.generate(floor.structs(described), true))
  assert_same("core.xml and the floor's text", core.read(in_document(core.xml(described))), core.read(xml))
  assert_same("core.read and the floor's tables", core.read(xml), floor.parse(xml))
  local changes = operation_named("diff, 1 % changed").prepare(n)()
  assert(#changes == changes_of(n), "core.diff found another number of changes than were made")
end

-- Measuring ---------------------------------------------------------------------------------------------------------

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local middle = (#sorted + 1) // 2
  return #sorted % 2 == 1 and sorted[middle] or (sorted[middle] + sorted[middle + 1]) / 2
end

-- CPU seconds of so many runs, starting without garbage.
local function cpu_of(work, times)
  collectgarbage()
  local before = floor.cpu()
  for _ = 1, times do work() end
  return floor.cpu() - before
end

local function times_for(work)
  local times = 1
  while cpu_of(work, times) < SHORTEST do times = times * 2 end
  return times
end

-- Nanoseconds a drive of virtlun and of its floor, and the ratio; the latter two are nil if there is no floor.
local function time_of(operation, n)
  local work, lowest = operation.prepare(n)
  local work_times, lowest_times = times_for(work), lowest and times_for(lowest)
  local own, floors, ratios = {}, {}, {}
  for round = 1, ROUNDS do
    own[round] = cpu_of(work, work_times) / work_times / n * 1e9
    if lowest then
      floors[round] = cpu_of(lowest, lowest_times) / lowest_times / n * 1e9
      ratios[round] = own[round] / floors[round]
    end
  end
  return median(own), lowest and median(floors), lowest and median(ratios)
end

-- Memory: each operation runs once in a process of its own, which this same file is.

local function peak_of_this_process()
  for line in io.lines("/proc/self/status") do
    local kilobytes = line:match("^VmHWM:%s*(%d+)")
    if kilobytes then return tonumber(kilobytes) end
  end
  error("the system does not tell the peak of a process")
end

local function run_once(name, side, n)
  local work, lowest = operation_named(name).prepare(n)
  collectgarbage()
  local result = (side == "floor" and lowest or work)(true)
  assert(result)
  print(peak_of_this_process())
end

local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local function interpreter()
  local first = 0
  while arg[first - 1] do first = first - 1 end
  return arg[first]
end

-- Peak in MB of a process that has the input and performs the operation once.
local function peak_of(name, side)
  local words = { interpreter(), arg[0], "--once", name, side, tostring(MEMORY_SIZE) }
  for i, word in ipairs(words) do words[i] = quoted(word) end
  local pipe = assert(io.popen(table.concat(words, " ")))
  local text = pipe:read("a")
  assert(pipe:close(), "the process that measures memory failed")
  return tonumber(text) / 1024
end

-- Milliseconds from start to end of a process that only loads the module, and of one that does nothing.
local function start_of(module)
  local own, empty, ratios = {}, {}, {}
  for round = 1, STARTS do
    own[round] = floor.start(interpreter(), "-e", ("require %q"):format(module)) * 1e3
    empty[round] = floor.start(interpreter(), "-e", "") * 1e3
    ratios[round] = own[round] / empty[round]
  end
  return median(own), median(empty), median(ratios)
end

-- The report --------------------------------------------------------------------------------------------------------

local function with_commas(number)
  local text = ("%d"):format(number):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (text:gsub("^,", ""))
end

local function nanoseconds(value) return ("%s ns"):format(with_commas(math.floor(value + 0.5))) end
local function megabytes(value) return ("%.0f MB"):format(value) end
local function milliseconds(value) return ("%.2f ms"):format(value) end
local function factor(value) return ("%.2fx"):format(value) end

local function show_progress(what)
  io.stderr:write(what, " ...\n")
end

-- A row: what was measured, and whether value is at most limit. Without a limit it is for information.
local function row(name, size, own, lowest, ratio, goal, value, limit)
  return {
    cells = { name, size, own, lowest or "", ratio and factor(ratio) or "", goal or "" },
    met = limit and value <= limit,
  }
end

local function time_row(operation, n, own, lowest, ratio)
  local counts = n <= LARGEST_RATIO_SIZE
  local goal, value, limit
  if counts and operation.ratio then
    goal, value, limit = ("at most %gx"):format(operation.ratio), ratio, operation.ratio
  elseif counts and operation.nanoseconds then
    goal, value, limit = "at most " .. nanoseconds(operation.nanoseconds), own, operation.nanoseconds
  elseif n >= FEWEST_BEYOND and operation.beyond then
    goal, value, limit = "floor + " .. nanoseconds(operation.beyond), own - lowest, operation.beyond
  end
  local floors = lowest and nanoseconds(lowest)
  return row(operation.name, with_commas(n), nanoseconds(own), floors, ratio, goal, value, limit)
end

-- Rows of all operations for all sizes; times[name][n] keeps what growth needs.
local function add_times(rows, sizes)
  local times = {}
  for _, operation in ipairs(operations) do times[operation.name] = {} end
  local by_operation = {}
  for _, n in ipairs(sizes) do
    for i, operation in ipairs(operations) do
      show_progress(("%s, %s"):format(operation.name, with_commas(n)))
      local own, lowest, ratio = time_of(operation, n)
      times[operation.name][n] = { own = own, floor = lowest }
      by_operation[i] = by_operation[i] or {}
      table.insert(by_operation[i], time_row(operation, n, own, lowest, ratio))
    end
  end
  for _, list in ipairs(by_operation) do table.move(list, 1, #list, #rows + 1, rows) end
  return times
end

-- How much more a drive costs among many. 1 is linear in all but name; caches alone cost any program something.
local function add_growth(rows, times)
  local span = ("%s to %s"):format(with_commas(GROWTH_FROM), with_commas(GROWTH_TO))
  for _, operation in ipairs(operations) do
    local few, many = times[operation.name][GROWTH_FROM], times[operation.name][GROWTH_TO]
    if few and many then
      local growth = many.own / few.own
      local floors = few.floor and factor(many.floor / few.floor)
      rows[#rows + 1] = row("growth of " .. operation.name, span, factor(growth), floors, nil, "at most 4x", growth, 4)
    end
  end
end

local function add_memory(rows)
  for _, operation in ipairs(operations) do
    if not operation.timed_only then
      show_progress("memory of " .. operation.name)
      local own = peak_of(operation.name, "virtlun")
      local lowest = operation.ratio and peak_of(operation.name, "floor")
      local ratio = lowest and own / lowest
      rows[#rows + 1] = row("peak memory of " .. operation.name, with_commas(MEMORY_SIZE), megabytes(own),
        lowest and megabytes(lowest), ratio, ratio and "at most 1.3x", ratio, ratio and 1.3)
    end
  end
end

local function add_start(rows)
  show_progress("start of the process")
  local module = package.searchpath("virtlun", package.path) and "virtlun" or "virtlun.core"
  local own, empty, ratio = start_of(module)
  rows[#rows + 1] = row(("start with require %q"):format(module), "", milliseconds(own), milliseconds(empty), ratio,
    "at most 4 ms", own, 4)
end

local function first_match(path, pattern)
  local file = io.open(path)
  local text = file and file:read("a") or ""
  if file then file:close() end
  return text:match(pattern) or "unknown"
end

local function print_machine()
  local file = io.open("/proc/cpuinfo")
  local _, cores = (file and file:read("a") or ""):gsub("processor%s*:", "")
  if file then file:close() end
  print(("%s, %d cores, %s, %s, libxml2 %s; %s."):format(first_match("/proc/cpuinfo", "model name%s*: ([^\n]+)"), cores,
    first_match("/etc/os-release", 'PRETTY_NAME="([^"]+)"'), _VERSION, floor.LIBXML2, os.date("!%Y-%m-%d")))
  print(("Times are CPU time for each CD drive, medians of %d rounds; the start is wall time."):format(ROUNDS))
  print("Floors: snprintf from C structs, SAX2 filling plain Lua tables, reading what is planned; an empty process.")
  print("Memory is the peak of the whole process, its input included.\n")
end

local function print_rows(rows)
  local lines = { { "operation", "CD drives", "virtlun", "floor", "ratio", "goal", "met" } }
  for _, each in ipairs(rows) do
    local line = table.move(each.cells, 1, #each.cells, 1, {})
    line[#line + 1] = each.met == nil and "" or each.met and "yes" or "no"
    lines[#lines + 1] = line
  end
  local widths = {}
  for _, line in ipairs(lines) do
    for i, cell in ipairs(line) do widths[i] = math.max(widths[i] or 0, #cell) end
  end
  local function is_text(i) return i == 1 or i >= 6 end
  for number, line in ipairs(lines) do
    local cells, rule = {}, {}
    for i, cell in ipairs(line) do
      local space = (" "):rep(widths[i] - #cell)
      cells[i] = is_text(i) and cell .. space or space .. cell
      rule[i] = ("-"):rep(widths[i] - 1) .. (is_text(i) and "-" or ":")
    end
    print("| " .. table.concat(cells, " | ") .. " |")
    if number == 1 then print("| " .. table.concat(rule, " | ") .. " |") end
  end
end

local function print_summary(rows)
  local met, goals = 0, 0
  for _, each in ipairs(rows) do
    if each.met ~= nil then goals = goals + 1 end
    if each.met then met = met + 1 end
  end
  print(("\n%d of %d goals met."):format(met, goals))
end

local function run(sizes)
  local rows = {}
  assert_same_jobs()
  local times = add_times(rows, sizes)
  add_growth(rows, times)
  add_memory(rows)
  add_start(rows)
  print_machine()
  print_rows(rows)
  print_summary(rows)
end

local function sizes_of(words)
  local sizes = {}
  for i, word in ipairs(words) do
    sizes[i] = math.tointeger(tonumber(word))
    local good = sizes[i] and sizes[i] >= 1 and sizes[i] <= MEMORY_SIZE
    if not good then error(("a number of drives is 1 to %d: %s"):format(MEMORY_SIZE, word), 0) end
  end
  return sizes[1] and sizes or SIZES
end

if arg[1] == "--once" then run_once(arg[2], arg[3], math.tointeger(tonumber(arg[4]))) else run(sizes_of(arg)) end
