--- Many domains in few words: by their hosts, and numbered ones as ranges.  Knows nothing of what is said of them.
--
-- web01..web17 stands for all numbers between, of the same width.  A name that could pass for several stands in quotes.

local text = require "virtlun.view.text"

local names = {}

local SHORTEST_RANGE = 3
local LONGEST_NUMBER = 15 -- digits that an integer surely has

local function shown(name)
  local plain = text.shown(name)
  if not plain:find("[%s,;'\"]") and not plain:find("..", 1, true) then return plain end
  return ("'%s'"):format(plain:gsub("'", "\\'"))
end

-- Ranges ---------------------------------------------------------------------------------------------------

--- What all names of a range have in common, and the number of this one.
local function series_of(name)
  local before, digits, after = name:match("^(.-)(%d+)(%D*)$")
  if not digits or #digits > LONGEST_NUMBER then return name, 0 end
  return ("%s\0%d\0%s"):format(before, #digits, after), tonumber(digits)
end

--- Names by their series, in the order in which those come first: lists of { number =, name = }, sorted.
local function series_in(list)
  local all, by_key = {}, {}
  for _, name in ipairs(list) do
    local key, number = series_of(name)
    if not by_key[key] then
      by_key[key] = {}
      all[#all + 1] = by_key[key]
    end
    table.insert(by_key[key], { number = number, name = name })
  end
  for _, series in ipairs(all) do table.sort(series, function(a, b) return a.number < b.number end) end
  return all
end

--- Where the run of consecutive numbers ends that begins there.
local function end_of_run(series, first)
  local last = first
  while series[last + 1] and series[last + 1].number == series[last].number + 1 do last = last + 1 end
  return last
end

--- Names as items { text =, count = how many it stands for }.
local function items_of(list)
  local items = {}
  for _, series in ipairs(series_in(list)) do
    local i = 1
    while i <= #series do
      local last = end_of_run(series, i)
      local count = last - i + 1
      if count < SHORTEST_RANGE then last, count = i, 1 end
      local words = shown(series[i].name) .. (count > 1 and ".." .. shown(series[last].name) or "")
      items[#items + 1] = { text = words, count = count }
      i = last + 1
    end
  end
  return items
end

-- Hosts ----------------------------------------------------------------------------------------------------

--- A host in words: its uri, which is empty where nobody said one.
function names.host(uri)
  return uri ~= "" and uri or "libvirt's default"
end

--- Things that have a uri by their hosts, in the order in which those come first: lists with uri.
local function group(entries)
  local hosts, by_uri = {}, {}
  for _, entry in ipairs(entries) do
    local uri = entry.uri or ""
    if not by_uri[uri] then
      by_uri[uri] = { uri = uri }
      hosts[#hosts + 1] = by_uri[uri]
    end
    table.insert(by_uri[uri], entry.domain)
  end
  return hosts
end

--- On how many hosts domains are.
function names.hosts(entries)
  return #group(entries)
end

--- The names of domains, a list of { domain =, uri = }, by their hosts: a list of { uri =, names and ranges... }, and
-- what is said of those that are left out because so many names and ranges are told already ("and 7 more on 2 hosts"),
-- or nil.  most: a number, nil for all.
function names.by_host(entries, most)
  local hosts, told, left, places = {}, 0, 0, 0
  for _, host in ipairs(group(entries)) do
    local few, before = { uri = host.uri }, left
    for _, item in ipairs(items_of(host)) do
      if most and told >= most then
        left = left + item.count
      else
        told = told + 1
        few[#few + 1] = item.text
      end
    end
    if few[1] then hosts[#hosts + 1] = few end
    if left > before then places = places + 1 end
  end
  if left == 0 then return hosts end
  return hosts, ("and %d more%s"):format(left, places > 1 and (" on %d hosts"):format(places) or "")
end

--- The same in one line: "web01..web09, web11 and 7 more", with is_placed "web01 on qemu+ssh://a/system; ...".
function names.text(entries, most, is_placed)
  local hosts, left = names.by_host(entries, most)
  local parts = {}
  for i, host in ipairs(hosts) do
    parts[i] = table.concat(host, ", ") .. (is_placed and " on " .. text.shown(names.host(host.uri)) or "")
  end
  return table.concat(parts, "; ") .. (left and " " .. left or "")
end

return names
