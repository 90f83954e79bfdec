-- The block of cells on a pseudo terminal that `script` makes, as it looks there after each byte: a screen that knows
-- what the output sends to it, and nothing else.
local child = require("support.child")

local Screen = {}
Screen.__index = Screen

local function new_screen(height, width)
  return setmetatable({ height = height, width = width, rows = { "" }, row = 1, column = 1, top = 1 }, Screen)
end

-- Puts a text where the cursor stands; no line may reach the last column, where terminals differ.
function Screen:put(chars)
  local row = self.rows[self.row]
  row = row .. (" "):rep(self.column - 1 - #row)
  self.rows[self.row] = row:sub(1, self.column - 1) .. chars .. row:sub(self.column + #chars)
  self.column = self.column + #chars
  assert(self.column <= self.width, "too wide: " .. self.rows[self.row])
end

local MOVES = {}

function MOVES.A(screen, count)
  screen.row = screen.row - count
  assert(screen.row >= screen.top, "above the top")
end

function MOVES.K(screen)
  screen.rows[screen.row] = screen.rows[screen.row]:sub(1, screen.column - 1)
end

function MOVES.J(screen)
  MOVES.K(screen)
  for i = screen.row + 1, #screen.rows do screen.rows[i] = nil end
end

function MOVES.m() end

function Screen:down()
  self.row, self.column = self.row + 1, 1
  self.rows[self.row] = self.rows[self.row] or ""
  self.top = math.max(self.top, self.row - self.height + 1)
end

function Screen:write(bytes)
  local at = 1
  while at <= #bytes do
    local chars, count, move = bytes:match("^[^%c]+", at), bytes:match("^\27%[(%d*)(%a)", at)
    if chars then self:put(chars)
    elseif count then MOVES[move](self, tonumber(count) or 1)
    elseif bytes:sub(at, at) == "\r" then self.column = 1
    else assert(bytes:sub(at, at) == "\n", "an unknown byte") self:down()
    end
    at = at + (chars and #chars or count and #bytes:match("^\27%[%d*%a", at) or 1)
  end
end

-- A run of three domains on two hosts, with messages in between.
local RUN = [[
  local output, cells = require("virtlun.cli.output"), require("virtlun.view.cells")
  local out, now = output.new {}, 0
  local domains = {}
  for i = 1, tonumber(arg[1]) do domains[i] = { domain = "vm" .. i, uri = "a" } end
  local shown = cells.new(out, domains, function() now = now + 1 return now end)
  local function tell(event, state, domain, more)
    local told = { event = event, state = state, domain = domain, uri = "a", number = 1, total = 1, seconds = 3,
      changes = 1, made = 1, step = { action = "add", kind = "disk", device = "sda" } }
    shown:tell(told)
    io.stderr:write("\27[0m") -- so that the spec knows where a drawing ends
  end
  for i, domain in ipairs(domains) do
    tell("domain", "begin", domain.domain)
    tell("step", "begin", domain.domain)
    if i == 2 then tell("host", "waiting") end
    if i == 3 then out:message("a message") tell("host", "answering") end
    tell("domain", "done", domain.domain)
  end
  shown:close()
  out:line("the end")
]]

describe("a block on a terminal", function()
  local has_script = child.run({ "sh", "-c", "command -v script" }, { env = { LD_PRELOAD = false } }).code == 0
  if not has_script then
    it("was not tried", function() pending("script (of util-linux) is not on this machine") end)
    print("skipped: cells_terminal_spec, script (of util-linux) is not on this machine")
    return
  end

  -- The bytes of a run, and what stood on the screen after each drawing.
  local function run(height, width, domains, env)
    local preload = os.getenv("LD_PRELOAD")
    local inner = ("stty rows %d cols %d; env %s %s TERM=xterm LC_ALL=C %s -e %s - %d </dev/null"):format(height, width,
      preload and child.quote("LD_PRELOAD=" .. preload) or "", env or "", child.quote(child.lua),
      child.quote(RUN), domains)
    local result = child.run({ "script", "-qec", inner, "/dev/null" }, { env = { LD_PRELOAD = false, NO_COLOR = "1",
      LINES = false, COLUMNS = false, LUA_PATH = package.path, LUA_CPATH = package.cpath } })
    assert.equal(0, result.code, result.out)
    local screen, seen, at = new_screen(height > 0 and height or 24, width > 0 and width or 80), {}, 1
    for drawing, ends in result.out:gmatch("(.-)\27%[0m()") do
      screen:write(drawing)
      seen[#seen + 1], at = table.concat(screen.rows, "\n"), ends
    end
    screen:write(result.out:sub(at))
    return seen, table.concat(screen.rows, "\n"), result.out
  end

  it("is drawn in place, makes way for messages, and is gone at the end", function()
    local seen, left, bytes = run(24, 80, 3)
    assert.same({
      "[--------------------] 0/3 domains, 0 s\n>..\nvm1: begins",
      "[--------------------] 0/3 domains, 1 s\n>..\nvm1: [1/1] add sda",
      "[######--------------] 1/3 domains, 2 s, about 4 s left\n#..",
    }, { table.unpack(seen, 1, 3) })
    assert.equal("[######--------------] 1/3 domains, 5 s, about 10 s left\n#>.\nvm2: [1/1] add sda\n" ..
      "a has not answered for 3 s", seen[6])
    assert.equal("a message\n[#############-------] 2/3 domains, 9 s, about 5 s left\n##>\nvm3: [1/1] add sda",
      seen[10])
    assert.equal("a message\n[####################] 3/3 domains, 10 s\n###", seen[11])
    assert.equal("a message\nthe end\n", left)
    assert.truthy(bytes:find("\r\27[1A[######", 1, true), bytes)
  end)

  it("never wraps nor scrolls on a small one", function()
    local seen, left = run(5, 20, 30)
    assert.equal("[-----] 0/30 dom...\n>..............\nvm1: begins", seen[1])
    assert.equal("[-----] 1/30 dom...\n>..............\nvm2: [1/1] add sda\na has not answer...", seen[6])
    assert.equal("a message\nthe end\n", left)
    for small = 2, 6 do assert.equal("a message\nthe end\n", select(2, run(small, 30, 40))) end
  end)

  it("goes by LINES and COLUMNS, and by the usual size where nothing is known", function()
    for _, columns in ipairs { 20, 5 } do -- nothing is narrower than 20
      assert.equal("[-----] 0/30 dom...\n>..............\nvm1: begins",
        run(50, 100, 30, "LINES=5 COLUMNS=" .. columns)[1])
    end
    assert.equal(8 + 2, select(2, run(0, 0, 1200, "LINES= COLUMNS=0")[1]:gsub("[^\n]+", "")))
  end)
end)
