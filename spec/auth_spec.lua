-- Credentials: those that libvirt finds in its own files, and those that somebody is asked for. The host is libvirt's
-- test driver with a user and a password in its file; spec/live/auth_spec.lua has real ones.
local backend = require("virtlun.backend")
local child = require("support.child")
local files = require("support.files")
local libvirt = require("virtlun.libvirt")
local poll = require("poll")
local tasks = require("virtlun.backend.tasks")
local virtlun = require("virtlun")

local HOST = [[
<node>
  <domain type='test'><name>t</name><memory>1024</memory><os><type>hvm</type></os></domain>
  <auth><user password='pa55'>ann</user></auth>
</node>]]

local folder, uri

setup(function()
  folder = child.folder()
  uri = "test://" .. files.write(folder .. "/host.xml", HOST)
end)
teardown(function() child.remove(folder) end)

-- A function ask that knows both, and keeps what it was asked.
local function knowing(password, kept)
  return function(prompts)
    if kept then kept[#kept + 1] = prompts end
    return { prompts[1].secret and (password or "pa55") or "ann" }
  end
end

local function threads()
  return tonumber(files.read("/proc/self/status"):match("Threads:%s*(%d+)"))
end

-- Dispatches until enough() is true.
local function pump(enough)
  while not enough() do
    assert(poll(virtlun.fd(), 10), "ten seconds, and nothing came")
    virtlun.dispatch()
  end
end

-- Opens with each of the functions ask at once, and tells what came of it.
local function open_all(asks, timeout)
  local results, left = {}, #asks
  for i, ask in ipairs(asks) do
    virtlun.async(function() return virtlun.open(uri, { timeout = timeout, ask = ask }) end, function(...)
      results[i], left = table.pack(...), left - 1
    end)
  end
  pump(function() return left == 0 end)
  return results
end

describe("credentials that nobody is asked for", function()
  local function auth_file(text)
    return files.write(folder .. "/auth.conf", "[credentials-x]\n" .. text ..
      "\n[auth-test-localhost]\ncredentials=x\n")
  end

  it("are those of the file that LIBVIRT_AUTH_FILE names", function()
    local path = auth_file("username=ann\npassword=pa55")
    local result = child.script([[print(require("virtlun").open(arg[1]).uri)]],
      { env = { LIBVIRT_AUTH_FILE = path } }, uri)
    assert.same({ uri .. "\n", "" }, { result.out, result.err })
  end)

  it("are those of the file, and only the others are asked for", function()
    local asked = {}
    local from_file = uri .. "?authfile=" .. auth_file("username=ann")
    assert(virtlun.open(from_file, { ask = knowing(nil, asked) })):close()
    assert.equal(1, #asked)
    assert.equal("passphrase", asked[1][1].type)
  end)

  it("are missing, and the problem says where libvirt looks for them", function()
    local connection, found = virtlun.open(uri)
    assert.is_nil(connection)
    assert.equal("no_credentials", found[1].code)
    assert.is_true(found[1].cause.credentials)
    assert.equal(("no connection to %s without credentials: authentication failed: Username request failed (libvirt " ..
      "looks for them in the file of LIBVIRT_AUTH_FILE, ~/.config/libvirt/auth.conf and /etc/libvirt/auth.conf)")
      :format(uri), tostring(found))
  end)
end)

describe("the function ask", function()
  it("is told what libvirt wants to know, one after the other", function()
    local asked = {}
    local connection <close> = assert(virtlun.open(uri, { ask = knowing(nil, asked) }))
    assert.equal("t", assert(connection:domains())[1].name)
    asked[2][1].challenge = asked[2][1].challenge or "localhost" -- libvirt 12.8 leaves it out
    assert.same({
      { { type = "authname", prompt = "Enter username for localhost", challenge = "localhost", secret = false },
        uri = uri },
      { { type = "passphrase", prompt = "Enter ann's password for localhost", challenge = "localhost", secret = true },
        uri = uri },
    }, asked)
  end)

  it("may be wrong, which is no lack of credentials", function()
    local connection, found = virtlun.open(uri, { ask = knowing("wrong") })
    assert.is_nil(connection)
    assert.equal("no_host", found[1].code)
    assert.equal("VIR_ERR_AUTH_FAILED", found[1].cause.name)
    assert.is_nil(found[1].cause.credentials)
  end)

  it("may give up: with nil, with too little, with what is no text", function()
    for _, answers in ipairs { false, {}, { 7 }, { {} }, "ann" } do
      local connection, found = virtlun.open(uri, { ask = function() return answers or nil end })
      assert.is_nil(connection)
      assert.equal("no_credentials", found[1].code)
    end
  end)

  it("may raise an error, which is raised by who asked for the connection, and leaves nothing behind", function()
    for _ = 1, 30 do
      assert.has_error(function() virtlun.open(uri, { ask = function() error("oh", 0) end }) end, "oh")
    end
    local told
    virtlun.async(function() virtlun.open(uri, { ask = function() error("no", 0) end }) end,
      function(_, message) told = message end)
    pump(function() return told end)
    assert.equal("no", told)
    assert.is_false(poll(virtlun.fd(), 0.1)) -- Nor does the call come back later.
  end)

  it("may take longer than the host's time", function()
    local function slowly(prompts)
      backend.sleep(0.3)
      return knowing()(prompts)
    end
    assert(virtlun.open(uri, { timeout = 0.2, ask = slowly })):close()
    for _, result in ipairs(open_all({ slowly, slowly }, 0.2)) do assert(result[1], tostring(result[2])):close() end
  end)

  it("may stop the whole state for so long, and others that wait are not late by that", function()
    local function blocking(prompts)
      local till = backend.now() + 0.3
      repeat until backend.now() > till
      return knowing()(prompts)
    end
    for _, result in ipairs(open_all({ blocking, blocking, blocking }, 0.2)) do
      assert(result[1], tostring(result[2])):close()
    end
  end)

  it("asks for one host after the other, where its task runs", function()
    local now, order, asks = 0, {}, {}
    for i = 1, 4 do
      asks[i] = function(prompts)
        now = now + 1
        assert.equal(1, now)
        backend.sleep(0.02)
        now = now - 1
        order[#order + 1] = i
        if i == 3 then error("three", 0) end
        return knowing()(prompts)
      end
    end
    local results = open_all(asks)
    assert.same({ nil, "three", n = 2 }, results[3])
    for _, i in ipairs { 1, 2, 4 } do assert(results[i][1], tostring(results[i][2])):close() end
    assert.equal(7, #order)
  end)

  it("asks for one after the other in a function that does many things at once, and waits for no others", function()
    local now, most, opened, begun, ended = 0, 0, 0, nil, nil
    local function slowly(prompts)
      now = now + 1
      most = math.max(most, now)
      backend.sleep(0.02)
      now = now - 1
      return knowing()(prompts)
    end
    virtlun.async(function()
      return virtlun.open(uri, { ask = function(prompts)
        begun = true
        backend.sleep(0.01)
        return knowing()(prompts)
      end })
    end, function(connection) ended = connection end)
    pump(function() return begun end)
    tasks.run(function()
      tasks.each({ 1, 2, 3, 4 }, 4, function()
        assert(virtlun.open(uri, { ask = slowly })):close()
        opened = opened + 1
      end)
    end)
    assert.same({ 4, 1 }, { opened, most })
    pump(function() return ended end)
    ended:close()
  end)

  it("can be called where somebody asks already, to be able to answer, and outside of tasks", function()
    local inside
    local results = open_all { function(prompts)
      inside = inside or assert(virtlun.open(uri, { ask = knowing() }))
      return knowing()(prompts)
    end }
    assert(results[1][1], tostring(results[1][2])):close()
    inside:close()
    local begun, ended
    virtlun.async(function()
      return virtlun.open(uri, { ask = function(prompts)
        begun = true
        backend.sleep(0.05)
        return knowing()(prompts)
      end })
    end, function(connection) ended = connection end)
    pump(function() return begun end)
    assert(virtlun.open(uri, { ask = knowing() })):close()
    pump(function() return ended end)
    ended:close()
  end)

  it("is nobody else's to hear: no answer is logged", function()
    local heard = {}
    virtlun.log(function(...) heard[#heard + 1] = table.concat({ ... }, " ", 1, 2) end)
    assert(virtlun.open(uri, { ask = knowing() })):close()
    virtlun.log(nil)
    local text = table.concat(heard, "\n")
    assert.truthy(text:find("open", 1, true))
    assert.is_nil(text:find("pa55", 1, true))
  end)
end)

describe("a question that nobody will answer", function()
  it("ends when its connection is collected, asked already or not yet", function()
    for i = 1, 40 do
      local connection = libvirt.connection()
      local id = libvirt.submit("open", connection, { ask = true }, uri)
      if i % 2 == 0 then assert(poll(libvirt.fd(), 10)) end
      connection = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      local came, result, failure = libvirt.take(id, 10)
      assert.same({ id, true }, { came, failure and failure.credentials, result })
    end
  end)

  it("ends when its call is given up: no thread waits for an answer any more", function()
    local before = threads()
    for i = 1, 80 do
      local connection = libvirt.connection()
      local id = libvirt.submit("open", connection, { ask = true }, uri)
      if i % 2 == 0 then assert(poll(libvirt.fd(), 10)) end
      assert.equal("begun", libvirt.abandon(connection, id))
      assert.is_nil(libvirt.take(id, 0))
      assert(virtlun.open("test:///default")):close()
    end
    assert.is_true(threads() < before + 40, threads())
  end)

  -- The process ends while a thread still opens the connection, and what that has is seen as lost.
  it("ends with the state, whoever has it then", function()
    for _, ending in ipairs {
      [[libvirt.submit("open", libvirt.connection(), { ask = true }, uri)]],
      [[libvirt.submit("open", libvirt.connection(), { ask = true }, uri) poll(libvirt.fd(), 10)]],
      [[local connection = libvirt.connection()
        local id, question = libvirt.take(libvirt.submit("open", connection, { ask = true }, uri), 10)
        assert(id and question and connection)]],
      [[virtlun.open(uri, { ask = function() os.exit(0, true) end })]],
      [[virtlun.async(function() virtlun.open(uri, { ask = function() coroutine.yield() end }) end)
        poll(libvirt.fd(), 10)]],
    } do
      local result = child.script([[
        local virtlun, libvirt, poll = require "virtlun", require "virtlun.libvirt", require "poll"
        local uri = arg[1]
        ]] .. ending .. " os.exit(0, true)", { env = { ASAN_OPTIONS = "detect_leaks=0" } }, uri)
      assert.same({ "", "", 0 }, { result.out, result.err, result.code }, ending)
    end
  end)
end)

describe("the command", function()
  it("asks nobody where there is no terminal", function()
    local result = child.virtlun({ "show", "-c", uri, "t" }, { stdin = "ann\npa55\n" })
    assert.equal(1, result.code)
    assert.truthy(result.err:find("without credentials: ", 1, true), result.err)
  end)

  local has_script = child.run({ "sh", "-c", "command -v script" }, { env = { LD_PRELOAD = false } }).code == 0
  if not has_script then
    it("was not tried on a terminal", function() pending("script (of util-linux) is not on this machine") end)
    return
  end

  -- Types each text when a terminal shows the words before it; what it has shown at the end, with how it then is.
  local function on_terminal(dialogue)
    local seen = folder .. "/seen"
    local lines = { ": >" .. seen, "(" }
    for _, step in ipairs(dialogue) do
      lines[#lines + 1] = ("until grep -q %s %s; do sleep 0.02; done"):format(child.quote(step[1]), seen)
      lines[#lines + 1] = ("printf %s"):format(child.quote(step[2]))
    end
    local preload = os.getenv("LD_PRELOAD")
    -- Ctrl-C reaches the shell too, and must not end it.
    local inner = ("trap : INT; env %s %s show -c %s t; echo code $?; stty -a"):format(
      preload and child.quote("LD_PRELOAD=" .. preload) or "", child.command, uri)
    lines[#lines + 1] = ("until grep -q speed %s; do sleep 0.02; done"):format(seen)
    lines[#lines + 1] = (") | script -qefc %s %s >/dev/null"):format(child.quote(inner), seen)
    child.run({ "sh", "-c", table.concat(lines, "\n") }, { env = { LD_PRELOAD = false }, timeout = 20 })
    return (files.read(seen):gsub("\r", ""))
  end

  it("asks on a terminal, and shows no password", function()
    local text = on_terminal { { "username", "ann\n" }, { "password", "pa55\n" } }
    assert.truthy(text:find(uri .. ": Enter username for localhost: ann\n", 1, true), text)
    assert.truthy(text:find(uri .. ": Enter ann's password for localhost: \n", 1, true), text)
    assert.truthy(text:find("t  running", 1, true), text)
    assert.truthy(text:find("\ncode 0\n", 1, true), text)
    assert.is_nil(text:find("pa55", 1, true))
    assert.truthy(text:find(" iexten echo ", 1, true), text)
  end)

  it("leaves the terminal as it was when it is interrupted", function()
    local text = on_terminal { { "username", "ann\n" }, { "password", "\3" } }
    assert.truthy(text:find("virtlun: interrupted; nothing was changed\ncode 130\n", 1, true), text)
    assert.truthy(text:find(" iexten echo ", 1, true), text)
  end)
end)
