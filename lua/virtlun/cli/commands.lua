--- Which file knows which command.  A command gets the parsed arguments and an output, and returns the exit status.

local changes = require "virtlun.cli.changes"
local drives = require "virtlun.cli.drives"
local explain = require "virtlun.cli.explain"
local import = require "virtlun.cli.import"
local reboot = require "virtlun.cli.reboot"
local recipes = require "virtlun.cli.recipes"
local show = require "virtlun.cli.show"

return {
  check = recipes.check, render = recipes.render,
  plan = changes.plan, apply = changes.apply,
  insert = drives.insert, eject = drives.eject, attach = drives.attach, detach = drives.detach,
  show = show.show, import = import.import, reboot = reboot.reboot,
  lun = explain.lun, help = explain.help,
}
