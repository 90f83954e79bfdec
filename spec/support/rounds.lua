-- How many rounds a spec of random things tries.  VIRTLUN_ROUNDS says it where it is set; under the sanitizers, where
-- a round costs ten times as much and looks for slips in C alone, there are fewer.
local SANITIZED = 0.15

local function is_sanitized()
  return (os.getenv("VIRTLUN_BUILD") or ""):find("asan", 1, true) ~= nil
end

-- usual: how many there are on the plain build.
return function(usual)
  return tonumber(os.getenv("VIRTLUN_ROUNDS")) or is_sanitized() and usual * SANITIZED // 1 | 0 or usual
end
