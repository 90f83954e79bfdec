-- Which transport a URI is of, what in it has a program run, and what of that is refused. These were given to libvirt
-- 9.0 with a harmless command, and what is said here is what ran; only those with %00 and "a;command" are careful.
local transports = require("virtlun.backend.transports")
local virtlun = require("virtlun")

local function of(uri)
  local transport, program = transports.of(uri)
  return transport and (program and transport .. ", " .. program or transport) or "unknown"
end

local function all_are(uris)
  for uri, expected in pairs(uris) do assert.same({ uri, expected }, { uri, of(uri) }) end
end

describe("the transport of a URI", function()
  it("is one word", function()
    all_are {
      ["qemu:///system"] = "unix", ["qemu+unix:///session?socket=/run/x"] = "unix", ["test:///default"] = "unix",
      ["test:/tmp/a.xml"] = "unix", ["qemu://host/system"] = "tls", ["qemu+tls://host/system"] = "tls",
      ["qemu://[::1]:16514/system"] = "tls", ["qemu+tcp://host/system"] = "tcp",
      ["qemu+ssh://user@host:22/system?keyfile=/k&no_tty=1#f"] = "ssh", ["qemu+ssh:///system"] = "ssh",
      ["qemu+libssh://host/system"] = "libssh", ["qemu+libssh2://host/system"] = "libssh2",
      ["qemu+ext:///system?command=/bin/x"] = "ext",
    }
  end)

  it("is read in whatever case, without slashes and with any driver before it", function()
    all_are {
      ["qemu+EXT:///system"] = "ext", ["qemu+Ext:/system"] = "ext", ["qemu+ext:?command=/bin/x"] = "ext",
      ["qemu+ext:system?command=/bin/x"] = "ext", ["QEMU+ext:///s"] = "ext", ["q-e.m+ext:///s"] = "ext",
      ["test+ext:///default"] = "ext", ["remote+ext:///"] = "ext", ["qemu+ext://user@/s"] = "ext",
      ["qemu+SSH:/system"] = "ssh",
    }
  end)

  it("is none that libvirt does not know", function()
    for _, uri in ipairs {
      "qemu+rsh://host/system", "qemu+://host/", "qemu+ext+unix:///s", "qemu+unix+ext:///s", "qemu+alias:///s",
      "qemu+command:///s", "qemu%2Bext:///s", "+ext:///s", " qemu+ext:///s", "qemu+ext:///s x", "//host/system",
      "/system?command=x", "?command=x", "qemu+ssh://host/s\0", "qemu+ssh://h\u{f6}st/s", "1qemu:///system", "a b",
    } do
      assert.same({ uri, "unknown" }, { uri, of(uri) })
    end
  end)

  it("is nobody's to know before a word of libvirt.conf is looked up", function()
    all_are { prod = "alias", ["prod-1_A"] = "alias", [""] = "alias" }
    assert.equal("alias", of(nil))
  end)

  it("is none where a shell or ssh could take the host or the user for more than a name", function()
    for _, uri in ipairs {
      "qemu+ssh://-oProxyCommand=x/system", "qemu+ssh://-oProxyCommand=x@host/system",
      "qemu+ssh://%2doProxyCommand=x/system", "qemu+ssh://$(x)/system", "qemu+ssh://a%20b/system",
      "qemu+ssh://h%0a/system", "qemu+ssh://a;b@h/system", "qemu+ssh://a%60b@h/system", "qemu://-x/system",
    } do
      assert.same({ uri, "unknown" }, { uri, of(uri) })
    end
    all_are { ["qemu+ssh://DOMAIN%5cann@web-1.example/system"] = "ssh", ["qemu+ssh://a%40b@h/system"] = "ssh" }
  end)
end)

describe("a URI has a program run", function()
  it("by a parameter, however that is written", function()
    all_are {
      ["qemu+ssh://h/s?command=/x"] = "ssh, parameter command", ["qemu+ssh://h?command=/x"] = "ssh, parameter command",
      ["qemu+ssh://h/s?COMMAND=/x"] = "ssh, parameter command",
      ["qemu+ssh://h/s?%63ommand=/x"] = "ssh, parameter command",
      ["qemu+ssh://h/s?x=1;command=/x"] = "ssh, parameter command",
      ["qemu+ssh://h/s?x=1&command=/x;y=2"] = "ssh, parameter command",
      ["qemu+ssh://h/s?no_tty=1&command=a&command=b"] = "ssh, parameter command",
      ["qemu+ssh://h/s?&&;;command=/x"] = "ssh, parameter command",
      ["qemu+ssh://h/s?=x&command=/x"] = "ssh, parameter command",
      ["qemu+ssh://h/s?a?b&command=/x"] = "ssh, parameter command",
      ["qemu+ssh://h/s?command%00=/x"] = "ssh, parameter command",
      ["qemu+ssh://h/s?command"] = "ssh, parameter command",
      ["qemu+ssh://h/s?a;command=/x&b"] = "ssh, parameter command",
    }
  end)

  it("on the other side too, which may be this machine: netcat, what the daemon opens in turn, a shell", function()
    all_are {
      ["qemu+ssh://h/s?netcat=/x"] = "ssh, parameter netcat",
      ["qemu+libssh://h/s?NetCat=/x"] = "libssh, parameter netcat",
      ["qemu+unix:///s?name=qemu%2Bext://x/s%3fcommand=/x"] = "unix, parameter name",
      ["qemu+tls://h/s?name=qemu:///system"] = "tls, parameter name",
      ["qemu+ssh://h/s?socket=/tmp/x%3btouch%20y"] = "ssh, parameter socket",
      ["qemu+ssh://h/s?socket=/tmp/x'y"] = "ssh, parameter socket",
      ["qemu+libssh://h/s?socket=$(id)"] = "libssh, parameter socket",
      ["qemu+LIBSSH2://h/s?socket=%60id%60"] = "libssh2, parameter socket",
      ["qemu+ssh://h/s?socket=/a;b&x=1"] = "ssh, parameter socket",
    }
  end)

  it("by an embedded driver, which starts what is in its folder", function()
    all_are {
      ["qemu:///embed?root=/x"] = "unix, path /embed", ["qemu:/embed"] = "unix, path /embed",
      ["qemu:///%65mbed"] = "unix, path /embed", ["qemu:///embed%00x"] = "unix, path /embed",
      ["qemu://h/embed?root=/x"] = "tls, path /embed",
    }
  end)

  it("not by what only looks like that", function()
    all_are {
      ["qemu+ssh://h/s#?command=/x"] = "ssh", ["qemu+ssh://h/s?x#&command=/x"] = "ssh",
      ["qemu+ssh://h/s?x%26command=/x"] = "ssh", ["qemu+ssh://h/s?mycommand=/x&x=command"] = "ssh",
      ["qemu+ssh://h/s?socket=/run/user/1000/libvirt/libvirt-sock"] = "ssh", ["qemu+ssh://h/command=x"] = "ssh",
      ["qemu+unix:///s?socket=/tmp/a b"] = "unknown", ["qemu+unix:///s?socket=/tmp/a%20b"] = "unix",
      ["qemu:////embed"] = "unix", ["qemu:///embed/"] = "unix",
    }
  end)
end)

