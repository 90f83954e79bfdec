--- What the texts behind flags mean.  Each function gives the value; nil and what is wrong, as argparse wants it.

local virtlun = require "virtlun"

local values = {}

--- A number of seconds.
function values.seconds(text)
  local number = text:match("^%d+%.?%d*$") and tonumber(text)
  if not number then return nil, ("--timeout %s: write it as a number of seconds"):format(text) end
  return number
end

--- For the value of a flag: a whole number, 0 or `lowest` and more.
function values.integer(name, lowest)
  return function(text)
    local number = text:match("^%d+$") and math.tointeger(tonumber(text))
    if not number or number < (lowest or 0) then return nil, ("%s %s: write it as a number"):format(name, text) end
    return number
  end
end

local function words(text)
  local list = {}
  for word in text:gmatch("[^,]+") do list[#list + 1] = word end
  return list
end

--- What --max-fail and the parts of --batches are: a number or a percentage.
local function limit(text)
  local percent = tonumber(text:match("^(%d+)%%$"))
  if percent then return percent <= 100 and text or nil end
  return math.tointeger(tonumber(text:match("^%d+$")))
end

--- Sizes of batches, as "1,10%,100%": a list of numbers and texts.
function values.batches(text)
  local sizes, wrong = {}, ("--batches %s: write it as numbers and percentages, such as 1,10%%,100%%"):format(text)
  for i, word in ipairs(words(text)) do
    sizes[i] = limit(word)
    if not sizes[i] or word:match("^0+%%?$") then return nil, wrong end
  end
  if not sizes[1] then return nil, wrong end
  return sizes
end

--- A limit of failures.
function values.max_fail(text)
  return limit(text), ("--max-fail %s: write it as a number or a percentage, such as 3 or 10%%"):format(text)
end

--- A list of transports, all of which are known.
function values.transports(text)
  local list = words(text)
  for _, word in ipairs(list) do
    local near = virtlun.suggest(word, virtlun.TRANSPORTS)
    if near ~= word then
      return nil, ("--transports %s: '%s' is none of %s"):format(text, word, table.concat(virtlun.TRANSPORTS, ", "))
    end
  end
  return list
end

return values
