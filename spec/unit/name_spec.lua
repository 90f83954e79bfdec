-- Names of drives and their index: bijective base 26, safe against every length.
local core = require "virtlun.core"

local vectors = {
  { "sda", 0 }, { "sdg", 6 }, { "sdh", 7 }, { "sdn", 13 }, { "sdo", 14 }, { "sdp", 15 }, { "sdz", 25 }, { "sdaa", 26 },
  { "sdaz", 51 }, { "sdba", 52 }, { "sdzz", 701 }, { "sdaaa", 702 }, { "sdzzz", 18277 }, { "sdaaaa", 18278 },
  { "sdzzzz", 475253 },
}

local other_prefixes = { "hd", "vd", "xvd", "ubd" }

local no_names = {
  "", "s", "sd", "sda1", "sdA", "SDA", "sd a", "sda ", "fda", "sr0", "xvd", "sdaaaaa", "sdzzzzz",
  "sd" .. ("z"):rep(1000), "sda\0", "sdä", "/dev/sda",
}

describe("a drive name", function()
  for _, vector in ipairs(vectors) do
    local name, index = table.unpack(vector)
    it(("%s has the index %d, and back"):format(name, index), function()
      assert.equal(index, core.dev_index(name))
      assert.equal(name, core.dev_name(index))
    end)
  end

  it("has the same index with every prefix that libvirt takes", function()
    for _, prefix in ipairs(other_prefixes) do
      assert.equal(0, core.dev_index(prefix .. "a"))
      assert.equal(702, core.dev_index(prefix .. "aaa"))
    end
  end)

  it("comes back from every index, and no two are one", function()
    local seen = {}
    for index = 0, 20000 do
      local name = core.dev_name(index)
      assert(not seen[name] and core.dev_index(name) == index, name)
      seen[name] = true
    end
  end)

  for _, text in ipairs(no_names) do
    it(("is not %q"):format(text:sub(1, 12)), function() assert.is_nil(core.dev_index(text)) end)
  end

  it("ends with sdzzzz", function()
    assert.is_nil(core.dev_name(475254))
    assert.is_nil(core.dev_name(-1))
    assert.is_nil(core.dev_name(math.maxinteger))
  end)
end)
