-- Credentials on real daemons: a private libvirtd that wants a password, and a private sshd on the way to one.
local child = require("support.child")
local files = require("support.files")
local live = require("support.live")
local poll = require("poll")
local session = require("support.session")
local virtlun = require("virtlun")

local PATH = "PATH=$PATH:/usr/sbin:/sbin; "

local function shell(line)
  return child.run({ "sh", "-c", PATH .. line }, { env = { LD_PRELOAD = false }, timeout = 20 })
end

-- Why there can be no such daemon here: the first of the commands that is missing.
local function missing(...)
  local why = session.missing()
  if why then return why end
  for _, command in ipairs { ... } do
    if shell("command -v " .. command).code ~= 0 then return "not on this machine: " .. command end
  end
  if os.getenv("VIRTLUN_LIVE_ROOT") then return "daemons of other releases have neither SASL nor sshd" end
end

describe("a daemon that wants a password", function()
  if live.skips_all(missing("saslpasswd2")) then return end

  local daemon

  setup(function() daemon = session.start { auth = "sasl" } end)
  teardown(function() daemon:stop() end)

  -- Answers for both prompts, which SASL has in one question.
  local function knowing(password, kept)
    return function(prompts)
      local answers = {}
      for i, prompt in ipairs(prompts) do
        if prompt.secret then answers[i] = password or nil else answers[i] = "ann" end
        if kept then kept[#kept + 1] = prompt.type end
      end
      return answers
    end
  end

  it("gets it from whoever is asked", function()
    local asked = {}
    local connection <close> = assert(virtlun.open(daemon.uri, { ask = knowing("pa55", asked) }))
    assert.same({}, assert(connection:domains()))
    table.sort(asked)
    assert.same({ "authname", "passphrase" }, asked)
  end)

  it("gets it from a file, and then nobody is asked", function()
    local path = files.write(daemon.folder .. "/auth.conf",
      "[credentials-x]\nauthname=ann\npassword=pa55\n[auth-libvirt-localhost]\ncredentials=x\n")
    assert(virtlun.open(daemon.uri .. "&authfile=" .. path, { ask = error })):close()
    local result = child.virtlun({ "show", "-c", daemon.uri }, { env = { LIBVIRT_AUTH_FILE = path } })
    assert.same({ "", 0 }, { result.err, result.code })
  end)

  it("is told of a wrong one, and none", function()
    for password, code in pairs { wrong = "no_host", [false] = "no_credentials" } do
      local connection, found = virtlun.open(daemon.uri, { ask = knowing(password) })
      assert.is_nil(connection)
      assert.equal(code, found[1].code, tostring(found))
      assert.equal("VIR_ERR_AUTH_FAILED", found[1].cause.name)
    end
    local _, found = virtlun.open(daemon.uri)
    assert.equal("no_credentials", found[1].code)
  end)

  it("lets in several at once, who are asked one after the other", function()
    local left, asking = 4, 0
    local function slowly(prompts)
      asking = asking + 1
      assert.equal(1, asking)
      require("virtlun.backend").sleep(0.05)
      asking = asking - 1
      return knowing("pa55")(prompts)
    end
    for _ = 1, 4 do
      virtlun.async(function()
        local connection <close> = assert(virtlun.open(daemon.uri, { ask = slowly, timeout = 5 }))
        return #assert(connection:domains())
      end, function(count, message)
        assert.equal(0, count, message)
        left = left - 1
      end)
    end
    while left > 0 do
      assert(poll(virtlun.fd(), 10), "ten seconds, and nothing came")
      virtlun.dispatch()
    end
  end)
end)

describe("ssh on the way to a daemon", function()
  if live.skips_all(missing("sshd", "ssh", "ssh-keygen", "nc")) then return end

  local daemon, folder, port

  -- sshd takes no port of the system's choice, so that some are tried. It wants its full path, and as root its own
  -- folder below /run, which a machine without its service lacks.
  local function start_sshd()
    files.write(folder .. "/conf", ([[
HostKey @/host
PidFile @/pid
ListenAddress 127.0.0.1
AuthorizedKeysFile @/key.pub
StrictModes no
UsePAM no
]]):gsub("@", folder))
    for try = 1, 20 do
      port = 20000 + (tonumber(folder:byte(-1)) * 331 + try * 97) % 20000
      local result = shell(([[cd %s && { [ $(id -u) != 0 ] || mkdir -p /run/sshd; } &&
        { [ -e host ] || ssh-keygen -q -t ed25519 -N '' -f host; } &&
        { [ -e key ] || ssh-keygen -q -t ed25519 -N '' -f key; } &&
        { [ -e other ] || ssh-keygen -q -t ed25519 -N '' -f other; } &&
        $(command -v sshd) -f conf -p %d -E log]]):format(folder, port))
      if result.code == 0 then return end
      assert(try < 20, result.err .. (files.read(folder .. "/log") or ""))
    end
  end

  setup(function()
    daemon = session.start()
    folder = child.folder()
    start_sshd()
  end)
  teardown(function()
    shell(("kill $(cat %s/pid)"):format(folder))
    child.remove(folder)
    daemon:stop()
  end)

  -- The URI with an ssh that knows nothing of the user's own keys and hosts. known: the key of which it holds to be the
  -- server's.
  local function uri(key, known)
    files.write(folder .. "/known", known and ("[127.0.0.1]:%d %s"):format(port, files.read(folder .. known)) or "")
    files.write(folder .. "/ssh", ("#!/bin/sh\nexec ssh -F /dev/null -o UserKnownHostsFile=%s/known " ..
      "-o GlobalKnownHostsFile=/dev/null -o IdentitiesOnly=yes -o IdentityAgent=none \"$@\"\n"):format(folder))
    shell(("chmod 755 %s/ssh"):format(folder))
    return ("qemu+ssh://127.0.0.1:%d/session?socket=%s&keyfile=%s&command=%s/ssh"):format(port,
      daemon.uri:match("socket=(.*)"), folder .. key, folder)
  end

  local function refused(where, opts)
    local connection, found = virtlun.open(where, opts)
    assert.is_nil(connection)
    return found[1]
  end

  it("leads there with a key, and the connection's URI is the one that was given", function()
    local where = uri("/key", "/host.pub")
    local connection <close> = assert(virtlun.open(where, { tty = false }))
    assert.same({}, assert(connection:domains()))
    assert.equal(where, connection.uri)
    assert(virtlun.open(where, { tty = true })):close()
  end)

  it("fails without a terminal where it would have to ask, and that is told", function()
    for _, where in ipairs { uri("/other", "/host.pub"), uri("/none", "/host.pub") } do
      local problem = refused(where, { tty = false })
      assert.equal("no_terminal", problem.code)
      assert.is_true(problem.cause.credentials)
      assert.truthy(problem.message:find("Permission denied (publickey", 1, true), problem.message)
      assert.is_nil(problem.message:find("no_tty", 1, true))
    end
    local problem = refused(uri("/key", nil), { tty = false })
    assert.equal("no_terminal", problem.code)
    assert.truthy(problem.message:find("Host key verification failed", 1, true), problem.message)
  end)

  it("fails otherwise where nobody could help", function()
    local where = uri("/key", "/other.pub")
    local problem = refused(where, { tty = false })
    assert.equal("no_host", problem.code)
    assert.is_nil(problem.cause.credentials)
    assert.truthy(problem.message:find("HOST IDENTIFICATION HAS CHANGED", 1, true), problem.message)
    assert.equal("no_host", refused((uri("/key", "/host.pub"):gsub(":%d+/", ":1/")), { tty = false }).code)
  end)

  it("is refused to a recipe, as it runs a program", function()
    local where = uri("/key", "/host.pub")
    assert.equal("transport_runs", refused(where, { transports = { "ssh" } }).code)
    assert(virtlun.open(where, { transports = { "ssh", "command" } })):close()
  end)
end)