describe("a URI is refused", function()
  local function said(uri, allowed, about)
    local found = virtlun.problems()
    local good = transports.complain(found, about or {}, uri, allowed)
    assert.equal(#found == 0, good)
    return tostring(found)
  end

  it("in a recipe if it runs a program", function()
    for _, uri in ipairs { "qemu:///system", "qemu+ssh://h/system", "qemu+tcp://h/system", "prod" } do
      assert.equal("", said(uri))
    end
    assert.equal("a.lua:3: web01: qemu+ext:///s?command=/x leads over 'ext', and only these are allowed: unix, ssh, " ..
      "libssh, libssh2, tls, tcp, alias (--transports allows what it lists)",
      said("qemu+ext:///s?command=/x", nil, { name = "web01", file = "a.lua", line = 3 }))
    assert.equal("opening qemu+ssh://h/s?command=/x runs a program, by its parameter command " ..
      "(--transports allows it if command is in its list)", said("qemu+ssh://h/s?command=/x"))
    assert.equal("qemu+rsh://h/s is no URI with a known transport, host and user " ..
      "(write: qemu+ssh://user@host/system)", said("qemu+rsh://h/s"))
  end)

  it("where a list does not have it", function()
    assert.equal("", said("qemu+ext:///s?command=/x", { "ext" }))
    assert.equal("", said("qemu+ssh://h/s?command=/x", { "ssh", "command" }))
    assert.equal("", said("prod", { "alias" }))
    assert.truthy(said("qemu+ssh://h/s?command=/x", { "ssh", "ext" }):find("runs a program", 1, true))
    assert.truthy(said("qemu:///system", { "ssh", "tls" }):find("leads over 'unix'", 1, true))
    assert.truthy(said("prod", { "ssh", "tls" }):find("prod leads over 'alias'", 1, true))
    assert.truthy(said(nil, { "unix" }):find("libvirt's default leads over 'alias'", 1, true))
    assert.truthy(said("qemu+rsh://h/s", transports.WORDS):find("no URI", 1, true))
  end)

  it("by virtlun.open before anything is opened", function()
    local connection, found = virtlun.open("test+ext:///default?command=/bin/false", { transports = { "unix" } })
    assert.is_nil(connection)
    assert.equal("transport_refused", found[1].code)
    assert(virtlun.open("test:///default", { transports = { "unix" } })):close()
  end)
end)

describe("ssh without a terminal", function()
  it("is told so behind all that the URI says", function()
    for uri, expected in pairs {
      ["qemu+ssh://h/system"] = "qemu+ssh://h/system?no_tty=1",
      ["qemu+ssh://h/system?no_tty=0&x=1#f"] = "qemu+ssh://h/system?no_tty=0&x=1&no_tty=1#f",
      ["qemu+ssh://h/system?a=1;b=2"] = "qemu+ssh://h/system?a=1;b=2;no_tty=1",
      ["qemu:///system"] = "qemu:///system", ["qemu+libssh://h/system"] = "qemu+libssh://h/system", prod = "prod",
    } do
      local opened, added = transports.without_terminal(uri)
      assert.equal(expected, opened)
      assert.equal(uri, transports.as_given(opened, added))
    end
  end)

  it("fails where it would have to ask, and then asking could help", function()
    local wanted = transports.wanted_terminal
    local denied = "Cannot recv data: ann@h: Permission denied (publickey,password).: Connection reset by peer"
    assert.is_true(wanted("qemu+ssh://h/system", denied))
    assert.is_true(wanted("qemu+ssh://h/system", "Cannot recv data: Host key verification failed.: Connection reset"))
    assert.is_false(wanted("qemu+ssh://h/system", "WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! " ..
      "Host key verification failed."))
    assert.is_false(wanted("qemu+ssh://h/system", "ssh: Could not resolve hostname h: Name or service not known"))
    assert.is_false(wanted("qemu+tls://h/system", denied))
  end)
end)
