--- Which file knows which command.  A command gets the parsed arguments and an output, and returns the exit status
-- and, where only it can see that the command line is wrong, what is wrong with it.

local changes = require "virtlun.cli.changes"
local completion = require "virtlun.cli.completion"
local drives = require "virtlun.cli.drives"
local explain = require "virtlun.cli.explain"
local import = require "virtlun.cli.import"
local reboot = require "virtlun.cli.reboot"
local recipes = require "virtlun.cli.recipes"
local remove = require "virtlun.cli.remove"
local show = require "virtlun.cli.show"

return {
  check = recipes.check, render = recipes.render,
  plan = changes.plan, apply = changes.apply, remove = remove.remove,
  insert = drives.insert, eject = drives.eject, attach = drives.attach, detach = drives.detach,
  show = show.show, import = import.import, reboot = reboot.reboot,
  lun = explain.lun, help = explain.help,
  completion = completion.completion, complete = completion.complete,
}
