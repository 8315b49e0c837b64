levle    = "warn" # ERROR: There is no variable "levle" -> Did you mean "level"?
level    = "quiet"
replicas = "many" # ERROR: The value of "replicas" does not fit its type -> The type is number, and this is the string "many". A number is required.
password = 12hunter2 # ERROR: Quotes are missing -> A line is NAME = VALUE, and text stands in double quotes.
token    = "hunter2" "again"
block { # ERROR: A block "block" in a file of values -> It holds lines NAME = VALUE, one for each variable, and no blocks.
  level = "x"
}
