project = "shop"

service "api" {
  build "go" {}
  env = {
    ABOVE    = file("../secret.txt") # ERROR: The function failed -> Only files of this folder and below can be read, by a relative path.
    ABSOLUTE = file("/etc/passwd") # ERROR: The function failed -> Only files of this folder and below can be read, by a relative path.
    MISSING  = file("motd") # ERROR: The function failed -> There is no file "motd" in the manifest's folder.
    FOLDER   = file("deploy") # ERROR: The function failed -> "deploy" is a folder, and a file is wanted.
    BINARY   = file("binary.bin") # ERROR: The function failed -> The file "binary.bin" is not text in UTF-8. Use filebase64("binary.bin").
    EMPTY    = file("") # ERROR: The function failed -> Only files of this folder and below can be read, by a relative path.
    MANY     = file("motd.txt", "config.tpl") # ERROR: An argument too many -> Function "file" expects only 1 argument.
    NULL     = file(null) # ERROR: The argument does not fit the function -> Argument must not be null.
    EXISTS   = fileexists("../x") # ERROR: The function failed -> Only files of this folder and below can be read, by a relative path.
  }
}
