-- Completion: the words that `virtlun complete` offers, and the scripts that hand them to each shell.
local child = require("support.child")

local build = os.getenv("VIRTLUN_BUILD") or "build"

-- What can stand for the last word of a command line; the line may end with a blank.
local function offered(line)
  local words = { "complete", "--" }
  for word in (line .. "\n"):gmatch("(%S*)%s") do words[#words + 1] = word end
  local result = child.virtlun(words)
  assert.same({ "", 0 }, { result.err, result.code }, line)
  return (result.out:gsub("\n$", ""):gsub("\n", " "))
end

describe("virtlun complete", function()
  it("offers commands, and none that only shells call", function()
    assert.equal("apply attach", offered "a")
    assert.equal("complet" .. "ion", offered "comp")
    assert.equal("--version", offered "--v")
    assert.truthy((offered ""):find("^%-%-help %-%-version %-h apply "))
    assert.equal("", offered "zzz")
    assert.equal("", offered "zzz a")
  end)

  it("offers the options of the command", function()
    assert.equal("--only --out", offered "plan --o")
    assert.equal("", offered "render --o")
    assert.truthy((" " .. offered "apply spec/recipes/dvd.lua -"):find(" %-%-plan "))
  end)

  it("offers what an argument can be", function()
    assert.equal("bash fish zsh", offered "completion ")
    assert.equal("cdrom controller", offered "attach -c test:///default test c")
    assert.truthy((" " .. offered "help addr"):find(" address_taken "))
    assert.equal("insert", offered "help ins")
    assert.equal("include include_cycle", offered "help incl")
  end)

  it("lets ssh ask nobody, who has pressed no more than a key", function()
    local result = child.script([[
      require("virtlun").open = function(uri, opts) print(uri, opts.tty) end
      require("virtlun.cli").main(arg)]], {}, "complete", "--", "show", "-c", "qemu+ssh://h/system", "")
    assert.equal("qemu+ssh://h/system\tfalse\n", result.out, result.err)
  end)

  it("offers domains and drives of the host, which it only reads", function()
    assert.equal("test", offered "show -c test:///default ")
    assert.equal("test", offered "show --connect test:///default test te")
    assert.equal("test", offered "insert --timeout 3 -c test:///default t")
    assert.equal("test", offered "insert --connect=test:///default ")
    assert.equal("", offered "show -c nonsense:///x ")
    local result = child.script([[
      local virtlun, cli = require "virtlun", require "virtlun.cli"
      local held = virtlun.open "test:///default"
      assert(held:domain("test"):attach { kind = "cdrom", dev = "sdk" })
      assert(held:domain("test"):attach { kind = "disk", dev = "sdl", source = "/d.raw" })
      for _, command in ipairs { "insert", "eject", "detach" } do
        cli.main { "complete", "--", command, "-c", "test:///default", "test", "" }
      end
      cli.main { "complete", "--", "reboot", "-c", "test:///default", "test", "--from", "" }
      held:close()]])
    assert.equal("sdk\nsdk\ncontroller0\nsdk\nsdl\nsdk\nsdl\n", result.out)
  end)

  it("leaves files to the shell", function()
    for _, line in ipairs { "plan ", "plan spec/", "apply --plan ", "plan x.lua ", "insert test sda /" } do
      assert.equal("", offered(line))
    end
  end)
end)

-- A script that shows what is offered for each line, in each shell: as the shell would call it, for want of a keyboard.
local SHELLS = {
  bash = [[
source <(virtlun completion bash)
complete -p virtlun
try() { COMP_LINE=$1 COMP_POINT=${#1}; COMPREPLY=(); _virtlun virtlun; echo "$1: ${COMPREPLY[*]}"; }
try "virtlun pl"; try "virtlun show -c test:///default "; try "virtlun plan spec/recipes/dvd.l"]],
  zsh = [[
compdef() { print "$*"; }
compadd() { print -r -- "${(j: :)words}: ${(P)2}"; }
_files() { print -r -- "${(j: :)words}: files"; }
source <(virtlun completion zsh)
try() { words=("$@"); CURRENT=$#words; PREFIX=$words[-1]; _virtlun; }
try virtlun pl; try virtlun show -c test:///default ""; try virtlun plan spec/recipes/dvd.l]],
  fish = [[
source (virtlun completion fish | psub)
for line in "virtlun pl" "virtlun show -c test:///default " "virtlun plan spec/recipes/dvd.l"
    echo "$line:" (complete -C $line)
end]],
}
local SHOWN = {
  bash = "complete -o bashdefault -o default -F _virtlun virtlun\nvirtlun pl: plan\n" ..
    "virtlun show -c test:///default : test\nvirtlun plan spec/recipes/dvd.l: \n",
  zsh = "_virtlun virtlun\nvirtlun pl: plan\nvirtlun show -c test:///default : test\n" ..
    "virtlun plan spec/recipes/dvd.l: files\n",
  fish = "virtlun pl: plan\nvirtlun show -c test:///default : test\n" ..
    "virtlun plan spec/recipes/dvd.l: spec/recipes/dvd.lua\n",
}

describe("the completion of", function()
  for _, shell in ipairs { "bash", "zsh", "fish" } do
    if child.run({ "sh", "-c", "command -v " .. shell }, { env = { LD_PRELOAD = false } }).code ~= 0 then
      it(shell .. " was not tried", function() pending(shell .. " is not on this machine") end)
      print(("skipped: cli_completion_spec, %s is not on this machine"):format(shell))
    else
      it(shell .. " offers words and files", function()
        -- A shell of its own sanitizer would be looked at; only the command is.
        local preload = os.getenv("LD_PRELOAD")
        local folder = child.folder()
        finally(function() child.remove(folder) end)
        assert(os.execute(([[printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' >%s/virtlun && chmod +x %s/virtlun]])
          :format("'\\''" .. (preload or "") .. "'\\''", build .. "/bin/virtlun", folder, folder)))
        local result = child.run({ shell, "-c", SHELLS[shell] },
          { env = { PATH = folder .. ":" .. os.getenv("PATH"), LD_PRELOAD = false, HOME = folder } })
        assert.same({ "", SHOWN[shell] }, { result.err, result.out })
      end)
    end
  end

  it("a shell is printed as make install keeps it, and of no other", function()
    for _, shell in ipairs { "bash", "zsh", "fish" } do
      assert.truthy(child.virtlun({ "completion", shell }).out:find("Completes the command virtlun in " .. shell, 1,
        true))
    end
    assert.equal(64, child.virtlun({ "completion", "csh" }).code)
  end)
end)
