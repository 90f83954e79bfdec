-- The command with several domains on several hosts, each a file of libvirt's test driver: which of them it takes, what
-- it keeps in a retry file, how it goes on in batches, and how it exits.  What was told to such a host is gone with the
-- command, so that every run begins anew.
local child = require("support.child")
local dkjson = require("dkjson")
local files = require("support.files")
local host_xml = require("support.host_xml")

local folder, one, two, recipe

local NODE_TWO = host_xml.node { "db01", "db02" }

before_each(function()
  folder = child.folder()
  one = "test://" .. files.write(folder .. "/one.xml", host_xml.node { "web01", "web02" })
  two = "test://" .. files.write(folder .. "/two.xml", NODE_TWO)
  recipe = files.write(folder .. "/recipe.lua", ([[
    local hosts = { { "%s", "web01", "web02" }, { "%s", "db01", "db02" } }
    for _, host in ipairs(hosts) do
      for i = 2, 3 do domain(host[i]) { uri = host[1], scope = "config", cdrom { dev = "sda", source = "/a.iso" } } end
    end]]):format(one, two))
end)
after_each(function() child.remove(folder) end)

local function run(line)
  local words = {}
  for word in line:gmatch("%S+") do words[#words + 1] = (word:gsub("@", folder)) end
  return child.virtlun(words)
end

local function apply(more) return run("apply --yes @/recipe.lua " .. (more or "")) end

-- One of the hosts cannot be reached until it is back.
local function lose_two() os.remove(folder .. "/two.xml") end
local function bring_two_back() files.write(folder .. "/two.xml", NODE_TWO) end

-- How each domain ended, by the data of a run that has to exit so.
local function ends(code, line)
  local result = run("apply --yes --json @/recipe.lua " .. line)
  assert.equal(code, result.code, result.err .. result.out)
  local last
  for text in result.out:gmatch("[^\n]+") do last = text end
  local data, words = assert(dkjson.decode(last)), {}
  for i, entry in ipairs(data.domains) do words[i] = entry.domain .. " " .. entry.result end
  return table.concat(words, ", "), data, result
end

describe("apply on several hosts", function()
  it("makes all, and exits 0", function()
    local said, data = ends(0, "")
    assert.equal("web01 done, web02 done, db01 done, db02 done", said)
    assert.same({ 8, 8, 0 }, { data.changes, data.done, #data.problems })
    assert.same({ one, two }, { data.domains[1].uri, data.domains[3].uri })
    assert.same({ 2, 2 }, { data.domains[1].changes, data.domains[1].done })
  end)

  it("exits 3 where a host cannot be reached, and names it once", function()
    lose_two()
    local said, data = ends(3, "")
    assert.equal("web01 done, web02 done, db01 failed, db02 failed", said)
    assert.same({ "no_host", two, 1 }, { data.problems[1].code, data.problems[1].value, #data.problems })
    assert.is_nil(data.domains[3].changes)
    local result = apply()
    assert.equal(3, result.code)
    assert.equal(1, select(2, ("\n" .. result.err):gsub("\nno connection to ", ""))) -- and once where it is counted
  end)

  it("exits 1 where nothing was changed", function()
    lose_two()
    os.remove(folder .. "/one.xml")
    assert.equal("web01 failed, web02 failed, db01 failed, db02 failed", (ends(1, "")))
  end)

  it("makes nothing where one description is wrong", function()
    files.write(folder .. "/two.xml", host_xml.node { "db01", "db03" })
    local said, data = ends(1, "")
    assert.equal("web01 left, web02 left, db01 left, db02 failed", said)
    assert.same({ "no_such_domain", "did you mean 'db01'?", 1, 0 }, { data.problems[1].code, data.problems[1].hint,
      #data.problems, data.done })
  end)

  it("plans all of them, and fails where one cannot be planned", function()
    local result = run("plan --json @/recipe.lua")
    local data = assert(dkjson.decode(result.out))
    assert.same({ 0, 4, 8 }, { result.code, #data.plans, data.changes })
    lose_two()
    result = run("plan --json @/recipe.lua")
    data = assert(dkjson.decode(result.out))
    assert.same({ 1, 2, 1 }, { result.code, #data.plans, #data.problems })
  end)
end)

describe("--limit", function()
  it("takes domains by their names and uris, and by patterns of both", function()
    for limit, expected in pairs {
      ["web02"] = "web02 done",
      ["web*"] = "web01 done, web02 done",
      ["*01"] = "web01 done, db01 done",
      ["test://@/two.xml"] = "db01 done, db02 done",
      ["*two*"] = "db01 done, db02 done",
      ["db02 --limit web01"] = "web01 done, db02 done",
      ["web.1 --limit *"] = false, ["web"] = false, ["b01"] = false, ["*/tow.xml"] = false,
    } do
      if expected then assert.equal(expected, (ends(0, "--limit " .. limit)), limit)
      else assert.equal(1, apply("--limit " .. limit).code, limit)
      end
    end
  end)

  it("says which pattern fits nothing, and then makes nothing", function()
    local result = apply("--limit db01 --limit wbe01 --limit x*")
    assert.equal(1, result.code)
    assert.equal("'wbe01' is the name or uri of no described domain (did you mean 'web01'?)\n" ..
      "'x*' is the name or uri of no described domain\n", result.err)
    assert.equal("", result.out)
    local _, count = run("plan --json --limit nobody @/recipe.lua").out:gsub('"no_such_target"', "")
    assert.equal(1, count)
  end)

  it("asks no host that is not needed", function()
    lose_two()
    assert.equal("web01 done, web02 done", (ends(0, "--limit web*")))
  end)
end)

describe("--retry-file", function()
  local function kept() return files.read(folder .. "/retry") end

  local FIRST = "# virtlun retry file: what is still to be made, by uri and domain\n"

  local function lines(...)
    local text = FIRST
    for _, name in ipairs { ... } do text = text .. (name:find("web") and one or two) .. " " .. name .. "\n" end
    return text
  end

  it("has what was not made, is made by the same again, and is gone when nothing is left", function()
    lose_two()
    assert.equal("web01 done, web02 done, db01 failed, db02 failed", (ends(3, "--retry-file @/retry")))
    assert.equal(lines("db01", "db02"), kept())
    assert.equal("db01 failed, db02 failed", (ends(1, "--retry-file @/retry")))
    assert.equal(lines("db01", "db02"), kept())
    bring_two_back()
    assert.equal("db01 done, db02 done", (ends(0, "--retry-file @/retry")))
    assert.is_nil(kept())
    assert.equal("web01 done, web02 done, db01 done, db02 done", (ends(0, "--retry-file @/retry")))
    assert.is_nil(kept())
  end)

  it("has what was left, and who failed", function()
    lose_two()
    assert.equal("web01 left, web02 left, db01 failed, db02 failed", (ends(1, "--max-fail 1 --retry-file @/retry")))
    assert.equal(lines("web01", "web02", "db01", "db02"), kept())
  end)

  it("keeps what --limit leaves out of a run, and says nothing of it", function()
    files.write(folder .. "/retry", lines("web02", "db01", "db02"))
    local said, data = ends(0, "--retry-file @/retry --limit *01")
    assert.equal("db01 done", said)
    assert.same({}, data.problems)
    assert.equal(lines("web02", "db02"), kept())
    assert.equal("web02 done, db02 done", (ends(0, "--retry-file @/retry")))
    assert.is_nil(kept())
  end)

  it("keeps and tells what is not described any more", function()
    files.write(folder .. "/retry", lines("web02", "web09"))
    local said, data = ends(0, "--retry-file @/retry")
    assert.equal("web02 done", said)
    assert.same({ "retry_unknown", "warning", one .. " web09" },
      { data.problems[1].code, data.problems[1].severity, data.problems[1].path })
    assert.equal(lines("web09"), kept())
  end)

  it("tells domains apart by their hosts, and has - for libvirt's default", function()
    files.write(folder .. "/retry", FIRST .. two .. " web01\n- web02\n")
    local _, data = ends(1, "--retry-file @/retry")
    assert.same({ "retry_unknown", "retry_unknown", "no_retry_file" },
      { data.problems[1].code, data.problems[2].code, data.problems[3].code })
    files.write(folder .. "/bare.lua", 'domain "web01" {}\ndomain "web02" {}')
    local result = child.virtlun({ "apply", "--yes", "--retry-file", folder .. "/default", folder .. "/bare.lua" },
      { env = { LIBVIRT_DEFAULT_URI = "test:///nonexistent.xml" } })
    assert.equal(1, result.code)
    assert.equal(FIRST .. "- web01\n- web02\n", files.read(folder .. "/default"))
  end)

  it("is for remove as well, and untouched by a no", function()
    lose_two()
    assert.equal(1, run("remove --yes --retry-file @/retry @/recipe.lua").code)
    assert.equal(lines("db01", "db02"), kept())
    bring_two_back()
    local result = run("apply --retry-file @/retry @/recipe.lua") -- nobody is there to say yes
    assert.truthy(result.code ~= 0)
    assert.equal(lines("db01", "db02"), kept())
  end)

  it("is never another file", function()
    for _, text in ipairs { "", "precious\n", FIRST:sub(2), FIRST:sub(1, -2) .. "x\n" } do
      files.write(folder .. "/retry", text)
      local result = apply("--retry-file @/retry")
      assert.same({ 1, "" }, { result.code, result.out })
      assert.equal(folder .. "/retry: is no retry file: its first line is another " ..
        "(apply --retry-file FILE writes one where there is none)\n", result.err)
      assert.equal(text, kept())
    end
    local result = apply("--retry-file @")
    assert.equal(1, result.code)
    assert.truthy(result.err:find("cannot be written: not a regular file", 1, true), result.err)
  end)

  it("is told of where it cannot be written, before anything is changed", function()
    for path, why in pairs { ["@/none/retry"] = "No such file or directory", ["/dev/zero"] = "not a regular file" } do
      local said, data = ends(1, "--retry-file " .. path)
      assert.same({ "", "cannot_write" }, { said, data.problems[1].code })
      assert.truthy(data.problems[1].message:find(why, 1, true), data.problems[1].message)
    end
  end)

  it("is written also where nobody reads any more what is told", function()
    lose_two()
    local line = "%s apply --yes --json --retry-file %s/retry %s 2>&1 | head -c 1"
    child.run({ "sh", "-c", line:format(child.command, folder, recipe) })
    assert.equal(lines("db01", "db02"), kept())
  end)

  it("that names nothing is no reason to do everything, nor success", function()
    files.write(folder .. "/retry", FIRST)
    local said, data = ends(1, "--retry-file @/retry")
    assert.same({ "", "no_retry_file" }, { said, data.problems[1].code })
    assert.equal(FIRST, kept())
  end)

  it("is not written over another file that has come there meanwhile", function()
    local result = child.script([[
      local cli, fleet = require("virtlun.cli"), require("virtlun.fleet")
      local apply = fleet.apply
      function fleet.apply(...)
        local report = apply(...)
        require("support.files").write(arg[#arg - 1], "mine")
        return report
      end
      print(cli.main(arg))]], {}, "apply", "--yes", "--quiet", "--max-fail", "0", "--retry-file", folder .. "/retry",
      recipe)
    assert.truthy(result.err:find(folder .. "/retry: is no retry file: its first line is another", 1, true), result.err)
    assert.equal("mine", kept())
  end)

  it("is told of where it cannot be removed", function()
    local result = child.script([[
      os.remove = function() return nil, "no" end
      print(require("virtlun.cli").main(arg))]], {}, "apply", "--yes", "--quiet", "--retry-file",
      files.write(folder .. "/retry", lines("web01")), recipe)
    assert.truthy(result.err:find(folder .. "/retry: cannot be written: no", 1, true), result.err)
  end)
end)

describe("--batches and --max-fail", function()
  it("go on until one has failed, if none may", function()
    files.write(folder .. "/two.xml", NODE_TWO)
    assert.equal("web01 done, web02 done, db01 done, db02 done", (ends(0, "--batches 1,50%,100%")))
    lose_two()
    local said, data = ends(1, "--batches 1,50%")
    assert.equal("web01 left, web02 left, db01 failed, db02 failed", said)
    assert.same({ "max_fail", "2", "0" }, { data.problems[2].code, data.problems[2].value, data.problems[2].expected })
  end)

  it("count by number and by percentage of all domains", function()
    lose_two()
    local made, left = "web01 done, web02 done, db01 failed, db02 failed",
      "web01 left, web02 left, db01 failed, db02 failed"
    assert.equal(left, (ends(1, "--max-fail 1")))
    assert.equal(made, (ends(3, "--max-fail 2 --batches 1")))
    assert.equal(left, (ends(1, "--max-fail 49%")))
    assert.equal(made, (ends(3, "--max-fail 50%")))
  end)
end)

describe("a wrong value", function()
  local cases = {
    ["-P 0"] = "--hosts 0: write it as a number", ["-P x"] = "--hosts x: write it as a number",
    ["--hosts -1"] = "--hosts", ["-P 1.5"] = "--hosts 1.5: write it as a number",
    ["--batches 0"] = "--batches 0: write it as numbers and percentages", ["--batches 1,x"] = "--batches 1,x",
    ["--batches 0%"] = "--batches 0%", ["--batches 101%"] = "--batches 101%", ["--batches 1,,2"] = false,
    ["--batches ,"] = "--batches ,",
    ["--max-fail x"] = "--max-fail x: write it as a number or a percentage", ["--max-fail 101%"] = "--max-fail 101%",
    ["--max-fail 1.5"] = "--max-fail 1.5", ["--max-fail 99999999999999999999"] = "--max-fail 99999999999999999999",
    ["--retry-file"] = "--retry-file", ["--limit"] = "--limit",
  }
  for words, said in pairs(cases) do
    it("is refused with the usage: " .. words, function()
      local result = apply(words)
      if not said then return assert.equal(0, result.code, result.err) end
      assert.same({ 64, "" }, { result.code, result.out })
      assert.truthy(result.err:find("^Usage: virtlun apply"), result.err)
      assert.truthy(result.err:find(said, 1, true), result.err)
    end)
  end
end)
