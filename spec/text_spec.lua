-- Texts of others on a terminal: what cannot be shown, what is secret, how wide it is. Pure.
local json_view = require("virtlun.view.json")
local style = require("virtlun.view.style")
local text = require("virtlun.view.text")

describe("a text that is shown", function()
  it("stands for itself", function()
    for _, plain in ipairs { "", "/iso/a b.iso", "DISC [2] <x> 'y' \"z\"", "Übersicht 漢字 é" } do
      assert.equal(plain, text.shown(plain))
    end
  end)

  it("moves no cursor, ends no line, and turns no direction", function()
    local cases = {
      ["\27[2J\27]0;x\7"] = "\\x1b[2J\\x1b]0;x\\x07", ["a\nb\r\tc"] = "a\\nb\\r\\tc", ["\0"] = "\\x00",
      ["\127"] = "\\x7f", ["\u{9b}31m"] = "\\u{9b}31m", ["a\u{202e}b"] = "a\\u{202e}b", ["\u{feff}"] = "\\u{feff}",
      ["\u{2028}"] = "\\u{2028}", ["\u{fffe}"] = "\\u{fffe}", ["\u{1ffff}"] = "\\u{1ffff}", ["\xff\xc3"] = "\\xff\\xc3",
      ["\xed\xa0\x80"] = _VERSION == "Lua 5.3" and "\\u{d800}" or "\\xed\\xa0\\x80", ["\xc3\xa9\x9b"] = "é\\x9b",
    }
    for hostile, shown in pairs(cases) do assert.equal(shown, text.shown(hostile)) end
  end)

  it("tells no password", function()
    local cases = {
      ["qemu+ssh://root:pw@host/system"] = "qemu+ssh://root:***@host/system",
      ["https://u:p%40w@h:443/x.iso and ftp://:q@h/"] = "https://u:***@h:443/x.iso and ftp://:***@h/",
      ["https://h:8080/a@b.iso"] = "https://h:8080/a@b.iso",
      ["qemu+ssh://root@host/system?socket=/s"] = "qemu+ssh://root@host/system?socket=/s",
      ["x.iso?a=1&X-Amz-Signature=ff&sig=gg&b=2"] = "x.iso?a=1&X-Amz-Signature=***&sig=***&b=2",
      ["query='a=1&amp;token=t&amp;b=2'"] = "query='a=1&amp;token=***&amp;b=2'",
      ["<graphics type='vnc' passwd=\"it's\" port='1'/>"] = "<graphics type='vnc' passwd=\"***\" port='1'/>",
      ["<cookies><cookie name='id'>crumb</cookie></cookies>"] = "<cookies><cookie name='id'>***</cookie></cookies>",
      ["<auth username='u'><secret type='iscsi' usage='san'/></auth>"] =
        "<auth username='u'><secret type='iscsi' usage='san'/></auth>",
    }
    for secret, shown in pairs(cases) do assert.equal(shown, text.shown(secret)) end
  end)

  it("is as wide as a terminal draws it", function()
    for shown, width in pairs { [""] = 0, abc = 3, ["é"] = 1, ["e\u{301}"] = 1, ["漢字"] = 4, ["한글 A"] = 6 } do
      assert.equal(width, text.width(shown), shown)
    end
    assert.same({ "漢字  |", "abc   |" }, { text.pad("漢字", 6) .. "|", text.pad("abc", 6) .. "|" })
    assert.same({ "abc", "a…", "漢…", "漢字" },
      { text.clip("abc", 3, "…"), text.clip("abc", 2, "…"), text.clip("漢字", 3, "…"), text.clip("漢字", 4, "…") })
  end)
end)

describe("an element that is shown", function()
  it("stands at the left, whatever document it stood in, and tells no password", function()
    assert.same({ "<a>", "  <b passwd='***'/>", "</a>" }, text.of_xml("<a>\n      <b passwd='x'/>\n    </a>"))
    assert.same({ "<a/>" }, text.of_xml("<a/>"))
    assert.same({ "<cookie>***</cookie>" }, text.of_xml("<cookie>one\ntwo</cookie>"))
    assert.same({}, text.of_xml(nil))
  end)
end)

describe("columns", function()
  it("stay in line whatever the cells are written in", function()
    assert.same({ "  +  漢字  x", "  ~  é     y", "  -  \\n    z" },
      style.columns({ { "+", "漢字", "x" }, { "~", "é", "y" }, { "-", "\n", "z" } }, "  "))
  end)
end)

describe("a tree", function()
  it("moves no cursor", function()
    local lines = style.tree { text = "web01\27[2J", { text = "DISC\n" } }
    assert.same({ "web01\\x1b[2J", "DISC\\n" }, { lines[1], (lines[2]:gsub("^[^%a]+", "")) })
  end)
end)

describe("JSON", function()
  it("tells no password either, and leaves the data as they are", function()
    local data = { uri = "qemu+ssh://u:pw@h/", plans = json_view.list { { xml = "<a passwd='x'/>" } } }
    local said = json_view.text(json_view.masked(data), true)
    assert.equal([[{"format_version":1,"uri":"qemu+ssh://u:***@h/","plans":[{"xml":"<a passwd='***'/>"}]}]], said)
    assert.equal("<a passwd='x'/>", data.plans[1].xml)
    assert.equal("[]", json_view.text({ a = json_view.masked(json_view.list {}) }, true):match("%[.*%]"))
  end)
end)

describe("wrapped text", function()
  local wrap = require("virtlun.view.text").wrap

  it("breaks between words, by columns and not by bytes", function()
    assert.same({ "one two", "three" }, wrap("one  two\nthree", 8))
    assert.same({ "über alt", "neu" }, wrap("über alt neu", 8))
    assert.same({}, wrap("  ", 8))
  end)

  it("gives a word that is too long a line of its own", function()
    assert.same({ "a", "bbbbbbbbbbbb", "c" }, wrap("a bbbbbbbbbbbb c", 5))
  end)
end)
