-- The server is installed: the disc goes, the drive stays for later.  false says that there is nothing in the drive;
-- a source that is left out would stay what it is.
domain "web01" {
  cdrom { dev = "sda", source = false },
}
