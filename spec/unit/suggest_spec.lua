-- Suggestions: the word that a mistyped one probably meant, or none.
local core = require "virtlun.core"

local words = { "source", "serial", "cache", "io", "none", "native", "threads", "writeback", "writethrough" }

local near = {
  { "sorce", "source", "a letter is missing" },
  { "soource", "source", "a letter is too many" },
  { "sourse", "source", "a letter is another" },
  { "soruce", "source", "two letters are swapped" },
  { "source", "source", "nothing is wrong" },
  { "oi", "io", "a short word, swapped" },
  { "writbak", "writeback", "two letters are missing" },
  { "writethru", "writethrough", "the end is another" },
  { "Cache", "cache", "a capital" },
}

local far = { "", "x", "xy", "memory", "completely different", ("source"):rep(100), "\255\0" }

describe("a suggestion", function()
  for _, row in ipairs(near) do
    local text, word, why = table.unpack(row)
    it(("for %s is %s: %s"):format(text, word, why), function() assert.equal(word, core.suggest(text, words)) end)
  end

  for _, text in ipairs(far) do
    it(("for %q is none"):format(text:sub(1, 20)), function() assert.is_nil(core.suggest(text, words)) end)
  end

  it("is the nearest word, and of equally near ones the first", function()
    assert.equal("cdrom2", core.suggest("cdrom3", { "cdrum2", "cdrom2", "cdrom22" }))
    assert.equal("sdb", core.suggest("sdx", { "sdb", "sdc" }))
  end)

  it("is none where half of a short word would be another", function()
    assert.is_nil(core.suggest("nope", { "type" }))
    assert.is_nil(core.suggest("abc", { "xbz" }))
  end)

  it("is none where there are no words", function()
    assert.is_nil(core.suggest("source", {}))
    assert.is_nil(core.suggest("source", { 1, true }))
  end)
end)
