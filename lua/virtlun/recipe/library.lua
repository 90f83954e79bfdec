--- The part of Lua's own library that a recipe may use: pure functions, none of which can run for long by itself.
-- Taken out of reach for good: pattern functions, which the limit of instructions does not see, also as methods of a
-- text; and whatever shows an address or an order that differs from run to run.
--
-- The function is dumped and run in the recipe's own Lua state, as those of dsl.lua are, so it has no upvalues.  It
-- gives the names, and Lua's own unpack.

return function()
  local format, find, gsub, rep, concat = string.format, string.find, string.gsub, string.rep, table.concat
  local sort, move, unpack, tointeger = table.sort, table.move, table.unpack, math.tointeger
  local next, select, tostring, type, error = next, select, tostring, type, error

  local function is_address(value)
    return type(value) == "table" or type(value) == "function"
  end

  local function plain_text(value)
    if is_address(value) then error(("a %s has no text"):format(type(value)), 3) end
    return tostring(value)
  end

  local function plain_format(template, ...)
    if find(gsub(template, "%%%%", ""), "%%[%d.%-+ #]*p") then error("a pointer has no text", 2) end
    for i = 1, select("#", ...) do
      local value = select(i, ...)
      if is_address(value) then error(("a %s has no text"):format(type(value)), 2) end
    end
    return format(template, ...)
  end

  -- Both work for as long as they are told to within one instruction, where no limit would stop them.
  local LARGEST = 1 << 24

  local function short_rep(text, count, separator)
    local piece = #text + #(separator or "")
    if (tointeger(count) or 0) > LARGEST // (piece > 0 and piece or 1) then error("not enough memory", 0) end
    return rep(text, count, separator)
  end

  local function short_move(from, first, last, ...)
    if last - first > LARGEST then error("not enough memory", 0) end
    return move(from, first, last, ...)
  end

  -- A comparison of Lua's own would be no instruction.
  local function less(a, b) return a < b end

  local function watched_sort(t, before)
    return sort(t, before or less)
  end

  local function short_concat(t, separator, first, last)
    if (last or #t) - (first or 1) > LARGEST // 16 then error("not enough memory", 0) end
    return concat(t, separator, first, last)
  end

  local function in_order(a, b)
    if type(a) == type(b) then return a < b end
    return type(a) == "number"
  end

  local function sorted_pairs(t)
    local keys = {}
    for key in next, t do
      if type(key) ~= "number" and type(key) ~= "string" then error("pairs: a key is neither number nor text", 2) end
      keys[#keys + 1] = key
    end
    sort(keys, in_order)
    local i = 0
    return function()
      i = i + 1
      if keys[i] ~= nil then return keys[i], t[keys[i]] end
    end
  end

  local function copy(library, ...)
    local result = {}
    for i = 1, select("#", ...) do
      local key = select(i, ...)
      result[key] = library[key]
    end
    return result
  end

  local names = {
    assert = assert, error = error, ipairs = ipairs, pairs = sorted_pairs, select = select, tonumber = tonumber,
    tostring = plain_text, type = type,
    math = copy(math, "abs", "ceil", "floor", "fmod", "huge", "max", "maxinteger", "min", "mininteger", "modf", "pi",
      "sqrt", "tointeger", "type", "ult"),
    string = copy(string, "byte", "char", "len", "lower", "reverse", "sub", "upper"),
    table = copy(table, "concat", "insert", "pack", "remove", "sort", "unpack"),
    utf8 = copy(utf8, "char", "codepoint", "len", "offset"),
  }
  names.string.format, names.string.rep = plain_format, short_rep
  names.table.concat, names.table.move, names.table.sort = short_concat, short_move, watched_sort

  local methods = string -- where ("text"):method() is looked up
  for key in next, methods do methods[key] = names.string[key] end -- luacheck: ignore
  return names, unpack
end
