-- A busted helper. With VIRTLUN_EAGER_GC=1 the collector never rests: no pause between two cycles, and a step after
-- every few bytes, so that a C function which uses a value that it no longer keeps on the stack is caught.
-- (A full collection at every allocation would be more eager still, and take hours for the whole suite.)
if os.getenv("VIRTLUN_EAGER_GC") == "1" then
  if _VERSION == "Lua 5.4" then
    collectgarbage("incremental", 100, 400, 4) -- steps of 2^4 bytes
  end
  -- Here 0 means none; as an argument of "incremental" it would mean "as it was".
  for name, value in pairs { pause = 0, stepmul = 400 } do
    -- What Lua 5.5 calls "param" has a name of its own in earlier ones.
    if not pcall(collectgarbage, "param", name, value) then collectgarbage("set" .. name, value) end
  end
end
