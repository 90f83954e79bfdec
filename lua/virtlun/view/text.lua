--- What may be shown of a text that somebody else wrote, and how wide it is.
--
-- Names, labels and messages come from hosts, images and recipes. None of them may move the cursor of a terminal, pass
-- for another line or give a password away.  Knows nothing of what a text is about.

local text = {}

local function is_in(ranges, code)
  for _, range in ipairs(ranges) do
    if code >= range[1] and code <= range[2] then return true end
  end
  return false
end

-- Passwords ------------------------------------------------------------------------------------------------

local MASK = "***"

local SECRET_WORDS = { "passw", "secret", "token", "signature", "credential", "apikey", "api_key", "access_key" }

local function is_secret(key)
  key = key:lower()
  for _, word in ipairs(SECRET_WORDS) do
    if key:find(word, 1, true) then return true end
  end
  return key == "sig"
end

local function masked_parameter(before, key)
  return is_secret(key) and before .. key .. "=" .. MASK or nil
end

local function masked_attribute(key, quote)
  return is_secret(key) and key .. "=" .. quote .. MASK .. quote or nil
end

--- The text without the passwords in it: those of URLs, their parameters that tell secrets, and what libvirt's XML
-- keeps in attributes (passwd) and cookies.
function text.masked(s)
  if not s:find("[=:<]") then return s end
  s = s:gsub("(%a[%w+.-]*://[^/%s:@'\"]*):[^/%s@'\"]*@", "%1:" .. MASK .. "@")
  s = s:gsub("([?&;'\"])([%w_.-]+)=[^&;%s'\"]+", masked_parameter)
  s = s:gsub("(%a+)=(['\"]).-%2", masked_attribute)
  return (s:gsub("(<cookie%f[%s>][^>]*>)[^<]*", "%1" .. MASK))
end

-- Characters -----------------------------------------------------------------------------------------------

-- Controls, halves of pairs, what is no character, and what is invisible or turns the direction of writing: with those
-- a text could pretend to be another one.
local HIDDEN = {
  { 0, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x61c, 0x61c }, { 0x180e, 0x180e }, { 0x200b, 0x200f },
  { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xd800, 0xdfff }, { 0xfdd0, 0xfdef }, { 0xfeff, 0xfeff },
  { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
}

local NAMES = { [9] = "\\t", [10] = "\\n", [13] = "\\r" }

local function visible(char)
  local code = utf8.codepoint(char)
  if not is_in(HIDDEN, code) and code & 0xfffe ~= 0xfffe then return nil end
  return NAMES[code] or (code < 0x80 and "\\x%02x" or "\\u{%x}"):format(code)
end

--- The text with every byte that is not UTF-8 spelled out.
local function as_utf8(s)
  local good, at = utf8.len(s)
  while not good do
    s = ("%s\\x%02x%s"):format(s:sub(1, at - 1), s:byte(at), s:sub(at + 1))
    good, at = utf8.len(s)
  end
  return s
end

--- The text as one line that stands for itself alone: what cannot be shown is spelled out, passwords are masked.
function text.shown(s)
  s = text.masked(s)
  if not s:find("[^\32-\126]") then return s end
  return (as_utf8(s):gsub(utf8.charpattern, visible))
end

--- Lines of an element as they may be shown, without the indentation of the document in which it stood: that is what
-- its last line has.
function text.of_xml(xml)
  local lines = {}
  for line in text.masked(xml or ""):gmatch("[^\n]+") do lines[#lines + 1] = text.shown(line) end
  local indent = #lines > 0 and lines[#lines]:match("^ *") or ""
  for i = 2, #lines do
    if lines[i]:sub(1, #indent) == indent then lines[i] = lines[i]:sub(#indent + 1) end
  end
  return lines
end

-- Width ----------------------------------------------------------------------------------------------------

local COMBINING = {
  { 0x300, 0x36f }, { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
}
local WIDE = {
  { 0x1100, 0x115f }, { 0x2e80, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },
  { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
}

local function width_of(code)
  if code < 0x300 then return 1 end
  return is_in(COMBINING, code) and 0 or is_in(WIDE, code) and 2 or 1
end

--- How many columns of a terminal a text takes that shown gave.
function text.width(s)
  if not s:find("[\128-\255]") then return #s end
  local width = 0
  for _, code in utf8.codes(s) do width = width + width_of(code) end
  return width
end

--- The text with blanks behind it, so that it takes so many columns.
function text.pad(s, width)
  return s .. (" "):rep(width - text.width(s))
end

--- The text in at most so many columns; mark stands for what is left out.
function text.clip(s, width, mark)
  if text.width(s) <= width then return s end
  local left = width - text.width(mark)
  for at, code in utf8.codes(s) do
    left = left - width_of(code)
    if left < 0 then return s:sub(1, at - 1) .. mark end
  end
end

--- The words of a text as lines of at most so many columns; a longer word has a line of its own.
function text.wrap(s, width)
  local lines = {}
  for word in s:gmatch("%S+") do
    local last = lines[#lines]
    if last and text.width(last) + 1 + text.width(word) <= width then
      lines[#lines] = last .. " " .. word
    else
      lines[#lines + 1] = word
    end
  end
  return lines
end

return text
